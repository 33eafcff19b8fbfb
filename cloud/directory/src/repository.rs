//! What can be kept and asked, whatever keeps it.
//!
//! Every call that changes something returns after the change is durable. "Not there" is `None` or
//! `false`, not an error.

use crate::activation::KeyFingerprint;
pub use crate::api_tokens::ApiTokens;
pub use crate::appointments::Appointments;
use crate::audit::{AuditEntry, AuditRow, Chain};
pub use crate::awaited::AwaitedDevices;
pub use crate::calendars::Calendars;
pub use crate::entry::Entries;
pub use crate::passkeys::Passkeys;
pub use crate::people::People;
use crate::pin_hash::PinHash;
use crate::pin_tries::Verdict;
pub use crate::second_factor::SecondFactors;
pub use crate::settings::RoomSettings;
use crate::usage::{Usage, Wanted};
pub use crate::webhooks::Webhooks;
use crate::words::stored_words;
use conclave_rollout::{Plan, Saved, Standing};
use conclave_types::{
    BundleHash, CallId, Channel, Compatible, DisplayName, MaintenanceWindow, MeetingId,
    OrganisationId, PersonId, ResetNumber, RoomId, UnixTime, Version, VmrId, VmrNumber,
};
use std::path::{Path, PathBuf};

/// An organisation: whose rooms and meeting rooms they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Its id.
    pub id: OrganisationId,
    /// Its name, unlike that of any other.
    pub name: DisplayName,
}

/// An enrolled room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Its id, which its certificate carries too.
    pub id: RoomId,
    /// Whose it is.
    pub organisation: OrganisationId,
    /// Its name, unlike that of any other active room of its organisation.
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
    /// Whose it is.
    pub organisation: OrganisationId,
    /// What is dialled; no two of an organisation have the same.
    pub number: VmrNumber,
    /// What it is called.
    pub name: DisplayName,
    /// The hash of its PIN, if it has one.
    pub pin: Option<PinHash>,
    /// The most participants at once, at least 1.
    pub capacity: u32,
    /// Whether only its owner and its moderators find it.
    pub hidden: bool,
    /// Whether it is gone after its meeting.
    pub once: bool,
    /// Whether whoever comes waits until somebody lets them in.
    pub lobby: bool,
    /// Who made it; `None`: it is the organisation's own.
    pub owner: Option<PersonId>,
    /// Who sees it besides, when it is hidden.
    pub moderators: Vec<PersonId>,
}

impl Vmr {
    /// Whether these eyes find it.
    pub fn seen_by(&self, sight: Sight) -> bool {
        match sight {
            Sight::All => true,
            _ if !self.hidden => true,
            Sight::Plain => false,
            Sight::Of(person) => self.owner == Some(person) || self.moderators.contains(&person),
        }
    }
}

/// Whose eyes something is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Everything, hidden or not: what rooms dial, and the installation's own needs.
    All,
    /// What is not hidden.
    Plain,
    /// That, and what is hidden from all but this person and some others.
    Of(PersonId),
}

/// A change in the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordEntry {
    /// A meeting began.
    Started {
        /// Which.
        meeting: MeetingId,
        /// Whose.
        organisation: OrganisationId,
        /// Where. The record keeps number and name; the meeting room may be removed later.
        vmr: VmrId,
        /// Its number.
        number: VmrNumber,
        /// Its name.
        name: DisplayName,
        /// Whether it was hidden.
        hidden: bool,
        /// Of a meeting that somebody had called, who: nobody else reads number and name.
        organiser: Option<PersonId>,
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
    /// The packets of a call that ended were looked at.
    Judged {
        /// Which.
        call: CallId,
        /// What was wrong with it; nothing when it was good.
        troubles: Vec<CallTrouble>,
    },
    /// A meeting ended.
    Ended {
        /// Which.
        meeting: MeetingId,
        /// When.
        at: UnixTime,
    },
}

