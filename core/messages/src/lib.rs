//! What room and cloud say to each other, as types.
//!
//! Three kinds of messages travel both ways: a *request* wants exactly one *response*; an *event*
//! wants none. A kind that the other end does not know is skipped (an event) or answered with
//! [`Response::Unsupported`] (a request), and unknown fields are ignored, so that old rooms and
//! new clouds get on. Kinds and fields are only ever added; their meaning never changes.

#![forbid(unsafe_code)]

mod agenda;
mod chain;
mod condition;
mod lobby;
mod order;
mod reset;
mod settings;
mod sums;
mod update;

pub use agenda::{AgendaEntry, CalendarEntry};
pub use chain::ChainError;
pub use condition::{Condition, DeviceKind, DeviceState, DiskSpace, PastTrouble, RoomDevice};
pub use lobby::{AwayReason, InLobby, NotLetIn, Waiter};
pub use order::{Delivery, LONGEST_DELIVERY, NumberedOrder, Order, OrderOutcome, OrderReport};
pub use reset::{ResetOutcome, ResetRefusal, ResetReport};
pub use settings::{
    DocumentError, RoomSettings, SettingsDocument, SettingsMark, SettingsReport, WantedSettings,
};
pub use sums::{BLOCK, STRONG, SUM, Weak, sums_length, sums_of};
pub use update::{
    LONGEST_CHUNK, NoChunk, Piece, Release, UpdateFault, UpdateOffer, UpdateReport, UpdateStage,
};

use conclave_types::{
    ActivationCode, BundleHash, CallId, DisplayName, MediaLeg, ParticipantId, Pin, ResetCode,
    ResetNumber, RoomId, SrtpProfile, Ssrc, Switch, UnixMillis, VmrNumber,
};
use serde::de::IntoDeserializer;
use serde::de::value::StrDeserializer;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// The room's first message on every connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The protocol versions that the room speaks, lowest and highest.
    pub versions: (u16, u16),
    /// The room's software, for people: `conclave-roomd 0.1.0`.
    pub software: String,
    /// The device's serial number, for people: it stands beside the code in the console.
    pub serial: String,
    /// The calls that the room believes it is in, or waits by, after a reconnect.
    pub calls: Vec<HeldCall>,
}

/// A call that a room holds while it reconnects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldCall {
    /// Which call.
    pub call: CallId,
    /// The highest roster revision that the room has seen.
    pub revision: u64,
    /// The microphone as the room has it; after a reconnect the room is right.
    pub microphone: Switch,
    /// The camera as the room has it.
    pub camera: Switch,
}

/// The cloud's first message on every connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Greeting {
    /// An enrolled room is linked.
    Welcome(Box<Welcome>),
    /// A newcomer waits for an administrator. The link stays open until the code is claimed.
    Newcomer {
        /// What the panel shows.
        code: ActivationCode,
        /// Seconds until the code stops working. The cloud sends a new one by itself.
        expires_in_s: u32,
    },
    /// The cloud does not take this connection. It closes after this message.
    Refused {
        /// Why, for the panel and the log.
        reason: Refusal,
        /// The earliest next attempt, in seconds.
        retry_after_s: u32,
    },
}

/// What an enrolled room needs to know when its link comes up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version that both ends speak from now on.
    pub version: u16,
    /// Who the cloud says this room is.
    pub room: RoomIdentity,
    /// The meeting rooms that the panel lists.
    pub directory: Vec<DirectoryEntry>,
    /// The held calls that go on. A held call that is neither here nor in `waiting` has ended.
    pub calls: Vec<ResumedCall>,
    /// The held calls that still wait in a lobby.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<CallId>,
}

/// A room as the cloud knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomIdentity {
    /// Its id, which its certificate carries too.
    pub room: RoomId,
    /// Its name, as panels and displays show it.
    pub name: DisplayName,
}

/// A call that both ends agree goes on after a reconnect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumedCall {
    /// Which call.
    pub call: CallId,
    /// Who is in the meeting now.
    pub roster: Roster,
}

/// Why the cloud does not take a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The certificate was revoked: the room must be enrolled anew.
    Revoked,
    /// The certificate has expired: the room must be enrolled anew.
    Expired,
    /// The certificate was signed by another cloud's CA: the room must be enrolled anew.
    ForeignCertificate,
    /// No common protocol version.
    Version,
    /// The cloud is full or shutting down.
    Busy,
    /// A reason that this build does not know.
    #[serde(other)]
    Other,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::Revoked => "its certificate was revoked",
            Refusal::Expired => "its certificate has expired",
            Refusal::ForeignCertificate => "its certificate is of another cloud",
            Refusal::Version => "they have no protocol version in common",
            Refusal::Busy => "the cloud is busy",
            Refusal::Other => "for a reason that this build does not know",
        })
    }
}

/// A virtual meeting room as the panel's directory lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryEntry {
    /// What to dial.
    pub number: VmrNumber,
    /// What it is called.
    pub name: DisplayName,
    /// Whether a PIN is asked for.
    pub pin: bool,
}

