//! What can be kept and asked, whatever keeps it.
//!
//! Every call that changes something returns after the change is durable. "Not there" is `None` or
//! `false`, not an error.

use crate::activation::KeyFingerprint;
use crate::pin_hash::PinHash;
use crate::pin_tries::Verdict;
use conclave_types::{CallId, DisplayName, MeetingId, RoomId, UnixTime, VmrId, VmrNumber};
use std::path::{Path, PathBuf};

/// An enrolled room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Its id, which its certificate carries too.
    pub id: RoomId,
    /// Its name, unlike that of any other active room.
    pub name: DisplayName,
    /// The serial number that the device gave at its enrolment; for people.
    pub serial: String,
    /// Its key.
    pub key: KeyFingerprint,
    /// When its newest certificate runs out.
    pub certificate_expires: UnixTime,
    /// Whether it may link.
    pub status: RoomStatus,
    /// When it was enrolled.
    pub enrolled_at: UnixTime,
}

/// Whether a room may link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomStatus {
    /// It may.
    Active,
    /// An administrator revoked it; that is final.
    Revoked,
}

/// A virtual meeting room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vmr {
    /// Its id.
    pub id: VmrId,
    /// What is dialled; no two have the same.
    pub number: VmrNumber,
    /// What it is called.
    pub name: DisplayName,
    /// The hash of its PIN, if it has one.
    pub pin: Option<PinHash>,
    /// The most participants at once, at least 1.
    pub capacity: u32,
}

/// A change in the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordEntry {
    /// A meeting began.
    Started {
        /// Which.
        meeting: MeetingId,
        /// Where. The record keeps number and name; the meeting room may be removed later.
        vmr: VmrId,
        /// Its number.
        number: VmrNumber,
        /// Its name.
        name: DisplayName,
        /// When.
        at: UnixTime,
    },
    /// A room joined.
    Joined {
        /// By which call.
        call: CallId,
        /// Which meeting.
        meeting: MeetingId,
        /// Which room.
        room: RoomId,
        /// Its name then.
        name: DisplayName,
        /// When.
        at: UnixTime,
    },
    /// A call ended.
    Left {
        /// Which.
        call: CallId,
        /// Why.
        why: LeftWhy,
        /// When.
        at: UnixTime,
    },
    /// A meeting ended.
    Ended {
        /// Which.
        meeting: MeetingId,
        /// When.
        at: UnixTime,
    },
}

macro_rules! left_why {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $words:literal;)*) => {
        /// Why a call ended, as the records keep it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum LeftWhy { $($(#[$doc])* $name,)* }

        impl LeftWhy {
            /// As it is stored: one word that never changes.
            pub fn as_str(self) -> &'static str {
                match self { $(LeftWhy::$name => $text,)* }
            }

            /// For people.
            pub fn words(self) -> &'static str {
                match self { $(LeftWhy::$name => $words,)* }
            }

            pub(crate) fn from_str(text: &str) -> Option<LeftWhy> {
                match text { $($text => Some(LeftWhy::$name),)* _ => None }
            }
        }
    };
}

left_why! {
    /// The room left.
    Left = "left", "left";
    /// The room came in again by another call.
    Replaced = "replaced", "joined again";
    /// The link was gone for too long.
    LinkLost = "link_lost", "link lost";
    /// No packets came.
    MediaLost = "media_lost", "no media";
    /// The meeting room was removed.
    VmrRemoved = "vmr_removed", "meeting room removed";
    /// An administrator ended the meeting.
    Closed = "closed", "meeting ended";
    /// The room was revoked.
    Revoked = "revoked", "room revoked";
    /// The cloud stopped or was stopped; the time is that of its next start.
    CloudStopped = "cloud_stopped", "cloud stopped";
}

/// One call of one room, as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// Which call.
    pub call: CallId,
    /// Which meeting.
    pub meeting: MeetingId,
    /// The meeting room's number then.
    pub vmr_number: VmrNumber,
    /// The meeting room's name then.
    pub vmr_name: DisplayName,
    /// Which room.
    pub room: RoomId,
    /// Its name then.
    pub name: DisplayName,
    /// When it joined.
    pub joined_at: UnixTime,
    /// When and why it left; `None` while it is there.
    pub left: Option<(UnixTime, LeftWhy)>,
}

