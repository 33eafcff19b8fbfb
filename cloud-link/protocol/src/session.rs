//! One connection, as a machine for each end.
//!
//! 1. The room sends its hello at once. The cloud waits [`HELLO_WAIT`] for it.
//! 2. The cloud's session chooses the protocol version; its shell decides on the greeting.
//!    The room waits [`GREETING_WAIT`] for it.
//! 3. After a welcome, both ask and tell. A newcomer may only wait for its code to be claimed, and
//!    whoever is refused is closed.
//! 4. Who hears nothing for a while pings, and gives up after two pings without any frame.
//!
//! A session ends once, with [`Output::Closed`]; before it every request that waits has failed.

mod cloud;
mod line;
mod room;

pub use cloud::{CloudInput, CloudSession};
pub use room::{RoomInput, RoomSession};

use crate::envelope::RequestId;
use crate::envelope::{Kinds, Opening};
use crate::message::{CloudEvent, CloudRequest, Greeting, Hello, Response, RoomEvent, RoomRequest};
use crate::reason::{CloseReason, RequestFailure};
use conclave_types::Secret;
use std::fmt::Debug;
use std::time::Duration;

/// How long a cloud waits for the hello after the handshake. A room sends it at once: longer only
/// lets strangers hold places.
pub const HELLO_WAIT: Duration = Duration::from_secs(10);

/// How long a room waits for the greeting. The cloud looks into its database first, and after its
/// restart all rooms come at once: shorter would send them away in vain.
pub const GREETING_WAIT: Duration = Duration::from_secs(15);

/// How long a request waits for its answer. A join checks a PIN (tens of milliseconds) and opens a
/// leg: longer leaves a person before "connecting" without hope, shorter fails on a busy cloud.
pub const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// How long a room hears nothing before it pings. Longer, and firewalls forget the connection
/// (30 s is the shortest seen); shorter costs the cloud a packet per room more often.
pub const ROOM_IDLE: Duration = Duration::from_secs(15);

/// The same for a cloud: longer than the room's, so that one end's pings are enough.
pub const CLOUD_IDLE: Duration = Duration::from_secs(20);

/// How long after a ping any frame must come. Longer shows "link lost" later; shorter takes a slow
/// mobile uplink for dead.
pub const PONG_WAIT: Duration = Duration::from_secs(5);

/// Pings without any frame after which the other end is gone: one may be held up by a hiccup of
/// the network.
pub const PINGS_UNANSWERED: u32 = 2;

/// Own requests that wait for their answers at most. A room has at most a handful; more means that
/// nobody answers, and queueing would only answer taps of a minute ago.
pub const MOST_WAITING: usize = 16;

/// Requests of the other end that this end has not answered yet, at most. Twice what our own rooms
/// ever have; each costs the cloud a little memory and perhaps a PIN check.
pub const MOST_OWED: usize = 32;

/// Calls in a hello at most. A room is in one.
pub const MOST_HELD_CALLS: usize = 8;

/// Frames that a room may send in one second, over a while; each 4 KiB of a frame count as one
/// more. A person's taps make a few; less could close a room that reports many faults at once.
pub const FRAMES_PER_SECOND: u32 = 50;

/// Frames that a room may send at once, after silence.
pub const FRAMES_AT_ONCE: u32 = 200;

/// What a session wants; `There` is the other end.
#[derive(Debug, PartialEq)]
pub enum Output<There: End> {
    /// Write these octets: one whole frame. They may hold keys or a PIN.
    Write(Secret<Vec<u8>>),
    /// The other end opened: its hello, or its greeting.
    Opened(There::Opening),
    /// It asks; to be answered once, by the same id.
    Request {
        /// Names the request among the other end's.
        id: RequestId,
        /// What it asks.
        request: There::Request,
    },
    /// It tells something.
    Event(There::Event),
    /// A request of ours has its answer, or never will.
    Answered {
        /// Of the request.
        id: RequestId,
        /// The answer, or why there is none.
        result: Result<Response, RequestFailure>,
    },
    /// Write what is left to write, then close the connection. Nothing follows.
    Closed(CloseReason),
}

/// One end of the link: what it sends.
pub trait End: Debug + PartialEq {
    /// Its first message.
    type Opening: Opening + Debug + PartialEq;
    /// What it asks.
    type Request: Kinds + Debug + PartialEq;
    /// What it tells.
    type Event: Kinds + Debug + PartialEq;
}

/// The room's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room;

impl End for Room {
    type Opening = Hello;
    type Request = RoomRequest;
    type Event = RoomEvent;
}

/// The cloud's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cloud;

impl End for Cloud {
    type Opening = Greeting;
    type Request = CloudRequest;
    type Event = CloudEvent;
}

#[cfg(test)]
pub(crate) mod tests;
