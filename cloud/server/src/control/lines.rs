//! The lines of lists: what each thing is, as the command line prints it and the console shows it.

use super::inputs::ParcelKind;
use crate::calendars::{CalendarKind, CalendarTrouble};
use crate::device_list::Wrong;
use conclave_directory::Tag;
use conclave_link_protocol::message::{Condition, SettingsDocument, UpdateStage};
use conclave_rollout::{Amount, Stage, Standing};
use conclave_types::{
    ApiTokenId, BundleHash, CallId, Channel, Compatible, DeliveryId, DisplayName, EmailAddress,
    GroupId, MaintenanceWindow, MeetingId, OrganisationId, ParticipantId, PersonId, Redacted,
    ResetNumber, RoomId, UnixTime, Version, VmrId, VmrNumber, WebhookId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A factory reset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// What its channel brings to its board, when there is a rollout that is not withdrawn.
    #[serde(default)]
    pub brought: Option<Version>,
    /// Whether that takes rooms.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub rollout: Option<Stage>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomLine {
    /// What its changes are known by: another one when somebody has changed it. For [`super::ControlRequest::IfUnchanged`].
    #[serde(default)]
    pub mark: String,
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
    /// Its group.
    #[serde(default)]
    pub group: Option<DisplayName>,
    /// Where it stands, in people's words.
    #[serde(default)]
    pub place: Option<DisplayName>,
    /// Its tags.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub tags: Vec<Tag>,
    /// Whether it follows its settings; left out while it is not linked, or is too old to say.
    #[serde(default)]
    pub settings: Option<InForce>,
    /// The last order to it, since this cloud started.
    #[serde(default)]
    pub order: Option<Box<OrderLine>>,
    /// Its software, as it said with its last link.
    #[serde(default)]
    pub software: Option<String>,
    /// Which of its parts do not work, as it said in its last link: `camera`, `display`, `encoder`, `heat`, `light`,
    /// `loudspeaker`, `microphone`, `other`.
    #[serde(default)]
    pub broken: Vec<String>,
    /// How it is, as it said last in its present link; told of one room, and left out of lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Box<Condition>>,
    /// What it sent and is kept here; told of one room, and left out of lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parcels: Vec<ParcelLine>,
}

/// Something that a room sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ParcelLine {
    /// What.
    pub what: ParcelKind,
    /// When it came.
    pub at: UnixTime,
    /// Until when it is kept at most.
    pub until: UnixTime,
    /// Its octets.
    pub size: u32,
}

/// A tag that rooms have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TagLine {
    /// The tag.
    #[schemars(with = "String")]
    pub tag: Tag,
    /// How many rooms have it, those that were revoked left out.
    pub rooms: usize,
}

/// A line of a list of devices, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListedDevice {
    /// Its number in the file, from 1.
    pub line: u64,
    /// What stands there as the name.
    pub name: Redacted<String>,
    /// What stands there as key or serial number.
    pub device: Redacted<String>,
    /// What is wrong with it; nothing when it is right.
    pub wrong: Vec<Wrong>,
}

/// A device that is awaited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AwaitedLine {
    /// The id that its room will have.
    pub room: RoomId,
    /// What it is to be called.
    pub name: DisplayName,
    /// The SHA-256 of its key, 64 hexadecimal digits, when it is known by that.
    #[serde(default)]
    pub key: Option<String>,
    /// Its serial number, when it is known by that.
    #[serde(default)]
    pub serial: Option<String>,
    /// Its group.
    #[serde(default)]
    pub group: Option<DisplayName>,
    /// Where it is to stand.
    #[serde(default)]
    pub place: Option<DisplayName>,
    /// Its tags.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub tags: Vec<Tag>,
    /// Since when it is awaited.
    pub added_at: UnixTime,
    /// Until when.
    pub until: UnixTime,
    /// How many newcomers show a code now and are it, or say so. Of one with a key it is not enrolled by itself because its
    /// name is taken, or another organisation awaits it too.
    pub here: usize,
}

