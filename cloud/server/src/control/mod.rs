//! What the command line asks of a running cloud, and what it answers.
//!
//! One request and one answer per line of JSON, over the socket `control.sock` in the data folder.
//! The answers are also what `--json` prints, so fields are only ever added.

use conclave_directory::Tag;
use conclave_link_protocol::message::SettingsDocument;
use conclave_rollout::Amount;
use conclave_types::{
    ActivationCode, BundleHash, Channel, Compatible, DisplayName, EmailAddress, MaintenanceWindow,
    ParticipantId, Pin, Redacted, UnixTime, Version, VmrNumber, WebhookId,
};
use serde::{Deserialize, Serialize};

mod answers;
mod inputs;
mod lines;
mod octets;
mod refusal;

pub use answers::ControlAnswer;
pub use inputs::*;
pub use lines::*;
pub use octets::Octets;
pub use refusal::RefusalCode;

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
    /// Look at a list of devices that are to be rooms, or await them from now on.
    DevicesAwait {
        /// The list; see [`crate::device_list`].
        list: Redacted<String>,
        /// Which of them are awaited.
        #[serde(default)]
        keep: Keep,
    },
    /// The devices that are awaited.
    AwaitedList {
        /// Which of them.
        #[serde(default)]
        part: Part,
    },
    /// Enrol the device whose panel shows this code as one that is awaited.
    AwaitedClaim {
        /// The room's id, or its name that is to be.
        device: String,
        /// What the panel shows.
        code: ActivationCode,
    },
    /// Await a device no more.
    AwaitedWithdraw {
        /// The room's id, or its name that is to be.
        device: String,
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
        /// Only those that have this tag.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tag: Option<Tag>,
    },
    /// The tags that rooms have.
    TagList,
    /// One room.
    RoomShow {
        /// Its id or its name.
        room: String,
    },
    /// Do something to a room, a meeting room or a person, unless somebody else changed it meanwhile.
    IfUnchanged {
        /// As it was when it was looked at: the `mark` of its line.
        mark: String,
        /// What is to be done.
        request: Box<ControlRequest>,
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
        /// All its tags; `None` leaves them.
        #[serde(default)]
        tags: Option<Vec<Tag>>,
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
    /// Have a room send something: its logs, a picture of its panel.
    RoomFetch {
        /// Its id or its name.
        room: String,
        /// What.
        what: ParcelKind,
    },
    /// What a room sent, as octets.
    RoomParcel {
        /// Its id or its name.
        room: String,
        /// What.
        what: ParcelKind,
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
    /// The calendar of a room, and how reading it goes.
    RoomCalendarShow {
        /// Its id or its name.
        room: String,
    },
    /// Give a room a calendar, in the place of the one that it has.
    RoomCalendarSet {
        /// Its id or its name.
        room: String,
        /// Where it is.
        #[serde(flatten)]
        calendar: NewCalendar,
    },
    /// Read a room's calendar now.
    RoomCalendarRead {
        /// Its id or its name.
        room: String,
    },
    /// Take a room's calendar away.
    RoomCalendarRemove {
        /// Its id or its name.
        room: String,
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
    /// Give a meeting room another name or another capacity, a lobby or none. Whoever is in stays in; whoever waits in a
    /// lobby that is taken away comes in.
    VmrChange {
        /// Its number.
        number: VmrNumber,
        /// The new name; `None` leaves it.
        #[serde(default)]
        name: Option<DisplayName>,
        /// The most participants at once from now on; `None` leaves it.
        #[serde(default)]
        capacity: Option<u32>,
        /// Whether whoever comes waits until somebody lets them in; `None` leaves it.
        #[serde(default)]
        lobby: Option<bool>,
    },
    /// Have other people let in who waits for a meeting room, besides its owner, and see it when it is hidden.
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
    /// Webhooks, and what can be told.
    WebhookList,
    /// Have an address told what happens. The console asks this, which makes the secret and seals it.
    WebhookAdd {
        /// Its id, to which the secret is bound.
        webhook: WebhookId,
        /// Where it is.
        url: Redacted<String>,
        /// What it is told.
        kinds: Vec<String>,
        /// The secret, sealed.
        sealed: Vec<u8>,
    },
    /// Change a webhook; what is left out stays.
    WebhookChange {
        /// Its id.
        webhook: String,
        /// Where it is.
        #[serde(default)]
        url: Option<Redacted<String>>,
        /// What it is told.
        #[serde(default)]
        kinds: Option<Vec<String>>,
        /// Whether it is told anything.
        #[serde(default)]
        on: Option<bool>,
    },
    /// Tell a webhook nothing any more.
    WebhookRemove {
        /// Its id.
        webhook: String,
    },
    /// Tell a webhook that this is a test.
    WebhookTest {
        /// Its id.
        webhook: String,
    },
    /// What a webhook was told, and what became of it.
    WebhookDeliveries {
        /// Its id.
        webhook: String,
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
    /// Let in who waits in the lobby of a meeting room, in this order and as far as there are places.
    MeetingLetIn {
        /// The meeting room's number.
        number: VmrNumber,
        /// Whom; everybody who waits when it is empty. Who does not wait any more is left out.
        #[serde(default)]
        who: Vec<ParticipantId>,
    },
    /// Turn away who waits there.
    MeetingTurnAway {
        /// The meeting room's number.
        number: VmrNumber,
        /// Whom; everybody who waits when it is empty. Who does not wait any more is left out.
        #[serde(default)]
        who: Vec<ParticipantId>,
    },
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
    /// Look for something in all that whoever asks may see.
    Search {
        /// What is looked for; nothing is found by nothing.
        q: String,
    },
    /// The console's certificate.
    CertificateShow,
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
    /// Of whom two factors are wanted, and whose people may make themselves an account.
    EntryShow,
    /// Say of whom two factors are wanted.
    EntryTwoFactors {
        /// `everybody`, `administrators` or `whoever_wants`.
        of: String,
    },
    /// Have people with an address of this domain make themselves an account.
    EntryAllow {
        /// Such as `example.org`.
        domain: String,
    },
    /// Have them not do so any more. Accounts that are there stay.
    EntryWithdraw {
        /// The domain.
        domain: String,
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
    /// What one room follows and runs.
    RoomUpdateShow {
        /// Its id or its name.
        room: String,
    },
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
