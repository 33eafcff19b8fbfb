//! Why a request has no answer, a session ended, or a room has no link: for logs and for rules.

use crate::envelope::EnvelopeError;
use crate::frame::FrameError;
use crate::message::Refusal;

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestFailure {
    /// There is no link, or the room is not enrolled: nothing was sent.
    #[error("there is no link to send the request on")]
    NotLinked,
    /// The link broke before the answer came: the other end may have done it or not.
    #[error("the link was lost before the answer came")]
    LinkLost,
    /// No answer in time: the other end may have done it or not.
    #[error("no answer in time")]
    TimedOut,
    /// Too many requests wait for their answers already: nothing was sent.
    #[error("too many requests wait for their answers")]
    TooMany,
    /// The request does not fit in a frame: nothing was sent.
    #[error("the request is too long for the link")]
    TooLong,
    /// The answer is of a kind that this build does not know.
    #[error("the answer is of a kind that this build does not know")]
    UnknownResponse,
}

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The connection was closed or broke.
    #[error("the connection ended: {detail}")]
    Cut {
        /// What the system said.
        detail: String,
    },
    /// The other end closed the session and said why.
    #[error("the other end closed the link: {reason}")]
    ByPeer {
        /// Its words, cut short and cleaned.
        reason: String,
    },
    /// This end closed the session.
    #[error("closed: {reason}")]
    Here {
        /// Why.
        reason: String,
    },
    /// The cloud refused the room.
    #[error("the cloud refuses this room: {0}")]
    Refused(Refusal),
    /// The stream cannot be cut into frames.
    #[error("not a stream of link frames")]
    Frame(#[source] FrameError),
    /// A frame is not a message.
    #[error("a frame is not a message of the link")]
    Envelope(#[source] EnvelopeError),
    /// A message came that has no place at this point, such as a second hello.
    #[error("'{what}' came when it may not")]
    Unexpected {
        /// Which message.
        what: &'static str,
    },
    /// No hello in time.
    #[error("no hello in time")]
    HelloLate,
    /// No greeting in time.
    #[error("no greeting in time")]
    GreetingLate,
    /// Nothing came for so long that the other end must be gone.
    #[error("the other end has fallen silent")]
    Silent,
    /// The cloud chose a protocol version that the room did not offer.
    #[error("the cloud chose protocol version {chosen}, which was not offered")]
    Version {
        /// What it chose.
        chosen: u16,
    },
    /// The other end sends more frames than anyone needs.
    #[error("the other end sends too many frames")]
    Flood,
    /// The other end asks more than it waits for.
    #[error("the other end has too many requests unanswered")]
    TooManyRequests,
    /// The other end reads slower than it is told things.
    #[error("the other end reads too slowly")]
    SlowReader,
    /// The room's certificate ran out while the link was up.
    #[error("the room's certificate has expired")]
    CertificateExpired,
}

impl CloseReason {
    /// Every label, for counters that begin at zero.
    pub const LABELS: [&'static str; 15] = [
        "cut",
        "by_peer",
        "here",
        "refused",
        "frame",
        "envelope",
        "unexpected",
        "hello_late",
        "greeting_late",
        "silent",
        "version",
        "flood",
        "too_many_requests",
        "slow_reader",
        "certificate_expired",
    ];

    /// One word for counters; never changed, operators' alarms name it.
    pub fn label(&self) -> &'static str {
        match self {
            CloseReason::Cut { .. } => "cut",
            CloseReason::ByPeer { .. } => "by_peer",
            CloseReason::Here { .. } => "here",
            CloseReason::Refused(_) => "refused",
            CloseReason::Frame(_) => "frame",
            CloseReason::Envelope(_) => "envelope",
            CloseReason::Unexpected { .. } => "unexpected",
            CloseReason::HelloLate => "hello_late",
            CloseReason::GreetingLate => "greeting_late",
            CloseReason::Silent => "silent",
            CloseReason::Version { .. } => "version",
            CloseReason::Flood => "flood",
            CloseReason::TooManyRequests => "too_many_requests",
            CloseReason::SlowReader => "slow_reader",
            CloseReason::CertificateExpired => "certificate_expired",
        }
    }
}

/// Why a room has no link now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DownReason {
    /// Someone answered whose key is not pinned: another cloud, or someone in between.
    #[error("the cloud's key is not a pinned one, it is {found}")]
    WrongPin {
        /// The pin of the key that answered.
        found: String,
    },
    /// The pinned key came with a certificate of another CA than the one that enrolled this room.
    #[error("the cloud's certificate is signed by another CA than the one that enrolled this room")]
    OtherAuthority,
    /// The cloud's certificate is wrong in another way.
    #[error("the cloud's certificate is not right: {detail}")]
    ServerCertificate {
        /// How.
        detail: String,
    },
    /// TLS works, but the other end does not speak the link's protocol.
    #[error("what answers does not speak the link's protocol")]
    NotALink,
    /// No TLS 1.3 connection comes about: no TLS there, an old version, or something in between.
    #[error("no TLS 1.3 connection comes about: {detail}")]
    Tls {
        /// What failed.
        detail: String,
    },
    /// Nobody answers, or the name is not known.
    #[error("the cloud cannot be reached: {detail}")]
    Unreachable {
        /// What the system said.
        detail: String,
    },
    /// The cloud answered and refused this room.
    #[error("the cloud refuses this room: {0}")]
    Refused(Refusal),
    /// A session ended.
    #[error(transparent)]
    Session(CloseReason),
    /// The room itself connects anew, with another certificate.
    #[error("connecting anew with another certificate")]
    Reconnecting,
}

impl DownReason {
    /// How much the reason tells the person who has to act, for when several addresses failed in
    /// different ways: the highest is reported.
    pub fn weight(&self) -> u8 {
        match self {
            DownReason::Refused(_) | DownReason::Session(_) | DownReason::Reconnecting => 6,
            DownReason::WrongPin { .. } => 5,
            DownReason::OtherAuthority => 4,
            DownReason::ServerCertificate { .. } => 3,
            DownReason::NotALink => 2,
            DownReason::Tls { .. } => 1,
            DownReason::Unreachable { .. } => 0,
        }
    }
}