/// The store cannot do what it was asked. Nothing that was acknowledged before is lost.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No space.
    #[error("the disk of the database is full: make room on it, then try again")]
    DiskFull,
    /// No permission to write.
    #[error("the database cannot be written: check who owns {file} and how its disk is mounted")]
    ReadOnly {
        /// The database.
        file: PathBuf,
    },
    /// What is there is no database, or not a whole one.
    #[error("the database {file} is damaged: stop the cloud, keep a copy, restore a backup")]
    Damaged {
        /// The database.
        file: PathBuf,
    },
    /// Another program holds it.
    #[error("another program keeps the database locked: close it, then try again")]
    Locked,
    /// A value that this build did not write.
    #[error("the database holds a {what} that cannot be read")]
    BadValue {
        /// What it should be.
        what: &'static str,
    },
    /// Anything else about the files beside the database.
    #[error("the list of changes beside the database {file} cannot be written")]
    Changes {
        /// The database.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Anything else.
    #[error("the database refused")]
    Other(#[source] rusqlite::Error),
}

impl StoreError {
    /// Sorts a failure of the files beside a database by what somebody can do about it.
    pub(crate) fn from_io(file: &Path, source: std::io::Error) -> StoreError {
        use std::io::ErrorKind::{
            FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
        };
        let file = file.to_owned();
        match source.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => StoreError::DiskFull,
            ReadOnlyFilesystem | PermissionDenied => StoreError::ReadOnly { file },
            _ => StoreError::Changes { file, source },
        }
    }
}

/// Why a room is not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// Another active room is called the same.
    #[error("another room has this name already: choose another one, or rename that room first")]
    NameTaken,
    /// The device is an active room already.
    #[error("this device is a room already")]
    KeyTaken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a meeting room is not created.
#[derive(Debug, thiserror::Error)]
pub enum AddVmrError {
    /// Another one has the number.
    #[error("another meeting room has this number already: choose another one")]
    NumberTaken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The rooms.
pub trait Rooms {
    /// Keeps a new room.
    fn enrol(&mut self, room: &Room) -> Result<(), EnrolError>;
    /// One room, revoked or not.
    fn room(&self, id: RoomId) -> Result<Option<Room>, StoreError>;
    /// The active room with this key.
    fn room_with_key(&self, key: KeyFingerprint) -> Result<Option<Room>, StoreError>;
    /// All rooms, by name.
    fn rooms(&self) -> Result<Vec<Room>, StoreError>;
    /// Gives an active room another name; `false` when there is no such room.
    fn rename_room(&mut self, id: RoomId, name: &DisplayName) -> Result<bool, EnrolError>;
    /// The room got a certificate that runs until then.
    fn certificate_signed(&mut self, id: RoomId, expires: UnixTime) -> Result<(), StoreError>;
    /// Revokes a room; `false` when there is no active room with this id.
    fn revoke_room(&mut self, id: RoomId, at: UnixTime) -> Result<bool, StoreError>;
}

/// The virtual meeting rooms.
pub trait Vmrs {
    /// Keeps a new one.
    fn add_vmr(&mut self, vmr: &Vmr) -> Result<(), AddVmrError>;
    /// One, by what is dialled.
    fn vmr(&self, number: &VmrNumber) -> Result<Option<Vmr>, StoreError>;
    /// One, by its id.
    fn vmr_with_id(&self, id: VmrId) -> Result<Option<Vmr>, StoreError>;
    /// All, by number.
    fn vmrs(&self) -> Result<Vec<Vmr>, StoreError>;
    /// Removes one; its records stay. `false` when it is not there.
    fn remove_vmr(&mut self, id: VmrId) -> Result<bool, StoreError>;
    /// Sets or takes away a PIN and forgets all tries; `false` when the VMR is not there.
    fn set_pin(&mut self, id: VmrId, pin: Option<&PinHash>) -> Result<bool, StoreError>;
}

/// The tries at PINs; rules in [`crate::pin_tries`].
pub trait PinTries {
    /// May this room try a PIN here now? A try that is allowed is counted before this returns.
    fn begin_try(&mut self, room: RoomId, vmr: VmrId, now: UnixTime)
    -> Result<Verdict, StoreError>;
    /// The try was right.
    fn entered(&mut self, room: RoomId, vmr: VmrId, now: UnixTime) -> Result<(), StoreError>;
}

/// The records of meetings and calls.
pub trait Records {
    /// Keeps changes, all or none. A change that is kept already is no error, so it can be repeated.
    fn keep(&mut self, entries: &[RecordEntry]) -> Result<(), StoreError>;
    /// The cloud starts: calls that seem to go on ended when it stopped. Returns how many.
    fn close_dangling(&mut self, at: UnixTime) -> Result<u32, StoreError>;
    /// The newest records first, at most `most`.
    fn call_records(&self, most: u32) -> Result<Vec<CallRecord>, StoreError>;
}

/// All of it.
pub trait Directory: Rooms + Vmrs + PinTries + Records {}

impl<T: Rooms + Vmrs + PinTries + Records> Directory for T {}
