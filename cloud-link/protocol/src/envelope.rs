//! What the JSON in a frame says. Protocol version 1:
//!
//! | message | from | example |
//! | --- | --- | --- |
//! | hello, once, first | room | `{"hello":{"versions":[1,1],"software":"conclave-roomd 0.1.0","serial":"A7","calls":[]}}` |
//! | greeting, once, first | cloud | `{"greeting":{"kind":"newcomer","code":"7KQ2-9FXM","expires_in_s":900}}` |
//! | request | both | `{"request":7,"kind":"leave","body":{"call":"call-…"}}` |
//! | response | both | `{"response":7,"kind":"done"}` |
//! | event | both | `{"event":{"kind":"new_code","body":{"code":"7KQ2-9FXM","expires_in_s":900}}}` |
//! | ping, pong with its number | both | `{"ping":3}`, `{"pong":3}` |
//! | close, last | both | `{"close":"shutting down"}` |
//!
//! Each frame is exactly one of these. The number of a request is its sender's, and the response
//! repeats it. The hello lists the versions that the room speaks, the welcome names the one that is
//! spoken from then on; hello and greeting themselves never change their form.
//!
//! The kind is looked at before the rest, because an enum fails to parse on a kind that it does not
//! know: an event of an unknown kind is skipped, a request answered with
//! [`Response::Unsupported`], a response becomes the failure of its request. A known kind with a
//! wrong body closes the link: skipping it would leave the two ends with different ideas.

use crate::frame::{self, FrameError};
use crate::message::{CloudEvent, CloudRequest, Greeting, Hello, Response, RoomEvent, RoomRequest};
use conclave_types::Secret;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Letters of a close's reason at most; more helps nobody who reads a log.
pub const LONGEST_REASON: usize = 200;

/// Names a request among those of its sender. Never used twice while the sender runs, so that a
/// late answer can not be taken for another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// A message whose kind is looked at before the rest.
pub trait Kinds: Serialize + DeserializeOwned {
    /// Every kind that this build knows, as it is written.
    const KINDS: &'static [&'static str];

    /// The kind of this message: the loggable part of it.
    fn kind(&self) -> &'static str;
}

/// One message in a frame: `O` opens the session, `Q` asks, `E` tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Envelope<O, Q, E> {
    /// A hello or a greeting.
    Opening(O),
    /// Wants one response with the same id.
    Request {
        /// Names it among its sender's.
        id: RequestId,
        /// What is asked.
        request: Q,
    },
    /// Answers the request with this id.
    Response {
        /// Of the request.
        id: RequestId,
        /// The answer.
        response: Response,
    },
    /// Wants no answer.
    Event(E),
    /// Wants a pong with the same number.
    Ping(u32),
    /// Answers a ping.
    Pong(u32),
    /// The last message: why the sender closes.
    Close(String),
}

/// What a room sends.
pub type FromRoom = Envelope<Hello, RoomRequest, RoomEvent>;
/// What a cloud sends.
pub type FromCloud = Envelope<Greeting, CloudRequest, CloudEvent>;

/// What came in a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming<O, Q, E> {
    /// Something that this build knows.
    Known(Envelope<O, Q, E>),
    /// A request of an unknown kind.
    UnknownRequest(RequestId),
    /// A response of an unknown kind.
    UnknownResponse(RequestId),
    /// An event of an unknown kind.
    UnknownEvent,
}

/// Why a frame is not a message. It holds no word of the content, which may be secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Not a JSON object of the form above.
    #[error("not JSON of the link's form (stopped at octet {at})")]
    Json {
        /// Where the parser stopped, from 1.
        at: usize,
    },
    /// None of the messages above, or two at once.
    #[error("{found} messages in one frame, there is always one")]
    Count {
        /// How many.
        found: usize,
    },
    /// A request, response or event without a kind.
    #[error("a {what} without a kind")]
    NoKind {
        /// Which of the three.
        what: &'static str,
    },
    /// A known kind with another body than it has.
    #[error("a malformed '{kind}'")]
    Body {
        /// The kind.
        kind: &'static str,
    },
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    hello: Option<&'a RawValue>,
    #[serde(borrow)]
    greeting: Option<&'a RawValue>,
    request: Option<u64>,
    response: Option<u64>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    ping: Option<u32>,
    pong: Option<u32>,
    #[serde(borrow)]
    close: Option<Cow<'a, str>>,
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Peeked<'a> {
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
}

