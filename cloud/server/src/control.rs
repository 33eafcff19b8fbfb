//! What the command line asks of a running cloud, and what it answers.
//!
//! One request and one answer per line of JSON, over the socket `control.sock` in the data folder.
//! The answers are also what `--json` prints, so fields are only ever added.

use crate::calls::CallLine;
use conclave_link_protocol::message::UpdateStage;
use conclave_rollout::{Amount, Stage, Standing};
use conclave_types::{
    ActivationCode, BundleHash, CallId, Channel, Compatible, DisplayName, EmailAddress,
    MaintenanceWindow, MeetingId, OrganisationId, PersonId, Pin, Redacted, ResetCode, ResetNumber,
    RoomId, Secret, UnixTime, Version, VmrId, VmrNumber,
};
use serde::{Deserialize, Serialize};

/// The most bytes of one line, either way. 16 MiB: all rooms, VMRs or 100,000 records fit; more is
/// not a line of ours.
pub const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// One line of a request: what is wanted, and in which organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlLine {
    /// Its id or its name; the first one when it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// What is wanted.
    #[serde(flatten)]
    pub request: ControlRequest,
}

/// What an administrator wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum ControlRequest {
    /// Have another organisation use this cloud.
    OrganisationAdd {
        /// What it is called.
        name: DisplayName,
    },
    /// All organisations.
    OrganisationList,
    /// Give an organisation another name.
    OrganisationRename {
        /// Its id or its name.
        organisation: String,
        /// The new name.
        name: DisplayName,
    },
    /// Enrol the newcomer whose panel shows this code.
    RoomClaim {
        /// What the panel shows.
        code: ActivationCode,
        /// What the room is to be called.
        name: DisplayName,
    },
    /// The rooms.
    RoomList {
        /// Which of them.
        #[serde(default)]
        part: Part,
        /// Those that are so; all when it is left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<RoomState>,
        /// Only those that somebody should look after: not linked, or with a part that does not work.
        #[serde(default)]
        needs: bool,
    },
    /// One room.
    RoomShow {
        /// Its id or its name.
        room: String,
    },
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
    /// Forget a revoked room, and its resets with it.
    RoomForget {
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
    /// The virtual meeting rooms.
    VmrList {
        /// Which of them.
        #[serde(default)]
        part: Part,
    },
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
    /// The people with an account.
    PersonList {
        /// Which of them.
        #[serde(default)]
        part: Part,
    },
    /// Give somebody an account, and a link with which they set their password.
    PersonAdd {
        /// What they sign in with.
        email: EmailAddress,
        /// What they are called.
        name: DisplayName,
        /// `administrator`, `organiser` or `member`.
        role: String,
    },
    /// Give somebody another such link; the one before is void.
    PersonInvite {
        /// Their id or their address.
        person: String,
    },
    /// Change what somebody is called, what they may do, whether they may sign in.
    PersonChange {
        /// Their id or their address.
        person: String,
        /// The new name; `None` leaves it.
        name: Option<DisplayName>,
        /// The new role; `None` leaves it.
        role: Option<String>,
        /// Whether they are kept out; `None` leaves it.
        suspended: Option<bool>,
    },
    /// Remove somebody's account.
    PersonRemove {
        /// Their id or their address.
        person: String,
    },
    /// The newest rows of the audit log.
    AuditList {
        /// Those about the installation itself, instead of the organisation's.
        installation: bool,
        /// Those with a smaller number than this.
        below: Option<u64>,
        /// At most so many.
        most: u32,
    },
    /// Look whether the audit log is whole.
    AuditCheck,
    /// Put the backup of the link's key in its place, and make a new backup.
    PromoteBackup,
    /// The newest call records.
    RecordList {
        /// At most so many.
        most: u32,
    },
    /// Remove records of calls that ended before this.
    RecordRemove {
        /// When.
        before: UnixTime,
    },
    /// Add a release whose bundle lies in the data folder already.
    ReleaseAdd {
        /// Its version.
        version: Version,
        /// Its board.
        compatible: Compatible,
        /// The bundle's hash, its file's name.
        sha256: BundleHash,
        /// The bundle's length in octets.
        size: u64,
        /// The security floor that it brings.
        floor: Version,
    },
    /// All releases.
    ReleaseList,
    /// Forget a release that was never rolled out.
    ReleaseRemove {
        /// Its version.
        version: Version,
        /// Its board.
        compatible: Compatible,
    },
    /// Bring a release to a channel's rooms. An earlier rollout there is withdrawn.
    RolloutStart {
        /// Its version, for every board that there is a release for.
        version: Version,
        /// To whom.
        channel: Channel,
        /// How many rooms each wave takes, those of the waves before it included.
        waves: Vec<Amount>,
        /// How many of a wave have to run it for good before the next begins.
        enough: Amount,
        /// How many of a wave may fail before it stops.
        most_failed: Amount,
        /// How long a wave is looked at, in minutes.
        rest_minutes: u32,
    },
    /// All rollouts, without their rooms.
    RolloutList,
    /// One rollout with its rooms.
    RolloutStatus {
        /// Its number.
        rollout: u32,
    },
    /// Stop, resume or withdraw a rollout.
    RolloutSet {
        /// Its number.
        rollout: u32,
        /// What to do.
        to: RolloutChange,
    },
    /// Have a room follow another channel, or be updated at another time.
    RoomFollow {
        /// Its id or its name.
        room: String,
        /// The channel; `None` leaves it.
        channel: Option<Channel>,
        /// The maintenance window; `None` leaves it.
        window: Option<MaintenanceWindow>,
    },
    /// What all rooms follow and run.
    RoomUpdates,
    /// The channels, with their rooms and releases.
    ChannelList,
    /// Make a code with which a room can be reset at its panel.
    RoomResetCode {
        /// Its id or its name.
        room: String,
    },
    /// Have a room reset, now or with its next link.
    RoomReset {
        /// Its id or its name.
        room: String,
    },
    /// Forget an order to reset a room, unless the room has heard it.
    RoomResetWithdraw {
        /// Its id or its name.
        room: String,
    },
    /// The newest resets.
    RoomResets {
        /// At most so many.
        most: u32,
    },
}