/// What a room asks of the cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum RoomRequest {
    /// Enter a meeting room.
    Join(Join),
    /// Leave a call, or the lobby. Answered with [`Response::Done`] even when the call is not known any more.
    Leave {
        /// Which call.
        call: CallId,
    },
    /// Say what the person switched.
    SetMedia {
        /// Which call.
        call: CallId,
        /// The microphone now.
        microphone: Switch,
        /// The camera now.
        camera: Switch,
    },
    /// Let in who waits in the lobby of the meeting of this call. Answered with [`Response::Done`] or
    /// [`Response::NotLetIn`].
    LetIn {
        /// By which call this room is in.
        call: CallId,
        /// Whom, in this order; who does not wait any more is left out.
        participants: Vec<ParticipantId>,
    },
    /// Turn away who waits there. Answered as [`RoomRequest::LetIn`] is.
    TurnAway {
        /// By which call this room is in.
        call: CallId,
        /// Whom; who does not wait any more is left out.
        participants: Vec<ParticipantId>,
    },
    /// Ask for a new certificate over the same key, before the present one expires.
    RenewCertificate,
    /// Ask for a piece of a bundle that was offered.
    Chunk {
        /// Which bundle.
        sha256: BundleHash,
        /// Where the piece begins.
        offset: u64,
        /// How long it is, 1 to [`LONGEST_CHUNK`] octets.
        length: u32,
    },
    /// Ask for a piece of the block sums ([`sums_of`]) of a bundle that was offered. Answered as
    /// [`RoomRequest::Chunk`] is.
    Sums {
        /// Of which bundle.
        sha256: BundleHash,
        /// Where the piece begins, in the sums of all blocks.
        offset: u64,
        /// How long it is, 1 to [`LONGEST_CHUNK`] octets.
        length: u32,
    },
    /// Ask whether the room may be reset with this code; answered with [`Response::MayReset`] or
    /// [`Response::MayNotReset`].
    MayReset {
        /// What was typed.
        code: ResetCode,
    },
    /// Say what a reset came to. Answered with [`Response::Done`], and again when it is asked again.
    ResetDone(ResetReport),
    /// Hand over a piece of what an order is to bring. Answered with [`Response::Done`], or with [`Response::Failed`]
    /// when the cloud does not want it any more.
    Deliver(Delivery),
    /// Ask what time it is. Answered with [`Response::Time`]; how long the answer took tells the room how far
    /// it can be off.
    Time,
}

/// The body of [`RoomRequest::Join`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// What was dialled.
    pub number: VmrNumber,
    /// The PIN, when one was typed.
    pub pin: Option<Pin>,
    /// The protection profiles that the room supports, preferred first. Those of a newer room that
    /// this build does not know are left out.
    #[serde(deserialize_with = "known_profiles")]
    pub profiles: Vec<SrtpProfile>,
    /// The microphone as it is set.
    pub microphone: Switch,
    /// The camera as it is set.
    pub camera: Switch,
    /// Whether the room can wait in a lobby. Older rooms cannot.
    #[serde(default)]
    pub lobby: bool,
}

fn known_profiles<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<SrtpProfile>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    let known = |name: &String| {
        let name: StrDeserializer<'_, serde::de::value::Error> = name.as_str().into_deserializer();
        SrtpProfile::deserialize(name).ok()
    };
    Ok(names.iter().filter_map(known).collect())
}

/// What the cloud asks of a room. None yet; the envelope carries them all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum CloudRequest {
    /// Answer with [`Response::Done`]: the console's "is it there".
    Ping,
}

/// The one answer to a request, either way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum Response {
    /// It is done; there is nothing more to say.
    Done,
    /// The room is in the meeting.
    Joined(Box<Joined>),
    /// The room is not in the meeting.
    NotJoined(JoinRefusal),
    /// The room waits in the lobby: [`CloudEvent::Admitted`] or [`CloudEvent::NotAdmitted`] follows. Only a room
    /// that said that it can wait is answered so.
    InLobby(Box<InLobby>),
    /// Nobody, or not all of them, could be let in or turned away.
    NotLetIn(NotLetIn),
    /// The new certificate.
    Certificate(CertificateChain),
    /// A piece of a bundle.
    Chunk {
        /// Where it begins.
        offset: u64,
        /// As long as was asked for.
        piece: Piece,
    },
    /// There is no such piece, or not now.
    NoChunk(NoChunk),
    /// The room may be reset.
    MayReset {
        /// What this reset is known by.
        number: ResetNumber,
    },
    /// The room may not be reset.
    MayNotReset(ResetRefusal),
    /// What time it is.
    Time {
        /// By the cloud's clock, read when this was said.
        unix_ms: UnixMillis,
    },
    /// The other end does not know this kind of request.
    Unsupported,
    /// The other end knows the request and cannot do it now.
    Failed {
        /// For the log.
        reason: String,
    },
}

/// The body of [`Response::Joined`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// The new call.
    pub call: CallId,
    /// The meeting room's name.
    pub name: DisplayName,
    /// Which participant this room is.
    pub participant: ParticipantId,
    /// Keys, port and sources: media starts at once.
    pub leg: MediaLeg,
    /// Who is there, this room included.
    pub roster: Roster,
}