stored_words! {
    /// Why a call ended, as the records keep it.
    LeftWhy:
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

stored_words! {
    /// What was wrong with a call, as its packets tell.
    CallTrouble:
    /// Not one packet came from the room.
    NoPackets = "no_packets", "no packet from the room";
    /// So many were lost for good on the way from the room that its picture broke up.
    BrokeUp = "broke_up", "picture broke up";
    /// Many were lost on the way from the room, and sent again in time.
    Lossy = "lossy", "packets from the room were lost";
    /// Many were lost on the way to the room.
    LossyToRoom = "lossy_to_room", "packets to the room were lost";
    /// The cloud itself dropped some.
    Overloaded = "overloaded", "the cloud dropped packets";
    /// Answers took long.
    Slow = "slow", "a long way to the room and back";
    /// They came unevenly.
    Uneven = "uneven", "packets came unevenly";
    /// For a while nothing came.
    Silent = "silent", "nothing came for a while";
    /// A part of the room broke.
    PartBroke = "part_broke", "a part of the room failed";
    /// It ended because the way between room and cloud was gone, or the cloud stopped.
    CutOff = "cut_off", "cut off";
    /// Good as a whole, with a bad moment.
    Moment = "moment", "a bad moment";
}

stored_words! {
    /// Who wanted a room reset.
    ResetWay:
    /// An administrator, from the cloud.
    Cloud = "cloud", "the cloud";
    /// Somebody at the room's panel, with a code that an administrator had made.
    Panel = "panel", "the panel, with a code";
}

stored_words! {
    /// What a room said that it did when it was reset.
    ResetOutcome:
    /// Header and key slots of its encrypted partition are overwritten.
    Partition = "partition_erased", "the keys of its data partition";
    /// The content of its data folder is overwritten and removed.
    Folder = "folder_erased", "the content of its data folder";
    /// It could not erase anything for certain.
    NotErased = "not_erased", "NOTHING FOR CERTAIN";
    /// Something that this build does not know.
    Other = "other", "what this cloud does not know";
}

/// A factory reset of a room: ordered or allowed, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reset {
    /// What it is known by.
    pub number: ResetNumber,
    /// Whose room.
    pub organisation: OrganisationId,
    /// Which room.
    pub room: RoomId,
    /// Its name then.
    pub name: DisplayName,
    /// Its device's serial number.
    pub serial: String,
    /// Its key then.
    pub key: KeyFingerprint,
    /// Who wanted it.
    pub way: ResetWay,
    /// When it was ordered, or the right code was typed.
    pub asked_at: UnixTime,
    /// When the room said what it did, and what; `None` while it has not.
    pub told: Option<(UnixTime, ResetOutcome)>,
}

/// One call of one room, as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// Which call.
    pub call: CallId,
    /// Which meeting.
    pub meeting: MeetingId,
    /// The meeting room's number then; `None`: it was a meeting that somebody else had called.
    pub vmr_number: Option<VmrNumber>,
    /// The meeting room's name then; `None` as above.
    pub vmr_name: Option<DisplayName>,
    /// Which room.
    pub room: RoomId,
    /// Its name then.
    pub name: DisplayName,
    /// When it joined.
    pub joined_at: UnixTime,
    /// When and why it left; `None` while it is there.
    pub left: Option<(UnixTime, LeftWhy)>,
    /// What was wrong with it, nothing when it was good; `None` while nobody has looked.
    pub troubles: Option<Vec<CallTrouble>>,
}

/// A release of the rooms' system. No two have the same version for the same board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRelease {
    /// Its version.
    pub version: Version,
    /// The boards that it is made for.
    pub compatible: Compatible,
    /// The bundle's hash, which is also its file's name.
    pub sha256: BundleHash,
    /// The bundle's length in octets.
    pub size: u64,
    /// The security floor that it brings.
    pub floor: Version,
    /// When it was added.
    pub added_at: UnixTime,
}

/// What a room follows and runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomUpdate {
    /// Which room.
    pub room: RoomId,
    /// The channel that it follows.
    pub channel: Channel,
    /// When it may be updated.
    pub window: MaintenanceWindow,
    /// What it said last that it runs, and what its board is; `None` while it never said.
    pub runs: Option<(Version, Compatible)>,
}

/// A rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRollout {
    /// Its number, counted from 1.
    pub id: u32,
    /// Whose rooms it reaches.
    pub channel: Channel,
    /// The release's version.
    pub version: Version,
    /// The release's board.
    pub compatible: Compatible,
    /// How it is meant to go.
    pub plan: Plan,
    /// How far it is.
    pub saved: Saved,
    /// When it began.
    pub started_at: UnixTime,
}