/// A part of a list that may be long.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What the lines have in one of their texts; all when it is empty.
    #[serde(default)]
    pub q: String,
    /// How many of those come before it.
    #[serde(default)]
    pub skip: u32,
    /// At most so many; all when it is left out.
    #[serde(default)]
    pub most: Option<u32>,
}

/// What to do with a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutChange {
    /// Take no more rooms until it is resumed.
    Stop,
    /// Go on; those that failed so far are forgiven.
    Resume,
    /// End it for good.
    Withdraw,
}

/// What the cloud answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum ControlAnswer {
    /// It is not done.
    Refused {
        /// Why, for programs that have words of their own.
        #[serde(default)]
        code: RefusalCode,
        /// Why, and what to do, in plain words.
        reason: String,
    },
    /// The organisation is there.
    OrganisationAdded {
        /// The organisation.
        organisation: OrganisationLine,
    },
    /// All organisations.
    Organisations {
        /// By name.
        organisations: Vec<OrganisationLine>,
    },
    /// The organisation has another name.
    OrganisationRenamed {
        /// The organisation with its new name.
        organisation: OrganisationLine,
    },
    /// The newcomer is a room.
    RoomClaimed {
        /// The room.
        room: RoomLine,
    },
    /// The rooms.
    Rooms {
        /// By name.
        rooms: Vec<RoomLine>,
        /// How many match, those that are not shown included.
        #[serde(default)]
        total: usize,
        /// How many there are of each, whether they match or not.
        #[serde(default)]
        states: RoomCounts,
    },
    /// One room.
    Room {
        /// The room.
        room: RoomLine,
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
    /// The room is forgotten.
    RoomForgotten {
        /// As it was.
        room: RoomLine,
    },
    /// The virtual meeting room is there.
    VmrCreated {
        /// The meeting room.
        vmr: VmrLine,
    },
    /// The virtual meeting rooms.
    Vmrs {
        /// By number.
        vmrs: Vec<VmrLine>,
        /// How many match, those that are not shown included.
        #[serde(default)]
        total: usize,
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
    /// Whoever asked is not signed in any more.
    SignedOut,
    /// Whoever asked may not.
    NotAllowed,
    /// The people with an account.
    People {
        /// By name.
        people: Vec<PersonLine>,
        /// How many match, those that are not shown included.
        #[serde(default)]
        total: usize,
    },
    /// Somebody has an account, and a link.
    PersonInvited {
        /// Who.
        person: Box<PersonLine>,
        /// The token of the link: whoever has it sets the password.
        invitation: Secret<String>,
        /// Until when it is good.
        expires_at: UnixTime,
    },
    /// Somebody's account is changed.
    PersonChanged {
        /// As it is now.
        person: Box<PersonLine>,
    },
    /// Somebody's account is gone.
    PersonRemoved {
        /// As it was.
        person: Box<PersonLine>,
    },
    /// Rows of the audit log.
    Audit {
        /// The newest first.
        rows: Vec<AuditLine>,
    },
    /// How the audit log was found.
    AuditChecked {
        /// The number of its first row.
        first: u64,
        /// How many rows it has.
        rows: u64,
        /// The number of its last row.
        last: u64,
        /// The hash of its last row.
        hash: String,
        /// The first rows that do not follow what stands before them.
        wrong: Vec<u64>,
    },
    /// Call records.
    Records {
        /// The newest first.
        records: Vec<RecordLine>,
    },
    /// Records are removed.
    RecordsRemoved {
        /// How many calls.
        removed: u32,
        /// Those that ended before this.
        before: UnixTime,
    },
    /// The release is there.
    ReleaseAdded {
        /// The release.
        release: ReleaseLine,
    },
    /// All releases.
    Releases {
        /// The newest first.
        releases: Vec<ReleaseLine>,
    },
    /// The release is gone.
    ReleaseRemoved {
        /// The release.
        release: ReleaseLine,
    },
    /// The rollouts have begun.
    RolloutStarted {
        /// One for each board.
        rollouts: Vec<RolloutLine>,
    },
    /// All rollouts.
    Rollouts {
        /// The newest first.
        rollouts: Vec<RolloutLine>,
    },
    /// One rollout.
    Rollout {
        /// The rollout.
        rollout: Box<RolloutLine>,
        /// The rooms that it has taken, by name.
        rooms: Vec<RolloutRoomLine>,
    },
    /// The rollout stopped, goes on, or is over.
    RolloutChanged {
        /// The rollout as it is now.
        rollout: Box<RolloutLine>,
    },
    /// The room follows this now.
    RoomFollows {
        /// The room.
        room: Box<RoomUpdateLine>,
    },
    /// What all rooms follow and run.
    RoomUpdates {
        /// By name.
        rooms: Vec<RoomUpdateLine>,
    },
    /// The channels.
    Channels {
        /// By name.
        channels: Vec<ChannelLine>,
    },
    /// The code is made.
    RoomResetCode {
        /// For which room.
        room: Box<RoomLine>,
        /// What is typed at its panel.
        code: ResetCode,
        /// Seconds until it stops working.
        expires_in_s: u32,
    },
    /// The room is to be reset.
    RoomReset {
        /// The order.
        reset: Box<ResetLine>,
        /// Whether the room was told at once; otherwise it is with its next link.
        linked: bool,
    },
    /// The order is forgotten.
    RoomResetWithdrawn {
        /// For which room.
        room: RoomLine,
    },
    /// Resets.
    Resets {
        /// The newest first.
        resets: Vec<ResetLine>,
    },
}

/// Why something is not done, as far as a program can do something about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// No panel shows the code.
    CodeUnknown,
    /// The code has done its work.
    CodeUsed,
    /// The code is too old.
    CodeExpired,
    /// The room that showed the code is not linked now.
    NotConnected,
    /// Too many wrong codes.
    TooManyGuesses,
    /// Another one is called the same.
    NameTaken,
    /// Another meeting room has the number.
    NumberTaken,
    /// Another account has the address.
    AddressTaken,
    /// No meeting room has so many places.
    Capacity,
    /// There are as many as the cloud keeps.
    TooMany,
    /// It is not there, or not theirs.
    Gone,
    /// The room was revoked.
    RoomRevoked,
    /// No meeting is on there.
    NoMeeting,
    /// Nobody could get into the organisation any more.
    LastAdministrator,
    /// Too much at once.
    Busy,
    /// The database does not take it now.
    Store,
    /// What only the sentence says.
    #[default]
    #[serde(other)]
    Other,
}