/// An order to a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderLine {
    /// `identify`, `restart`, `logs` or `panel_picture`.
    pub order: String,
    /// When it was given.
    pub at: UnixTime,
    /// What came of it.
    pub state: OrderState,
}

/// What came of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// It is on its way.
    Sent,
    /// The room does it.
    Done,
    /// The room does it not, because people meet in it.
    InCall,
    /// The room does it not, because somebody types a code there.
    NotNow,
    /// The room could not do it.
    Failed,
    /// The room sent what was wanted, and the cloud could not keep it.
    NotKept,
    /// The room's software does not know it, or did not answer.
    NotKnown,
    /// The link ended before the room answered.
    LinkEnded,
}

/// A group of rooms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupLine {
    /// Its id.
    pub group: GroupId,
    /// Its name.
    pub name: DisplayName,
    /// How many rooms are in it.
    pub rooms: usize,
}

/// Whether a room follows its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InForce {
    /// It has not confirmed them yet.
    Waits,
    /// All of them are in force.
    All,
    /// It has them, and some are not in force: somebody at the panel chose otherwise, or its software does not know them.
    Partly,
}

/// How rooms are set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettingsLine {
    /// What is set here.
    pub own: SettingsDocument,
    /// What would be without it.
    pub inherited: SettingsDocument,
    /// How often it was changed.
    pub revision: u32,
    /// Of one room, what became of it.
    #[serde(default)]
    pub room: Option<RoomSettingsLine>,
}

/// What became of a room's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomSettingsLine {
    /// What it should be.
    pub wanted: SettingsDocument,
    /// What it says that it is; left out while it is not linked, or is too old to say.
    pub reported: Option<SettingsDocument>,
    /// What its software does not understand of it.
    pub not_understood: Vec<String>,
    /// Whether it follows.
    pub in_force: Option<InForce>,
}

/// Somebody with an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersonLine {
    /// What its changes are known by: another one when somebody has changed it. For [`super::ControlRequest::IfUnchanged`].
    #[serde(default)]
    pub mark: String,
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
    /// Whether they show a code of an app when they sign in.
    #[serde(default)]
    pub second_factor: bool,
    /// How many passkeys they have.
    #[serde(default)]
    pub passkeys: u32,
    /// What became of the letter with their link; `None` when none was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<Fate>,
}

/// How an organisation wants it at the door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntryLine {
    /// Of whom two factors are wanted: `everybody`, `administrators` or `whoever_wants`.
    pub two_factors: String,
    /// The domains whose people may make themselves an account, by name.
    pub domains: Vec<String>,
    /// Whether letters are sent: without, nobody makes themselves an account.
    pub mail: bool,
}

/// A row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VmrLine {
    /// What its changes are known by: another one when somebody has changed it. For [`super::ControlRequest::IfUnchanged`].
    #[serde(default)]
    pub mark: String,
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
    /// Whether only its owner and its moderators find it.
    #[serde(default)]
    pub hidden: bool,
    /// Whether it is gone after its meeting.
    #[serde(default)]
    pub once: bool,
    /// Whether whoever comes waits until somebody lets them in.
    #[serde(default)]
    pub lobby: bool,
    /// Who made it; the organisation's own when it is left out.
    #[serde(default)]
    pub owner: Option<DisplayName>,
    /// Who sees it besides, when it is hidden, and lets in who waits.
    #[serde(default)]
    pub moderators: Vec<EmailAddress>,
}

/// A meeting that is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MeetingLine {
    /// Its id.
    pub meeting: MeetingId,
    /// The number of its meeting room.
    pub number: VmrNumber,
    /// The name of its meeting room.
    pub name: DisplayName,
    /// Who is in, in the order in which they came.
    pub participants: Vec<ParticipantLine>,
    /// Who waits in the lobby, in the order in which they came.
    #[serde(default)]
    pub waiting: Vec<WaitingLine>,
}

/// Somebody who waits in the lobby of a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingLine {
    /// What they will be in the meeting; by this they are let in or turned away.
    pub participant: ParticipantId,
    /// Which room.
    pub room: RoomId,
    /// Its name.
    pub name: DisplayName,
}