/// How a room stands in a rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenRoom {
    /// Which room.
    pub room: RoomId,
    /// How it stands.
    pub standing: Standing,
    /// Why it failed, for people.
    pub why: Option<String>,
    /// Since when.
    pub at: UnixTime,
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

/// Why a release is not added.
#[derive(Debug, thiserror::Error)]
pub enum AddReleaseError {
    /// There is one with this version for this board.
    #[error("this version is there already for this board: give the new bundle a new version")]
    Taken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an organisation is not added or renamed.
#[derive(Debug, thiserror::Error)]
pub enum OrganisationError {
    /// Another one is called the same.
    #[error("another organisation has this name already: choose another one")]
    NameTaken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The organisations. There is always [`OrganisationId::FIRST`].
pub trait Organisations {
    /// Keeps a new one.
    fn add_organisation(&mut self, organisation: &Organisation) -> Result<(), OrganisationError>;
    /// All, by name.
    fn organisations(&self) -> Result<Vec<Organisation>, StoreError>;
    /// Gives one another name; `false` when it is not there.
    fn rename_organisation(
        &mut self,
        id: OrganisationId,
        name: &DisplayName,
    ) -> Result<bool, OrganisationError>;
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
    /// Removes a revoked room and what hangs on it: wrong PINs, what it followed and ran, its part in
    /// rollouts, its resets. Records of calls stay. `false` when there is no revoked room with this
    /// id.
    fn forget_room(&mut self, id: RoomId) -> Result<bool, StoreError>;
}

/// The virtual meeting rooms.
pub trait Vmrs {
    /// Keeps a new one.
    fn add_vmr(&mut self, vmr: &Vmr) -> Result<(), AddVmrError>;
    /// One, by what is dialled in its organisation.
    fn vmr(
        &self,
        organisation: OrganisationId,
        number: &VmrNumber,
    ) -> Result<Option<Vmr>, StoreError>;
    /// One, by its id.
    fn vmr_with_id(&self, id: VmrId) -> Result<Option<Vmr>, StoreError>;
    /// All, by organisation and number.
    fn vmrs(&self) -> Result<Vec<Vmr>, StoreError>;
    /// Removes one; its records stay. `false` when it is not there.
    fn remove_vmr(&mut self, id: VmrId) -> Result<bool, StoreError>;
    /// Gives one another name and capacity, and a lobby or none; `false` when it is not there.
    fn change_vmr(
        &mut self,
        id: VmrId,
        name: &DisplayName,
        capacity: u32,
        lobby: bool,
    ) -> Result<bool, StoreError>;
    /// Who sees it besides its owner, instead of those before; people who are not there are left out.
    fn set_moderators(&mut self, id: VmrId, people: &[PersonId]) -> Result<(), StoreError>;
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
    /// Rooms that a stop of the cloud at `since` or later took out of the meeting of a meeting room with a lobby; before
    /// [`Records::close_dangling`] also those whose calls seem to go on. At most `most`.
    fn taken_out(&self, since: UnixTime, most: u32) -> Result<Vec<(VmrId, RoomId)>, StoreError>;
    /// The newest records of an organisation first, at most `most`.
    fn call_records(
        &self,
        organisation: OrganisationId,
        sight: Sight,
        most: u32,
    ) -> Result<Vec<CallRecord>, StoreError>;
    /// How much was used, as far as these eyes see it.
    fn usage(&self, wanted: Wanted, sight: Sight) -> Result<Usage, StoreError>;
    /// Removes calls that ended before this, and meetings that did and of which no call is left: those of
    /// one organisation, or of all. Returns how many calls.
    fn remove_records(
        &mut self,
        organisation: Option<OrganisationId>,
        before: UnixTime,
    ) -> Result<u32, StoreError>;
}

/// Releases, rollouts, and what rooms follow.
pub trait Updates {
    /// Keeps a new release.
    fn add_release(&mut self, release: &StoredRelease) -> Result<(), AddReleaseError>;
    /// Forgets a release that no rollout is about; `false` when it is not there, or one is.
    fn remove_release(
        &mut self,
        version: Version,
        compatible: &Compatible,
    ) -> Result<bool, StoreError>;
    /// All releases, the newest first.
    fn releases(&self) -> Result<Vec<StoredRelease>, StoreError>;
    /// Keeps what a room follows and runs, in place of what was kept.
    fn keep_room_update(&mut self, update: &RoomUpdate) -> Result<(), StoreError>;
    /// What all rooms follow and run of which something was kept.
    fn room_updates(&self) -> Result<Vec<RoomUpdate>, StoreError>;
    /// Keeps a new rollout.
    fn add_rollout(&mut self, rollout: &StoredRollout) -> Result<(), StoreError>;
    /// Keeps how far a rollout is.
    fn keep_rollout(&mut self, id: u32, saved: Saved) -> Result<(), StoreError>;
    /// Keeps how a room stands in a rollout.
    fn keep_taken(&mut self, id: u32, taken: &TakenRoom) -> Result<(), StoreError>;
    /// Forgets that a room was taken.
    fn forget_taken(&mut self, id: u32, room: RoomId) -> Result<(), StoreError>;
    /// All rollouts, by number.
    fn rollouts(&self) -> Result<Vec<StoredRollout>, StoreError>;
    /// The rooms that a rollout has taken.
    fn taken(&self, id: u32) -> Result<Vec<TakenRoom>, StoreError>;
}

/// Factory resets.
pub trait Resets {
    /// Keeps a new one.
    fn add_reset(&mut self, reset: &Reset) -> Result<(), StoreError>;
    /// One, by its number.
    fn reset(&self, number: ResetNumber) -> Result<Option<Reset>, StoreError>;
    /// The one that was ordered from the cloud for this room, and of which it has said nothing.
    fn ordered_reset(&self, room: RoomId) -> Result<Option<Reset>, StoreError>;
    /// Forgets an order of which the room has said nothing; `false` when there is none.
    fn withdraw_reset(&mut self, room: RoomId) -> Result<bool, StoreError>;
    /// The room said what it did. Unless nothing was erased the room is revoked with it, both or
    /// neither.
    fn reset_told(
        &mut self,
        number: ResetNumber,
        outcome: ResetOutcome,
        at: UnixTime,
    ) -> Result<(), StoreError>;
    /// An organisation's, the newest first, at most `most`.
    fn resets(&self, organisation: OrganisationId, most: u32) -> Result<Vec<Reset>, StoreError>;
}

/// What a look at all rows of the audit log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditCheck {
    /// The number of the first row that should be there: those before went after their time.
    pub first: u64,
    /// How many there are.
    pub rows: u64,
    /// The last one.
    pub end: Chain,
    /// The numbers of those that do not follow what stands before them.
    pub wrong: Vec<u64>,
}

/// The audit log; see [`crate::audit`].
pub trait Audit {
    /// The next change carries this row: both are kept, or neither.
    fn stage(&mut self, entry: AuditEntry);
    /// What was staged did not take place.
    fn drop_staged(&mut self);
    /// Keeps what is staged still, because what took place changed nothing here.
    fn keep_staged(&mut self) -> Result<(), StoreError>;
    /// The rows of an organisation, or of the installation itself, with a number below this: the newest first,
    /// at most `most`.
    fn audit_rows(
        &self,
        organisation: Option<OrganisationId>,
        below: u64,
        most: u32,
    ) -> Result<Vec<AuditRow>, StoreError>;
    /// Looks at all rows.
    fn check_audit(&self) -> Result<AuditCheck, StoreError>;
    /// Removes the oldest rows, up to the first that was written at this time or later. Returns how many.
    fn remove_audit(&mut self, before: UnixTime) -> Result<u32, StoreError>;
}

/// All of it.
pub trait Directory:
    Organisations
    + Rooms
    + RoomSettings
    + AwaitedDevices
    + Vmrs
    + Appointments
    + Calendars
    + PinTries
    + Records
    + Updates
    + Resets
    + Audit
    + People
    + ApiTokens
    + SecondFactors
    + Passkeys
    + Entries
    + Webhooks
{
}

impl<T> Directory for T where
    T: Organisations
        + Rooms
        + RoomSettings
        + AwaitedDevices
        + Vmrs
        + Appointments
        + Calendars
        + PinTries
        + Records
        + Updates
        + Resets
        + Audit
        + People
        + ApiTokens
        + SecondFactors
        + Passkeys
        + Entries
        + Webhooks
{
}
