//! What the switchboard is told and what it says.

use super::changes::Topic;
use crate::accounts::{AccountAnswer, AccountRequest, Source};
use crate::calendars::{Errand, Read};
use crate::calls::JudgedCall;
use crate::control::{ControlAnswer, ControlRequest, Octets, ParcelKind, ParcelLine};
use crate::hooks;
use crate::letters::{Fate, Letter, LetterId};
use conclave_directory::{LeftWhy, PinHash, TokenHash};
use conclave_link_protocol::message::{
    CertificateChain, CloudEvent, Greeting, Hello, Piece, Refusal, Response, RoomEvent, RoomRequest,
};
use conclave_types::{
    BundleHash, CallId, DeliveryId, DisplayName, LegId, MediaLeg, MeetingId, OrganisationId,
    ParticipantId, Pin, Redacted, RoomId, Secret, SrtpProfile, Time, UnixTime,
};
use tracing::Span;

/// One of a bundle's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BundleFile {
    /// The bundle itself.
    Bundle(BundleHash),
    /// Its block sums.
    Sums(BundleHash),
}

/// One connection of a room or newcomer. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

impl std::fmt::Display for LinkId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "link-{}", self.0)
    }
}

/// One request within a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Who asks, as the audit log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// In which organisation.
    pub organisation: OrganisationId,
    /// Who.
    pub who: String,
    /// From where.
    pub source: Redacted<String>,
}

impl Caller {
    /// Whoever runs `conclave-cloud` on the cloud's own machine.
    pub fn command_line(organisation: OrganisationId) -> Caller {
        let who = "command line".to_owned();
        let source = Redacted("this machine".to_owned());
        Caller { organisation, who, source }
    }
}

/// How somebody shows who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// They are signed in, in a browser.
    Session(TokenHash),
    /// Their script has a token.
    ApiToken(TokenHash),
}

/// One administrator's request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ControlId(pub u64);

/// One computation that is done elsewhere because it takes long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// Who proved what at the other end of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// A valid certificate of ours for this room; whether it was revoked is for us to say.
    Enrolled {
        /// Which room.
        room: RoomId,
        /// DER of the key's SubjectPublicKeyInfo.
        spki_der: Vec<u8>,
    },
    /// A key that no certificate of ours is for.
    Newcomer {
        /// DER of the key's SubjectPublicKeyInfo.
        spki_der: Vec<u8>,
    },
    /// A certificate that we do not take.
    Unfit(Refusal),
}

/// Whether a PIN was the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinOutcome {
    /// It was.
    Right,
    /// It was not.
    Wrong,
}