/// Which of the two openings a direction has.
pub trait Opening: Serialize + DeserializeOwned {
    /// Its key in the envelope.
    const KEY: &'static str;
}

impl Opening for Hello {
    const KEY: &'static str = "hello";
}

impl Opening for Greeting {
    const KEY: &'static str = "greeting";
}

/// Reads the content of a frame.
pub fn decode<O: Opening, Q: Kinds, E: Kinds>(
    content: &[u8],
) -> Result<Incoming<O, Q, E>, EnvelopeError> {
    let json = |error: serde_json::Error| EnvelopeError::Json { at: error.column() };
    let wire: Wire<'_> = serde_json::from_slice(content).map_err(json)?;
    let found = [
        wire.hello.is_some(),
        wire.greeting.is_some(),
        wire.request.is_some(),
        wire.response.is_some(),
        wire.event.is_some(),
        wire.ping.is_some(),
        wire.pong.is_some(),
        wire.close.is_some(),
    ];
    let found = found.into_iter().filter(|there| *there).count();
    if found != 1 {
        return Err(EnvelopeError::Count { found });
    }
    if let Some(opening) = if O::KEY == Hello::KEY { wire.hello } else { wire.greeting } {
        let opening = serde_json::from_str(opening.get())
            .map_err(|_| EnvelopeError::Body { kind: O::KEY })?;
        return Ok(Incoming::Known(Envelope::Opening(opening)));
    }
    if let Some(id) = wire.request.map(RequestId) {
        return Ok(match body::<Q>(content, wire.kind.as_deref(), "request")? {
            Some(request) => Incoming::Known(Envelope::Request { id, request }),
            None => Incoming::UnknownRequest(id),
        });
    }
    if let Some(id) = wire.response.map(RequestId) {
        return Ok(match body::<Response>(content, wire.kind.as_deref(), "response")? {
            Some(response) => Incoming::Known(Envelope::Response { id, response }),
            None => Incoming::UnknownResponse(id),
        });
    }
    if let Some(event) = wire.event {
        let peeked: Peeked<'_> = serde_json::from_str(event.get()).map_err(json)?;
        return Ok(match body::<E>(event.get().as_bytes(), peeked.kind.as_deref(), "event")? {
            Some(event) => Incoming::Known(Envelope::Event(event)),
            None => Incoming::UnknownEvent,
        });
    }
    Ok(Incoming::Known(match (wire.ping, wire.pong, wire.close) {
        (Some(number), _, _) => Envelope::Ping(number),
        (_, Some(number), _) => Envelope::Pong(number),
        (_, _, Some(reason)) => Envelope::Close(cleaned(&reason, LONGEST_REASON)),
        // A hello from a cloud, or a greeting from a room.
        _ => return Err(EnvelopeError::Count { found: 0 }),
    }))
}

/// The message of this kind; `None` when the kind is not known.
fn body<T: Kinds>(
    json: &[u8],
    kind: Option<&str>,
    what: &'static str,
) -> Result<Option<T>, EnvelopeError> {
    let kind = kind.ok_or(EnvelopeError::NoKind { what })?;
    let Some(kind) = T::KINDS.iter().find(|known| **known == kind) else {
        return Ok(None);
    };
    serde_json::from_slice(json).map(Some).map_err(|_| EnvelopeError::Body { kind })
}