/// A factory reset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetLine {
    /// What it is known by, on the room's receipt too.
    pub number: ResetNumber,
    /// Which room.
    pub room: RoomId,
    /// Its name then.
    pub name: DisplayName,
    /// Its device's serial number.
    pub serial: String,
    /// The SHA-256 of its key, 64 hexadecimal digits.
    pub key: String,
    /// Who wanted it: `cloud` or `panel`.
    pub way: String,
    /// When it was ordered, or the right code was typed.
    pub asked_at: UnixTime,
    /// When the room said what it did.
    pub told_at: Option<UnixTime>,
    /// What it did: `partition_erased`, `folder_erased`, `not_erased` or `other`.
    pub outcome: Option<String>,
}

/// A release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseLine {
    /// Its version.
    pub version: Version,
    /// Its board.
    pub compatible: Compatible,
    /// The bundle's hash.
    pub sha256: BundleHash,
    /// The bundle's length in octets.
    pub size: u64,
    /// The security floor that it brings.
    pub floor: Version,
    /// When it was added.
    pub added_at: UnixTime,
}

/// A rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutLine {
    /// Its number.
    pub rollout: u32,
    /// To whom.
    pub channel: Channel,
    /// What.
    pub version: Version,
    /// For which board.
    pub compatible: Compatible,
    /// Whether rooms are taken.
    pub stage: Stage,
    /// The wave that is on, from 1.
    pub wave: u32,
    /// What the waves take.
    pub waves: Vec<Amount>,
    /// How many rooms the present wave takes, with those before it.
    pub target: u32,
    /// Rooms that were asked and have not ended.
    pub offered: u32,
    /// Rooms that run it for good.
    pub committed: u32,
    /// Rooms that failed, and count.
    pub failed: u32,
    /// Rooms that failed before it was resumed.
    pub forgiven: u32,
    /// When it began.
    pub started_at: UnixTime,
}

