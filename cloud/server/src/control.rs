//! What the command line asks of a running cloud, and what it answers.
//!
//! One request and one answer per line of JSON, over the socket `control.sock` in the data folder.
//! The answers are also what `--json` prints, so fields are only ever added.

use crate::calls::CallLine;
use conclave_types::{
    ActivationCode, CallId, DisplayName, MeetingId, Pin, RoomId, UnixTime, VmrId, VmrNumber,
};
use serde::{Deserialize, Serialize};

/// The most bytes of one line, either way. 16 MiB: all rooms, VMRs or 100,000 records fit; more is
/// not a line of ours.
pub const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// What an administrator wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum ControlRequest {
    /// Enrol the newcomer whose panel shows this code.
    RoomClaim {
        /// What the panel shows.
        code: ActivationCode,
        /// What the room is to be called.
        name: DisplayName,
    },
    /// All rooms.
    RoomList,
    /// Give a room another name.
    RoomRename {
        /// Its id or its name.
        room: String,
        /// The new name.
        name: DisplayName,
    },
    /// Shut a room out for good.
    RoomRevoke {
        /// Its id or its name.
        room: String,
    },
    /// Create a virtual meeting room.
    VmrCreate {
        /// What is dialled.
        number: VmrNumber,
        /// What it is called.
        name: DisplayName,
        /// Its PIN, if it is to have one.
        pin: Option<Pin>,
        /// The most participants at once.
        capacity: u32,
    },
    /// All virtual meeting rooms.
    VmrList,
    /// Remove a virtual meeting room; a meeting in it ends.
    VmrRemove {
        /// Its number.
        number: VmrNumber,
    },
    /// Set or take away a PIN.
    VmrSetPin {
        /// The meeting room's number.
        number: VmrNumber,
        /// The new PIN; `None` takes it away.
        pin: Option<Pin>,
    },
    /// The meetings that are on.
    MeetingList,
    /// End the meeting in a meeting room; whoever was in may come again.
    MeetingEnd {
        /// The meeting room's number.
        number: VmrNumber,
    },
    /// How the last calls went.
    CallList {
        /// At most so many.
        most: u32,
    },
    /// Put the backup of the link's key in its place, and make a new backup.
    PromoteBackup,
    /// The newest call records.
    RecordList {
        /// At most so many.
        most: u32,
    },
}

/// What the cloud answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum ControlAnswer {
    /// It is not done.
    Refused {
        /// Why, and what to do, in plain words.
        reason: String,
    },
    /// The newcomer is a room.
    RoomClaimed {
        /// The room.
        room: RoomLine,
    },
    /// All rooms.
    Rooms {
        /// By name.
        rooms: Vec<RoomLine>,
    },
    /// The room has another name.
    RoomRenamed {
        /// The room with its new name.
        room: RoomLine,
    },
    /// The room is shut out.
    RoomRevoked {
        /// The room.
        room: RoomLine,
    },
    /// The virtual meeting room is there.
    VmrCreated {
        /// The meeting room.
        vmr: VmrLine,
    },
    /// All virtual meeting rooms.
    Vmrs {
        /// By number.
        vmrs: Vec<VmrLine>,
    },
    /// The virtual meeting room is gone.
    VmrRemoved {
        /// The meeting room.
        vmr: VmrLine,
    },
    /// The PIN is changed.
    VmrPinSet {
        /// The meeting room.
        vmr: VmrLine,
    },
    /// The meetings that are on.
    Meetings {
        /// In no order.
        meetings: Vec<MeetingLine>,
    },
    /// The meeting is over.
    MeetingEnded {
        /// Where.
        vmr: VmrLine,
    },
    /// How calls went.
    Calls {
        /// The newest first.
        calls: Vec<CallLine>,
    },
    /// The backup is the link's key now.
    BackupPromoted {
        /// The pins from now on: the current one, then the new backup's.
        pins: Vec<String>,
    },
    /// Call records.
    Records {
        /// The newest first.
        records: Vec<RecordLine>,
    },
}

/// How a room is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomState {
    /// It is linked.
    Linked,
    /// It is linked, and in a call.
    InCall,
    /// It may link, and is not.
    NotLinked,
    /// It may not link any more.
    Revoked,
}

/// A room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomLine {
    /// Its id.
    pub room: RoomId,
    /// Its name.
    pub name: DisplayName,
    /// Its device's serial number.
    pub serial: String,
    /// How it is.
    pub state: RoomState,
    /// When it was enrolled.
    pub enrolled_at: UnixTime,
    /// When its certificate runs out, if the room does not renew it before.
    pub certificate_expires: UnixTime,
}

/// A virtual meeting room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmrLine {
    /// Its id.
    pub vmr: VmrId,
    /// Its number.
    pub number: VmrNumber,
    /// Its name.
    pub name: DisplayName,
    /// Whether it has a PIN.
    pub pin: bool,
    /// The most participants at once.
    pub capacity: u32,
}

/// A meeting that is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeetingLine {
    /// Its id.
    pub meeting: MeetingId,
    /// The number of its meeting room.
    pub number: VmrNumber,
    /// The name of its meeting room.
    pub name: DisplayName,
    /// Who is in, in the order in which they came.
    pub participants: Vec<ParticipantLine>,
}

/// A participant of a meeting that is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParticipantLine {
    /// Which room.
    pub room: RoomId,
    /// Its name.
    pub name: DisplayName,
    /// Its call.
    pub call: CallId,
}

/// A call record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordLine {
    /// Which call.
    pub call: CallId,
    /// Which meeting.
    pub meeting: MeetingId,
    /// The meeting room's number then.
    pub number: VmrNumber,
    /// The meeting room's name then.
    pub vmr_name: DisplayName,
    /// Which room.
    pub room: RoomId,
    /// Its name then.
    pub room_name: DisplayName,
    /// When it joined.
    pub joined_at: UnixTime,
    /// When it left; `None` while it is in.
    pub left_at: Option<UnixTime>,
    /// Why it left, for people.
    pub why: Option<String>,
}