/// What a media node sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaEvent {
    /// Packets come from a participant.
    Flowing {
        /// In which meeting.
        meeting: MeetingId,
        /// Whose.
        participant: ParticipantId,
    },
    /// Packets come no more.
    Silent {
        /// In which meeting.
        meeting: MeetingId,
        /// Whose.
        participant: ParticipantId,
    },
    /// Somebody else speaks loudest, or nobody does.
    Loudest {
        /// In which meeting.
        meeting: MeetingId,
        /// Who.
        participant: Option<ParticipantId>,
    },
}

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// Nothing but time: a deadline passed.
    Wake,
    /// A connection said hello. It waits for its greeting.
    Hello {
        /// Which connection.
        link: LinkId,
        /// Who is there.
        peer: Peer,
        /// What it said.
        hello: Hello,
    },
    /// A room asks.
    Request {
        /// On which link.
        link: LinkId,
        /// To be named in the answer.
        id: RequestId,
        /// What.
        request: RoomRequest,
    },
    /// A room tells.
    Event {
        /// On which link.
        link: LinkId,
        /// What.
        event: RoomEvent,
    },
    /// A link is gone. Nothing more comes of it.
    Closed {
        /// Which.
        link: LinkId,
    },
    /// [`Output::CheckPin`] is done.
    PinChecked {
        /// Which job.
        job: JobId,
        /// The outcome.
        outcome: PinOutcome,
    },
    /// [`Output::HashPin`] is done; `None` when it could not be.
    PinHashed {
        /// Which job.
        job: JobId,
        /// The hash.
        hash: Option<PinHash>,
    },
    /// [`Output::OpenLeg`] is done; `None` when it could not be.
    LegOpened {
        /// Whose.
        participant: ParticipantId,
        /// The leg.
        leg: Option<Box<MediaLeg>>,
    },
    /// [`Output::ReadChunk`] is done; `None` when the bundle is not there, or shorter.
    ChunkRead {
        /// On which link it was asked for.
        link: LinkId,
        /// By which request.
        id: RequestId,
        /// Where it begins.
        offset: u64,
        /// What stands there.
        piece: Option<Piece>,
    },
    /// A media node saw something.
    Media(MediaEvent),
    /// An administrator asks.
    Control {
        /// To be named in the answer.
        id: ControlId,
        /// Who asks.
        by: Caller,
        /// What.
        request: ControlRequest,
    },
    /// Somebody in a browser asks.
    Console {
        /// To be named in the answer.
        id: ControlId,
        /// How they show who they are.
        by: Credential,
        /// From where.
        source: Source,
        /// What.
        request: ControlRequest,
    },
    /// The packets of a call that is over were looked at.
    Judged(JudgedCall),
    /// [`Output::KeepParcel`] is done.
    ParcelKept {
        /// Of which room.
        room: RoomId,
        /// What it is.
        what: ParcelKind,
        /// By which order it came.
        number: u32,
        /// Its octets; `None` when it could not be kept.
        size: Option<u32>,
    },
    /// What became of a letter.
    Mailed {
        /// Of which.
        letter: LetterId,
        /// What.
        fate: Fate,
    },
    /// What came of a delivery to a webhook.
    Delivered {
        /// Of which.
        delivery: DeliveryId,
        /// What.
        answer: hooks::Answer,
    },
    /// [`Output::ReadCalendar`] is done.
    CalendarRead(Box<Read>),
    /// The console asks about accounts.
    Account {
        /// To be named in the answer.
        id: ControlId,
        /// What.
        request: AccountRequest,
    },
    /// The cloud is to stop: records are closed, rooms are told, links are ended.
    Stop,
}

/// Why a link is ended by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// It was refused in its greeting.
    Refused,
    /// The same room or newcomer came on a new connection.
    Replaced,
    /// The newcomer was activated, and returns as a room.
    Activated,
    /// The room was revoked.
    Revoked,
    /// The cloud stops.
    Stopping,
}

/// What the log of calls is told.
#[derive(Debug, Clone, PartialEq)]
pub enum CallNote {
    /// A room is in a meeting.
    Began {
        /// Which call.
        call: CallId,
        /// Which room.
        room: RoomId,
        /// Its name.
        room_name: DisplayName,
        /// The meeting room's name.
        vmr_name: DisplayName,
        /// In which meeting.
        meeting: MeetingId,
        /// As which participant.
        participant: ParticipantId,
        /// Over which leg.
        leg: LegId,
        /// When.
        at: UnixTime,
        /// The same on the clock that is never set.
        now: Time,
        /// Bears the call's ids.
        span: Span,
    },
    /// A call is over.
    Ended {
        /// Which.
        call: CallId,
        /// Why.
        why: LeftWhy,
        /// When.
        now: Time,
    },
    /// A part of a room broke while it was in a call.
    PartBroke {
        /// In which call.
        call: CallId,
        /// `camera`, `microphone`, `loudspeaker`, `display`, `encoder` or `other`.
        part: &'static str,
    },
}