/// Why a message cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// It cannot be written as JSON. None of our messages has such a part.
    #[error("the message cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// It does not fit in a frame.
    #[error("the message does not fit in a frame")]
    Frame(#[from] FrameError),
}

/// The message as a frame.
pub fn encode<O: Opening, Q: Kinds, E: Kinds>(
    envelope: &Envelope<O, Q, E>,
) -> Result<Secret<Vec<u8>>, EncodeError> {
    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Single<'a, E> {
        Event(&'a E),
        Ping(u32),
        Pong(u32),
        Close(&'a str),
    }
    #[derive(Serialize)]
    struct Request<'a, Q> {
        request: u64,
        #[serde(flatten)]
        message: &'a Q,
    }
    #[derive(Serialize)]
    struct Answer<'a> {
        response: u64,
        #[serde(flatten)]
        message: &'a Response,
    }
    let content = match envelope {
        Envelope::Opening(opening) => {
            serde_json::to_vec(&std::collections::BTreeMap::from([(O::KEY, opening)]))
        }
        Envelope::Request { id, request } => {
            serde_json::to_vec(&Request { request: id.0, message: request })
        }
        Envelope::Response { id, response } => {
            serde_json::to_vec(&Answer { response: id.0, message: response })
        }
        Envelope::Event(event) => serde_json::to_vec(&Single::Event(event)),
        Envelope::Ping(number) => serde_json::to_vec(&Single::<E>::Ping(*number)),
        Envelope::Pong(number) => serde_json::to_vec(&Single::<E>::Pong(*number)),
        Envelope::Close(reason) => {
            let reason = cleaned(reason, LONGEST_REASON);
            serde_json::to_vec(&Single::<E>::Close(&reason))
        }
    };
    // Joins carry PINs and answers carry keys: wiped when the frame is made.
    let content = Secret::new(content?);
    Ok(frame::encode(content.expose())?)
}

macro_rules! kinds {
    ($message:ident: $($variant:ident => $kind:literal),+ $(,)?) => {
        impl Kinds for $message {
            const KINDS: &'static [&'static str] = &[$($kind),+];
            fn kind(&self) -> &'static str {
                // A new variant does not compile before it stands in the list.
                match self { $($message::$variant { .. } => $kind),+ }
            }
        }
    };
}

kinds!(RoomRequest:
    Join => "join",
    Leave => "leave",
    SetMedia => "set_media",
    LetIn => "let_in",
    TurnAway => "turn_away",
    RenewCertificate => "renew_certificate",
    Chunk => "chunk",
    Sums => "sums",
    MayReset => "may_reset",
    ResetDone => "reset_done",
    Deliver => "deliver",
    Time => "time",
);
kinds!(CloudRequest: Ping => "ping");
kinds!(Response:
    Done => "done",
    Joined => "joined",
    NotJoined => "not_joined",
    InLobby => "in_lobby",
    NotLetIn => "not_let_in",
    Certificate => "certificate",
    Chunk => "chunk",
    NoChunk => "no_chunk",
    MayReset => "may_reset",
    MayNotReset => "may_not_reset",
    Time => "time",
    Unsupported => "unsupported",
    Failed => "failed",
);
kinds!(CloudEvent:
    Activated => "activated",
    NewCode => "new_code",
    Room => "room",
    Directory => "directory",
    Roster => "roster",
    Admitted => "admitted",
    NotAdmitted => "not_admitted",
    Lobby => "lobby",
    Speaking => "speaking",
    CallEnded => "call_ended",
    Offer => "offer",
    NoOffer => "no_offer",
    Reset => "reset",
    Settings => "settings",
    Order => "order",
    Agenda => "agenda",
    Calendar => "calendar",
);
kinds!(RoomEvent:
    Health => "health",
    Update => "update",
    Settings => "settings",
    OrderDone => "order_done",
    Condition => "condition",
);

/// Words of the other end for our log: printable, and not many of them.
pub(crate) fn cleaned(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(most).collect()
}

#[cfg(test)]
mod tests;