/// Why a room may not enter. A meeting room that is not there and one that it may not know of get
/// the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum JoinRefusal {
    /// No such meeting room.
    NotFound,
    /// A PIN is needed and none was sent.
    PinNeeded,
    /// The PIN is not right.
    WrongPin {
        /// Further tries before this room has to wait.
        tries_left: u8,
    },
    /// Too many wrong PINs: this room waits before its next try here.
    Wait {
        /// For how long, in seconds.
        seconds: u32,
    },
    /// Too many numbers that are none: this room waits before another one is looked up.
    TooManyNumbers {
        /// For how long, in seconds.
        seconds: u32,
    },
    /// The meeting room has its most participants.
    Full {
        /// How many that is.
        capacity: u32,
    },
    /// The cloud cannot carry another call now.
    Busy,
    /// The meeting has a lobby, and the room did not say that it can wait in one.
    LobbyUnsupported,
    /// As many wait in the lobby as may.
    LobbyFull,
    /// A reason that this build does not know.
    #[serde(other)]
    Other,
}

/// What the cloud tells a room unasked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum CloudEvent {
    /// An administrator claimed the code: the newcomer is a room now and reconnects as one.
    Activated {
        /// Who it is.
        room: RoomIdentity,
        /// Its first certificate.
        certificate: CertificateChain,
    },
    /// The newcomer's code has run out; this one replaces it.
    NewCode {
        /// What the panel shows.
        code: ActivationCode,
        /// Seconds until it stops working.
        expires_in_s: u32,
    },
    /// The room's name changed.
    Room(RoomIdentity),
    /// The list of meeting rooms changed; this is all of it.
    Directory(Vec<DirectoryEntry>),
    /// Who is in a call changed; this is all of it.
    Roster {
        /// In which call.
        call: CallId,
        /// Everyone.
        roster: Roster,
    },
    /// A room that waited is in: this is what [`Response::Joined`] says to others.
    Admitted(Box<Joined>),
    /// A room that waited is not in, and does not wait any more.
    NotAdmitted {
        /// By which call it waited.
        call: CallId,
        /// Why.
        reason: AwayReason,
    },
    /// Who waits in the lobby of the meeting of a call, for a room that may let them in; this is all of it.
    Lobby {
        /// By which call the room is in.
        call: CallId,
        /// In the order in which they came.
        waiting: Vec<Waiter>,
    },
    /// Another participant speaks loudest now, or nobody does.
    Speaking {
        /// In which call.
        call: CallId,
        /// Who.
        participant: Option<ParticipantId>,
    },
    /// The cloud ended a call.
    CallEnded {
        /// Which.
        call: CallId,
        /// Why.
        reason: EndReason,
    },
    /// The room should run this release. It stays offered until the link ends.
    Offer(UpdateOffer),
    /// Nothing is offered any more: what is not installed is forgotten.
    NoOffer,
    /// An administrator wants the room reset, now.
    Reset {
        /// What this reset is known by.
        number: ResetNumber,
    },
    /// IT wants the room to be so; this is all of it.
    Settings(WantedSettings),
    /// IT wants the room to do this once, now.
    Order(NumberedOrder),
    /// The meetings that the room is invited to, those that are on included, by their beginning; this is all of it.
    Agenda(Vec<AgendaEntry>),
    /// The times that the room's calendar takes, by their beginning; this is all of it. Added later: a room that does not know it
    /// lists its meetings alone.
    Calendar(Vec<CalendarEntry>),
}

/// What a room tells the cloud unasked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum RoomEvent {
    /// A part of the room broke or works again, for the console.
    Health {
        /// `camera`, `microphone`, `display`, `encoder`.
        part: String,
        /// Whether it works.
        working: bool,
        /// In plain words, English, for IT.
        detail: String,
    },
    /// What the room runs, and how far it is with its update.
    Update(UpdateReport),
    /// How it is set: with each link, and when that changes.
    Settings(SettingsReport),
    /// What came of an order.
    OrderDone(OrderReport),
    /// How it is.
    Condition(Condition),
}

/// Why the cloud ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// An administrator or moderator ended the meeting.
    Ended,
    /// The meeting room was removed.
    Removed,
    /// No packet came from the room for too long.
    MediaLost,
    /// The cloud forgot the call: it was restarted.
    Unknown,
    /// A reason that this build does not know.
    #[serde(other)]
    Other,
}

/// A certificate for the room's key, then the CA's; each DER in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateChain(pub Vec<String>);

/// Everyone in a meeting, at one revision. A lower revision than one already seen is ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// Grows with every change in the meeting.
    pub revision: u64,
    /// In the order in which they came.
    pub participants: Vec<Participant>,
}

/// One participant, as the others see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Their id in this meeting.
    pub participant: ParticipantId,
    /// Their name.
    pub name: DisplayName,
    /// Whether they are heard.
    pub microphone: Switch,
    /// Whether they are seen.
    pub camera: Switch,
    /// The source of their audio packets, as receivers see it.
    pub audio: Ssrc,
    /// The source of their video packets, as receivers see it.
    pub video: Ssrc,
}