/// A participant of a meeting that is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ParticipantLine {
    /// Which room.
    pub room: RoomId,
    /// Its name.
    pub name: DisplayName,
    /// Its call.
    pub call: CallId,
}

/// A call record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordLine {
    /// Which call.
    pub call: CallId,
    /// Which meeting.
    pub meeting: MeetingId,
    /// The meeting room's number then; `None` of a meeting that somebody else had called.
    pub number: Option<VmrNumber>,
    /// The meeting room's name then; `None` as above.
    pub vmr_name: Option<DisplayName>,
    /// Which room.
    pub room: RoomId,
    /// Its name then.
    pub room_name: DisplayName,
    /// When it joined.
    pub joined_at: UnixTime,
    /// When it left; `None` while it is in.
    pub left_at: Option<UnixTime>,
    /// Why it left, for people, in English.
    pub why: Option<String>,
    /// The same for programs: `left`, `replaced`, `link_lost`, `media_lost`, `vmr_removed`, `closed`, `revoked`,
    /// `cloud_stopped`.
    #[serde(default)]
    pub reason: Option<String>,
    /// What was wrong with it: `no_packets`, `broke_up`, `lossy`, `lossy_to_room`, `overloaded`, `slow`, `uneven`, `silent`,
    /// `part_broke`, `cut_off`, `moment`. Nothing when it was good; `None` while nobody has looked.
    #[serde(default)]
    pub troubles: Option<Vec<String>>,
}

/// A meeting that is to be, for whoever has called it or is invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppointmentLine {
    /// Its ID, which is dialled.
    pub number: VmrNumber,
    /// What it is called.
    pub title: DisplayName,
    /// When it begins.
    pub starts_at: UnixTime,
    /// When it ends.
    pub ends_at: UnixTime,
    /// Who has called it.
    pub organiser: Option<DisplayName>,
    /// Whether that is whoever asks.
    pub mine: bool,
    /// Whether it has a PIN. Rooms that are invited are not asked for it.
    pub pin: bool,
    /// Whether whoever is not invited waits until somebody lets them in.
    #[serde(default)]
    pub lobby: bool,
    /// Whether somebody is in.
    pub on: bool,
    /// The rooms that are invited.
    pub rooms: Vec<AppointmentRoom>,
    /// The people who are.
    pub people: Vec<Invited>,
    /// Counts the changes.
    pub revision: u32,
}

/// A room that is invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppointmentRoom {
    /// Which.
    pub room: RoomId,
    /// Its name.
    pub name: DisplayName,
}

/// Somebody who is invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Invited {
    /// Their name, when they have an account.
    pub name: Option<DisplayName>,
    /// Their address.
    pub email: EmailAddress,
    /// What became of the last letter to them; told to whoever has called the meeting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<Fate>,
}

/// A room that a meeting can be called in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BookableRoom {
    /// Which.
    pub room: RoomId,
    /// Its name.
    pub name: DisplayName,
    /// Where it stands.
    pub place: Option<DisplayName>,
    /// Whether another meeting is called in it in that time.
    pub taken: bool,
}

/// A token for scripts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApiTokenLine {
    /// Which: its id, which is no secret.
    pub token: ApiTokenId,
    /// What it is for.
    pub name: DisplayName,
    /// What may be done with it.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: UnixTime,
    /// From when on it is good for nothing.
    pub expires_at: UnixTime,
    /// When it was used last, to the minute.
    pub used_at: Option<UnixTime>,
}

/// What became of a letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Fate {
    /// It is on its way, or will be tried again.
    Waiting,
    /// The mail server has taken it.
    Sent,
    /// It does not arrive.
    Failed {
        /// What the mail server said, or why it could not be asked.
        why: Redacted<String>,
    },
}

