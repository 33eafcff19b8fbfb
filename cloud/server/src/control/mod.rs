//! What the command line asks of a running cloud, and what it answers.
//!
//! One request and one answer per line of JSON, over the socket `control.sock` in the data folder.
//! The answers are also what `--json` prints, so fields are only ever added.

use crate::calls::CallLine;
use conclave_link_protocol::message::SettingsDocument;
use conclave_rollout::Amount;
use conclave_types::{
    ActivationCode, BundleHash, Channel, Compatible, DisplayName, EmailAddress, MaintenanceWindow,
    Pin, Redacted, ResetCode, Secret, UnixTime, Version, VmrNumber,
};
use serde::{Deserialize, Serialize};

mod lines;

pub use lines::*;

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
        /// Only those of this group: its id or its name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
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
    /// Say in which group a room is, and where it stands; what is left out is taken away.
    RoomPlace {
        /// Its id or its name.
        room: String,
        /// The group's id or its name.
        #[serde(default)]
        group: Option<String>,
        /// Where, in people's words.
        #[serde(default)]
        place: Option<DisplayName>,
    },
    /// Have a room show which it is.
    RoomIdentify {
        /// Its id or its name.
        room: String,
    },
    /// Have a room start its machine anew.
    RoomRestart {
        /// Its id or its name.
        room: String,
    },
    /// The groups of rooms.
    GroupList,
    /// Make a group.
    GroupAdd {
        /// What it is called.
        name: DisplayName,
    },
    /// Give a group another name.
    GroupRename {
        /// Its id or its name.
        group: String,
        /// The new name.
        name: DisplayName,
    },
    /// Remove a group with its settings; its rooms stay.
    GroupRemove {
        /// Its id or its name.
        group: String,
    },
    /// How rooms are set.
    SettingsShow {
        /// Which.
        #[serde(flatten)]
        of: SettingsFor,
    },
    /// Set rooms so.
    SettingsSet {
        /// Which.
        #[serde(flatten)]
        of: SettingsFor,
        /// All that is set for them; what is left out is inherited.
        settings: SettingsDocument,
        /// The revision that is changed. When another one is there by now, nothing is.
        #[serde(default)]
        revision: Option<u32>,
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
        /// What it is to be.
        #[serde(flatten)]
        new: NewVmr,
        /// Its PIN, if it is to have one.
        pin: Option<Pin>,
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
    /// Give a meeting room another name or another capacity. Whoever is in stays in.
    VmrChange {
        /// Its number.
        number: VmrNumber,
        /// The new name; `None` leaves it.
        #[serde(default)]
        name: Option<DisplayName>,
        /// The most participants at once from now on; `None` leaves it.
        #[serde(default)]
        capacity: Option<u32>,
    },
    /// Have other people see a hidden meeting room besides its owner.
    VmrModerators {
        /// The meeting room's number.
        number: VmrNumber,
        /// Their ids or addresses; all of them.
        people: Vec<Redacted<String>>,
    },
    /// Make a token with which scripts ask as whoever asks.
    ApiTokenAdd {
        /// What it is for, in their words.
        name: DisplayName,
        /// What may be done with it.
        scopes: Vec<String>,
        /// For how many days it is good.
        days: u32,
    },
    /// The tokens of whoever asks.
    ApiTokenList,
    /// Remove one of them.
    ApiTokenRemove {
        /// Its id.
        token: String,
    },
    /// Call a meeting. Whoever asks is its organiser.
    AppointmentAdd {
        /// What it is to be.
        #[serde(flatten)]
        new: NewAppointment,
        /// Its PIN, if it is to have one.
        pin: Option<Pin>,
    },
    /// The meetings that whoever asks has called or is invited to.
    AppointmentList {
        /// Which of them.
        #[serde(default)]
        part: Part,
        /// Those that are over, the last one first, instead of those that are not.
        #[serde(default)]
        past: bool,
    },
    /// Have a meeting that whoever asks has called be so.
    AppointmentChange {
        /// Its number.
        number: VmrNumber,
        /// What it is to be; its PIN stays.
        #[serde(flatten)]
        to: NewAppointment,
        /// The revision that is changed. When another one is there by now, nothing is.
        #[serde(default)]
        revision: Option<u32>,
    },
    /// Call off a meeting that whoever asks has called.
    AppointmentCancel {
        /// Its number.
        number: VmrNumber,
    },
    /// The rooms that a meeting can be called in.
    BookableRooms {
        /// Which of them.
        #[serde(default)]
        part: Part,
        /// When it would begin.
        from: UnixTime,
        /// When it would end.
        until: UnixTime,
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
    /// Take somebody's second factor away: their app is gone, and their recovery codes too.
    PersonSecondFactorOff {
        /// Their id or their address.
        person: String,
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
    /// How much rooms and meeting rooms were used.
    Usage {
        /// From when on.
        from: UnixTime,
        /// Until when.
        until: UnixTime,
        /// How far the clock by which days begin is ahead of UTC, in seconds.
        #[serde(default)]
        ahead_s: i32,
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

/// What something is set for: one room, or the rooms of a group, or those of the organisation when neither is named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsFor {
    /// The group's id or its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The room's id or its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
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

/// A virtual meeting room that is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewVmr {
    /// What is dialled; the cloud gives it a number when it is left out.
    #[serde(default)]
    pub number: Option<VmrNumber>,
    /// What it is called.
    pub name: DisplayName,
    /// The most participants at once.
    pub capacity: u32,
    /// Whether only whoever makes it and its moderators find it.
    #[serde(default)]
    pub hidden: bool,
    /// Whether it is gone after its meeting.
    #[serde(default)]
    pub once: bool,
    /// Who sees it besides, when it is hidden: ids or addresses.
    #[serde(default)]
    pub moderators: Vec<Redacted<String>>,
}

/// A meeting that is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAppointment {
    /// What it is called.
    pub title: DisplayName,
    /// When it begins.
    pub starts_at: UnixTime,
    /// When it ends.
    pub ends_at: UnixTime,
    /// The rooms that are invited: their ids or names.
    #[serde(default)]
    pub rooms: Vec<String>,
    /// The people who are: ids or addresses. An address need not be that of somebody with an account.
    #[serde(default)]
    pub people: Vec<Redacted<String>>,
}

impl NewVmr {
    /// One of the organisation that everybody finds and that stays.
    pub fn plain(number: VmrNumber, name: DisplayName, capacity: u32) -> NewVmr {
        let number = Some(number);
        NewVmr { number, name, capacity, hidden: false, once: false, moderators: Vec::new() }
    }
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
    /// The token is there.
    ApiTokenMade {
        /// As it is listed.
        token: ApiTokenLine,
        /// The token itself: whoever has it asks with it. It is told once.
        secret: Secret<String>,
    },
    /// Tokens of whoever asks.
    ApiTokens {
        /// The newest first.
        tokens: Vec<ApiTokenLine>,
    },
    /// The token is good for nothing any more.
    ApiTokenRemoved {
        /// As it was.
        token: ApiTokenLine,
    },
    /// The meeting is to be so.
    AppointmentKept {
        /// As it is now.
        appointment: AppointmentLine,
    },
    /// The meeting is off.
    AppointmentCancelled {
        /// As it was.
        appointment: AppointmentLine,
    },
    /// Meetings of whoever asks.
    Appointments {
        /// By their beginning.
        appointments: Vec<AppointmentLine>,
        /// How many match, those that are not shown included.
        total: usize,
    },
    /// Rooms for a meeting.
    BookableRooms {
        /// By name.
        rooms: Vec<BookableRoom>,
        /// How many match, those that are not shown included.
        total: usize,
    },
    /// How much was used.
    Usage {
        /// All of it.
        usage: Box<UsageLine>,
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
    /// The room belongs there.
    RoomPlaced {
        /// The room.
        room: RoomLine,
    },
    /// The room was given an order; what comes of it, the room shows.
    RoomOrdered {
        /// The room.
        room: RoomLine,
    },
    /// The groups of rooms.
    Groups {
        /// By name.
        groups: Vec<GroupLine>,
    },
    /// The group is there, or is called otherwise.
    GroupChanged {
        /// As it is now.
        group: GroupLine,
    },
    /// The group is gone.
    GroupRemoved {
        /// As it was.
        group: GroupLine,
    },
    /// How rooms are set.
    Settings {
        /// As it is now.
        settings: Box<SettingsLine>,
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
    /// The virtual meeting room is changed.
    VmrChanged {
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
    /// Such numbers are given by the cloud.
    NumberGiven,
    /// Another account has the address.
    AddressTaken,
    /// Somebody who is named has no account.
    Nobody,
    /// A token is not for that.
    Scope,
    /// No token is good for so long.
    Days,
    /// No such time can be looked at.
    Span,
    /// One's own account is changed in another way.
    Yourself,
    /// It is no e-mail address.
    NoAddress,
    /// No meeting can be then.
    When,
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
    /// The room is not linked.
    NotLinked,
    /// Somebody else changed it meanwhile.
    ChangedMeanwhile,
    /// No setting, or not set to what it may be.
    Setting,
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