/// A room in a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutRoomLine {
    /// Which.
    pub room: RoomId,
    /// Its name.
    pub name: DisplayName,
    /// How it stands.
    pub standing: Standing,
    /// Why it failed, for people.
    pub why: Option<String>,
    /// How far it is, as it said last; `None` while it is not linked.
    pub stage: Option<UpdateStage>,
    /// Since when it stands so.
    pub since: UnixTime,
}

/// What a room follows and runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomUpdateLine {
    /// Which.
    pub room: RoomId,
    /// Its name.
    pub name: DisplayName,
    /// The channel.
    pub channel: Channel,
    /// When it may be updated, by its own clock.
    pub window: MaintenanceWindow,
    /// What it said last that it runs.
    pub running: Option<Version>,
    /// What it said that its board is.
    pub compatible: Option<Compatible>,
    /// How far it is, as it said last; `None` while it is not linked.
    pub stage: Option<UpdateStage>,
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelLine {
    /// Its name.
    pub channel: Channel,
    /// How many rooms follow it.
    pub rooms: u32,
    /// Its rollouts that are not withdrawn.
    pub rollouts: Vec<RolloutLine>,
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

/// How many rooms are so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomCounts {
    /// Linked, and in no call.
    pub linked: u32,
    /// In a call.
    pub in_call: u32,
    /// Not linked.
    pub not_linked: u32,
    /// Shut out.
    pub revoked: u32,
    /// Of those that are not shut out: not linked, or with a part that does not work.
    pub needs: u32,
}

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationLine {
    /// Its id.
    pub organisation: OrganisationId,
    /// Its name.
    pub name: DisplayName,
    /// How many rooms it has, those that were revoked left out.
    pub rooms: usize,
    /// How many meeting rooms it has.
    pub vmrs: usize,
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
    /// Since when it is linked, or is not; `None` when it was not since this cloud started.
    #[serde(default)]
    pub since: Option<UnixTime>,
    /// Its software, as it said with its last link.
    #[serde(default)]
    pub software: Option<String>,
    /// Which of its parts do not work, as it said in its last link: `camera`, `display`, `encoder`, `heat`, `light`,
    /// `loudspeaker`, `microphone`, `other`.
    #[serde(default)]
    pub broken: Vec<String>,
}

/// Somebody with an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonLine {
    /// Their id.
    pub person: PersonId,
    /// What they sign in with.
    pub email: EmailAddress,
    /// What they are called.
    pub name: DisplayName,
    /// What they may do.
    pub role: String,
    /// Whether they are kept out.
    pub suspended: bool,
    /// Whether they have not set a password yet.
    pub invited: bool,
    /// When the account was made.
    pub created_at: UnixTime,
}

/// A row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLine {
    /// Its number.
    pub number: u64,
    /// When.
    pub at: UnixTime,
    /// In which organisation; the installation itself when it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<OrganisationId>,
    /// Who.
    pub who: String,
    /// Their name, while they have an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who_name: Option<DisplayName>,
    /// From where.
    pub source: Redacted<String>,
    /// What was done.
    pub act: String,
    /// To what.
    pub subject: String,
    /// What that is called, while it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_name: Option<DisplayName>,
    /// What it was before.
    pub before: Redacted<String>,
    /// What it is now.
    pub after: Redacted<String>,
    /// Over all of it and the row before, 64 hexadecimal digits.
    pub hash: String,
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