/// How much rooms and meeting rooms were used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageLine {
    /// From when on.
    pub from: UnixTime,
    /// Until when.
    pub until: UnixTime,
    /// All calls.
    pub calls: u64,
    /// Seconds that they lasted, within that time.
    pub seconds: u64,
    /// By room, the longest first.
    pub rooms: Vec<UsedLine>,
    /// By whoever called meetings, the longest first.
    #[serde(default)]
    pub people: Vec<UsedLine>,
    /// By meeting room, the longest first.
    pub vmrs: Vec<UsedLine>,
    /// By day.
    pub days: Vec<DayLine>,
}

/// How much one was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsedLine {
    /// What it is called; `None`: meetings that somebody else had called, all together, or somebody whose account is gone.
    pub name: Option<DisplayName>,
    /// The number of a meeting room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<VmrNumber>,
    /// The id of a room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// The id of a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// Of a person: meetings that they called and that took place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meetings: Option<u64>,
    /// Calls.
    pub calls: u64,
    /// Seconds that they lasted.
    pub seconds: u64,
    /// Of a room: calls whose packets were looked at when they had ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged: Option<u64>,
    /// Of these, the good ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<u64>,
}

/// How much was used on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DayLine {
    /// Which: `2026-11-30`.
    pub day: String,
    /// Calls that began on it.
    pub calls: u64,
    /// Seconds that these lasted.
    pub seconds: u64,
}

/// The certificate that browsers are shown, and what is done for another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateLine {
    /// Where it comes from.
    pub from: CertificateSource,
    /// The names that it is for.
    pub names: Vec<String>,
    /// Until when it is good; `None`: it cannot be read.
    pub good_until: Option<UnixTime>,
    /// What an authority is asked for, when one is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<CertificateOrder>,
}

/// Where a certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateSource {
    /// The cloud has made it, and browsers warn.
    OwnMaking,
    /// The files that the configuration names.
    Files,
    /// An authority, by ACME.
    Authority,
}

/// What an authority is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateOrder {
    /// The names.
    pub names: Vec<String>,
    /// What is wrong; `None`: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Redacted<String>>,
    /// When it is asked again after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_at: Option<UnixTime>,
}

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookLine {
    /// Its id.
    pub webhook: WebhookId,
    /// Where it is.
    pub url: Redacted<String>,
    /// What it is told.
    pub kinds: Vec<String>,
    /// When it was made.
    pub created_at: UnixTime,
    /// Since when it has taken nothing.
    pub failing_since: Option<UnixTime>,
    /// When it was switched off; `None`: it is on.
    pub off_at: Option<UnixTime>,
    /// How many deliveries wait for it.
    pub waiting: u64,
    /// How many were not made since the cloud started, because too many waited.
    pub lost: u64,
}

/// One thing that a webhook was told, or is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryLine {
    /// Its id, as it is sent.
    pub delivery: DeliveryId,
    /// What it is about.
    pub kind: String,
    /// When it happened.
    pub at: UnixTime,
    /// How often it was tried.
    pub tries: u32,
    /// `waiting`, `taken` or `given_up`.
    pub fate: String,
    /// When it is tried next.
    pub next_at: Option<UnixTime>,
    /// What the address answered last, or why it could not be asked.
    pub answer: Option<Redacted<String>>,
}

/// The calendar of a room, and how reading it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CalendarLine {
    /// How it is asked for; `None` when it cannot be opened any more.
    pub kind: Option<CalendarKind>,
    /// The host in its address.
    pub host: Option<Redacted<String>>,
    /// Who asks there.
    pub user: Option<Redacted<String>>,
    /// Since when it is this one.
    pub set_at: UnixTime,
    /// Whether somebody waits for it to be read.
    pub reading: bool,
    /// When it was read last, and without trouble.
    pub read_at: Option<UnixTime>,
    /// How many times the room is taken by it in the next two weeks.
    pub meetings: usize,
    /// How many meetings in it were not understood.
    pub unread: u32,
    /// Why it cannot be read now; what was read before counts meanwhile.
    pub trouble: Option<CalendarTrouble>,
    /// Since when.
    pub trouble_since: Option<UnixTime>,
}