/// What to do now, in this order.
#[derive(Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "answers to people are rare, and moved once")]
pub enum Output {
    /// Answer a hello.
    Greet {
        /// On which link.
        link: LinkId,
        /// With what.
        greeting: Greeting,
    },
    /// Answer a request.
    Respond {
        /// On which link.
        link: LinkId,
        /// Which request.
        id: RequestId,
        /// With what.
        response: Response,
    },
    /// Answer a request with the time, read when it is said.
    TellTime {
        /// On which link.
        link: LinkId,
        /// Which request.
        id: RequestId,
    },
    /// Tell a room something.
    Send {
        /// On which link.
        link: LinkId,
        /// What.
        event: CloudEvent,
    },
    /// End a link, after what was said before is sent.
    Close {
        /// Which.
        link: LinkId,
        /// Why.
        reason: CloseReason,
    },
    /// Send a letter; tell its fate with [`Input::Mailed`].
    Mail(Box<Letter>),
    /// Tell a webhook something; what comes of it comes with [`Input::Delivered`].
    Deliver(Box<hooks::Outgoing>),
    /// Read a room's calendar; answer with [`Input::CalendarRead`].
    ReadCalendar(Box<Errand>),
    /// Compare a PIN with a hash, off the main task; answer with [`Input::PinChecked`].
    CheckPin {
        /// Which job.
        job: JobId,
        /// What was typed.
        pin: Pin,
        /// What it is to match.
        hash: PinHash,
    },
    /// Hash a PIN, off the main task; answer with [`Input::PinHashed`].
    HashPin {
        /// Which job.
        job: JobId,
        /// The PIN.
        pin: Pin,
        /// Random, for this hash only.
        salt: Secret<[u8; 16]>,
    },
    /// Open a leg at the media node; answer with [`Input::LegOpened`].
    OpenLeg {
        /// In which meeting.
        meeting: MeetingId,
        /// Whose.
        participant: ParticipantId,
        /// What the room supports, preferred first.
        profiles: Vec<SrtpProfile>,
    },
    /// Close a leg.
    CloseLeg {
        /// In which meeting.
        meeting: MeetingId,
        /// Whose.
        participant: ParticipantId,
    },
    /// Read a piece of a bundle, off the main task; answer with [`Input::ChunkRead`].
    ReadChunk {
        /// On which link it was asked for.
        link: LinkId,
        /// By which request.
        id: RequestId,
        /// Of which bundle, or of its block sums.
        file: BundleFile,
        /// Where it begins.
        offset: u64,
        /// Its octets.
        length: u32,
    },
    /// No release has this bundle any more: remove its file.
    ForgetBundle(BundleHash),
    /// Keep what a room sent as a file, off the main task, in place of what it sent before; answer with
    /// [`Input::ParcelKept`].
    KeepParcel {
        /// Of which room.
        room: RoomId,
        /// What it is.
        what: ParcelKind,
        /// By which order it came.
        number: u32,
        /// The file.
        octets: Octets,
    },
    /// Answer somebody with what a room sent, read off the main task.
    AnswerParcel {
        /// Which request.
        id: ControlId,
        /// Of which room.
        room: RoomId,
        /// What it is.
        parcel: ParcelLine,
    },
    /// Remove the file.
    DropParcel {
        /// Of which room.
        room: RoomId,
        /// What it is.
        what: ParcelKind,
    },
    /// Tell the log of calls.
    Note(Box<CallNote>),
    /// Answer an administrator.
    Answer {
        /// Which request.
        id: ControlId,
        /// With what.
        answer: ControlAnswer,
    },
    /// Tell consoles that show it.
    Changed {
        /// Whose.
        organisation: OrganisationId,
        /// What.
        topics: Vec<Topic>,
    },
    /// Answer the console about accounts.
    AccountAnswer {
        /// Which request.
        id: ControlId,
        /// With what.
        answer: AccountAnswer,
    },
}

/// A certificate that was just signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCertificate {
    /// The room's certificate, then the CA's.
    pub chain: CertificateChain,
    /// When the room's certificate runs out.
    pub expires: UnixTime,
}

/// A key that could not be certified.
#[derive(Debug, thiserror::Error)]
#[error("the room's key could not be certified")]
pub struct SignError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Signs rooms' keys: the cloud's certificate authority.
pub trait Certifier {
    /// Signs a key, given as DER of its SubjectPublicKeyInfo, for a room.
    fn sign(
        &mut self,
        room: RoomId,
        spki_der: &[u8],
        now: UnixTime,
    ) -> Result<SignedCertificate, SignError>;
}

/// Seals what the directory keeps and must not give away alone, for as long as its key is there.
pub trait Sealer {
    /// Seals a secret, bound to whose it is; `None` when it cannot be done now.
    fn seal(&self, whose: &str, secret: &[u8]) -> Option<Vec<u8>>;
    /// Opens it; `None` when it is not theirs, was changed, or was sealed with another key.
    fn open(&self, whose: &str, sealed: &[u8]) -> Option<Secret<Vec<u8>>>;
}
