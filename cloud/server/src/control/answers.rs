//! The answers.

use super::lines::*;
use super::octets::Octets;
use super::refusal::RefusalCode;
use crate::calls::CallLine;
use conclave_types::{ResetCode, RoomId, Secret, UnixTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the cloud answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum ControlAnswer {
    /// It is not done.
    #[schemars(skip)]
    Refused {
        /// Why, for programs that have words of their own.
        #[serde(default)]
        code: RefusalCode,
        /// Why, and what to do, in plain words.
        reason: String,
    },
    /// The organisation is there.
    #[schemars(skip)]
    OrganisationAdded {
        /// The organisation.
        organisation: OrganisationLine,
    },
    /// All organisations.
    #[schemars(skip)]
    Organisations {
        /// By name.
        organisations: Vec<OrganisationLine>,
    },
    /// The organisation has another name.
    #[schemars(skip)]
    OrganisationRenamed {
        /// The organisation with its new name.
        organisation: OrganisationLine,
    },
    /// The newcomer is a room.
    RoomClaimed {
        /// The room.
        room: RoomLine,
    },
    /// What stands in a list of devices.
    DevicesRead {
        /// How many lines are right.
        right: usize,
        /// How many are not.
        wrong: usize,
        /// How many of the devices are awaited from now on.
        kept: usize,
        /// The first lines: those that are wrong, then those that are right.
        lines: Vec<ListedDevice>,
    },
    /// Devices that are awaited.
    AwaitedDevices {
        /// By the name that each is to have.
        devices: Vec<AwaitedLine>,
        /// How many match, those that are not shown included.
        total: usize,
    },
    /// The device is awaited no more.
    AwaitedWithdrawn {
        /// As it was.
        device: Box<AwaitedLine>,
    },
    /// The tags that rooms have.
    Tags {
        /// By name.
        tags: Vec<TagLine>,
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
    /// Webhooks.
    Webhooks {
        /// The oldest first.
        webhooks: Vec<WebhookLine>,
        /// What can be told.
        kinds: Vec<String>,
    },
    /// The webhook is there.
    WebhookMade {
        /// As it is listed.
        webhook: WebhookLine,
        /// What its deliveries are signed with; the console adds it, once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        secret: Option<Secret<String>>,
    },
    /// It is so now.
    WebhookChanged {
        /// As it is listed.
        webhook: WebhookLine,
    },
    /// It is gone.
    WebhookRemoved {
        /// As it was.
        webhook: WebhookLine,
    },
    /// What a webhook was told.
    WebhookDeliveries {
        /// The newest first.
        deliveries: Vec<DeliveryLine>,
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
    /// The calendar of a room, as it is now.
    RoomCalendar {
        /// Which room.
        room: RoomId,
        /// Its calendar; `None` when it has none.
        calendar: Option<Box<CalendarLine>>,
    },
    /// What a room sent.
    #[schemars(skip)]
    RoomParcel {
        /// What it is.
        parcel: ParcelLine,
        /// In base64.
        octets: Octets,
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
    /// Who waited is let in, or turned away.
    LobbyAnswered {
        /// Who still waits there.
        waiting: Vec<WaitingLine>,
    },
    /// The meeting is over.
    MeetingEnded {
        /// Where.
        vmr: VmrLine,
    },
    /// How calls went.
    #[schemars(skip)]
    Calls {
        /// The newest first.
        calls: Vec<CallLine>,
    },
    /// The certificate that browsers are shown.
    #[schemars(skip)]
    Certificate {
        /// It.
        certificate: CertificateLine,
    },
    /// The backup is the link's key now.
    #[schemars(skip)]
    BackupPromoted {
        /// The pins from now on: the current one, then the new backup's.
        pins: Vec<String>,
    },
    /// Whoever asked is not signed in any more.
    #[schemars(skip)]
    SignedOut,
    /// Whoever asked may not.
    #[schemars(skip)]
    NotAllowed,
    /// What was looked for, the first of each kind.
    Found {
        /// Rooms.
        rooms: Vec<RoomLine>,
        /// Meeting rooms.
        vmrs: Vec<VmrLine>,
        /// People.
        people: Vec<PersonLine>,
        /// Meetings of whoever asks.
        appointments: Vec<AppointmentLine>,
    },
    /// Whoever asked has to show a second factor first.
    #[schemars(skip)]
    SecondFactorWanted,
    /// How the organisation wants it at the door.
    Entry {
        /// As it is now.
        entry: EntryLine,
    },
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
    #[schemars(skip)]
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
    #[schemars(skip)]
    RecordsRemoved {
        /// How many calls.
        removed: u32,
        /// Those that ended before this.
        before: UnixTime,
    },
    /// The release is there.
    #[schemars(skip)]
    ReleaseAdded {
        /// The release.
        release: ReleaseLine,
    },
    /// All releases.
    #[schemars(skip)]
    Releases {
        /// The newest first.
        releases: Vec<ReleaseLine>,
    },
    /// The release is gone.
    #[schemars(skip)]
    ReleaseRemoved {
        /// The release.
        release: ReleaseLine,
    },
    /// The rollouts have begun.
    #[schemars(skip)]
    RolloutStarted {
        /// One for each board.
        rollouts: Vec<RolloutLine>,
    },
    /// All rollouts.
    #[schemars(skip)]
    Rollouts {
        /// The newest first.
        rollouts: Vec<RolloutLine>,
    },
    /// One rollout.
    #[schemars(skip)]
    Rollout {
        /// The rollout.
        rollout: Box<RolloutLine>,
        /// The rooms that it has taken, by name.
        rooms: Vec<RolloutRoomLine>,
    },
    /// The rollout stopped, goes on, or is over.
    #[schemars(skip)]
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
    #[schemars(skip)]
    RoomUpdates {
        /// By name.
        rooms: Vec<RoomUpdateLine>,
    },
    /// The channels.
    #[schemars(skip)]
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
