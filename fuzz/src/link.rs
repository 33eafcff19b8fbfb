//! Both ends of the link against whatever comes out of the connection.
//!
//! The first octet chooses how the session begins: 0 with nothing, 1 with a valid opening of an
//! enrolled room, 2 with that of a newcomer. Then steps, each an octet and what it needs:
//!
//! | octet, modulo 9 | step |
//! | --- | --- |
//! | 0 | a piece is read as it is |
//! | 1 | a piece is read with the header of a frame before it |
//! | 2 | time passes: two octets, in hundredths of a second |
//! | 3 | this end asks |
//! | 4 | this end answers the oldest request |
//! | 5 | this end tells something |
//! | 6, 7 | this end closes; the connection breaks: only when the next octet is 1 |
//! | 8 | the cloud greets the room that opened |

use crate::pieces::Pieces;
use crate::seeds::messages;
use conclave_link_protocol::envelope::{self, Envelope, Incoming, Kinds, Opening};
use conclave_link_protocol::frame::{self, HEADER, LONGEST_CONTENT};
use conclave_link_protocol::message::{CloudRequest, Response, RoomEvent};
use conclave_link_protocol::session::{
    CloudInput, CloudSession, End, MOST_OWED, MOST_WAITING, Output, RoomInput, RoomSession,
};
use conclave_link_protocol::{CloseReason, RequestId};
use conclave_types::Time;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// Octets of the shortest frame: its header and one octet.
const SHORTEST_FRAME: usize = HEADER + 1;

/// Octets that this end writes of its own accord at most in one message that answers what was
/// read: a close with 200 letters, each escaped.
const LONGEST_ANSWER: usize = 2048;

/// What a session has put out, judged as it comes.
#[derive(Default)]
struct Watch {
    closed: bool,
    waiting: BTreeSet<RequestId>,
    owed: VecDeque<RequestId>,
    opened: bool,
}

impl Watch {
    /// Takes all outputs after `read` octets were handed in.
    fn drain<There: End>(
        &mut self,
        read: Option<usize>,
        mut poll: impl FnMut() -> Option<Output<There>>,
    ) {
        let mut outputs = 0;
        while let Some(output) = poll() {
            outputs += 1;
            let was_closed = self.closed;
            match output {
                Output::Write(octets) => {
                    assert!(!was_closed, "written after the close");
                    let length = octets.expose().len();
                    assert!((SHORTEST_FRAME..=HEADER + LONGEST_CONTENT).contains(&length));
                    assert!(read.is_none() || length <= LONGEST_ANSWER, "{length} octets");
                }
                Output::Opened(opening) => {
                    assert!(!was_closed && !self.opened, "opened twice, or after the close");
                    self.opened = true;
                    survives::<There>(Envelope::Opening(opening));
                }
                Output::Request { id, request } => {
                    assert!(!was_closed && self.opened);
                    self.owed.push_back(id);
                    survives::<There>(Envelope::Request { id, request });
                }
                Output::Event(event) => {
                    assert!(!was_closed && self.opened);
                    survives::<There>(Envelope::Event(event));
                }
                Output::Answered { id, result } => {
                    assert!(self.waiting.remove(&id), "an answer to nothing, or a second one");
                    if let Ok(response) = result {
                        assert!(!was_closed);
                        survives::<There>(Envelope::Response { id, response });
                    }
                }
                Output::Closed(_) => {
                    assert!(!was_closed, "closed twice");
                    assert!(self.waiting.is_empty(), "closed while requests wait");
                    self.closed = true;
                    self.owed.clear();
                }
            }
        }
        // One for each frame, one for each request that fails, and the close with its reason.
        let most = read.unwrap_or(0) / SHORTEST_FRAME + 1 + MOST_WAITING + 3;
        assert!(outputs <= most, "{outputs} outputs where {most} are the most");
        assert!(self.owed.len() <= MOST_OWED && self.waiting.len() <= MOST_WAITING + 1);
    }
}

/// A message that was read is written and read as the same. It may have become too long for a
/// frame, because what was left out is written.
fn survives<There: End>(message: Envelope<There::Opening, There::Request, There::Event>)
where
    There::Opening: Opening,
    There::Request: Kinds,
    There::Event: Kinds,
{
    let Ok(written) = envelope::encode(&message) else { return };
    let read = envelope::decode::<There::Opening, There::Request, There::Event>(
        &written.expose()[HEADER..],
    );
    assert!(matches!(read, Ok(Incoming::Known(read)) if read == message), "{message:?}");
}

/// Octets with a frame's header.
fn framed(content: &[u8]) -> Vec<u8> {
    frame::encode(content).map(|frame| frame.expose().clone()).unwrap_or_default()
}

fn written<O: Opening, Q: Kinds, E: Kinds>(message: &Envelope<O, Q, E>) -> Vec<u8> {
    envelope::encode(message).map(|frame| frame.expose().clone()).unwrap_or_default()
}

/// The room's end.
pub fn room(input: &[u8]) {
    let mut pieces = Pieces(input);
    let mut now = Time::from_micros(1);
    let mut session = RoomSession::new(now, messages::hello());
    let mut watch = Watch::default();
    let mut asked = 0;
    watch.drain(None, || session.poll_output());
    let opening = match pieces.octet() % 3 {
        0 => None,
        1 => Some(messages::welcome()),
        _ => Some(messages::newcomer()),
    };
    if let Some(greeting) = opening {
        let octets = written(&messages::cloud(Envelope::Opening(greeting)));
        session.handle(now, RoomInput::Received(&octets));
        watch.drain(Some(octets.len()), || session.poll_output());
        assert!(watch.opened);
    }
    while !pieces.is_empty() {
        let mut read = None;
        match pieces.octet() % 9 {
            0 => {
                let octets = pieces.piece();
                read = Some(octets.len());
                session.handle(now, RoomInput::Received(octets));
            }
            1 => {
                let octets = framed(pieces.piece());
                read = Some(octets.len());
                session.handle(now, RoomInput::Received(&octets));
            }
            2 => {
                now = now + Duration::from_millis(10) * u32::from(pieces.two());
                session.handle(now, RoomInput::Tick);
            }
            3 => {
                let id = RequestId(asked);
                asked += 1;
                watch.waiting.insert(id);
                let request = messages::room_request(pieces.octet());
                session.handle(now, RoomInput::Request { id, request });
            }
            4 => {
                if let Some(id) = watch.owed.pop_front() {
                    session.handle(now, RoomInput::Respond { id, response: Response::Done });
                }
            }
            5 => {
                let part = "camera".to_owned();
                let event = RoomEvent::Health { part, working: false, detail: String::new() };
                session.handle(now, RoomInput::Event(event));
            }
            6 if pieces.octet() == 1 => {
                session.handle(now, RoomInput::Close { reason: "enough".to_owned() });
            }
            7 if pieces.octet() == 1 => {
                session.handle(now, RoomInput::Ended { detail: "reset".to_owned() });
            }
            _ => {}
        }
        watch.drain(read, || session.poll_output());
        assert_eq!(session.deadline().is_none(), watch.closed);
    }
}

/// The cloud's end.
pub fn cloud(input: &[u8]) {
    let mut pieces = Pieces(input);
    let mut now = Time::from_micros(1);
    let mut session = CloudSession::new(now);
    let mut watch = Watch::default();
    let mut asked = 0;
    let greeting = match pieces.octet() % 3 {
        0 => None,
        1 => Some(messages::welcome()),
        _ => Some(messages::newcomer()),
    };
    if let Some(greeting) = greeting {
        let octets = written(&messages::room(Envelope::Opening(messages::hello())));
        session.handle(now, CloudInput::Received(&octets));
        watch.drain(Some(octets.len()), || session.poll_output());
        assert!(watch.opened);
        session.handle(now, CloudInput::Greet(greeting));
        watch.drain(None, || session.poll_output());
    }
    while !pieces.is_empty() {
        let mut read = None;
        match pieces.octet() % 9 {
            0 => {
                let octets = pieces.piece();
                read = Some(octets.len());
                session.handle(now, CloudInput::Received(octets));
            }
            1 => {
                let octets = framed(pieces.piece());
                read = Some(octets.len());
                session.handle(now, CloudInput::Received(&octets));
            }
            2 => {
                now = now + Duration::from_millis(10) * u32::from(pieces.two());
                session.handle(now, CloudInput::Tick);
            }
            3 => {
                let id = RequestId(asked);
                asked += 1;
                watch.waiting.insert(id);
                session.handle(now, CloudInput::Request { id, request: CloudRequest::Ping });
            }
            4 => {
                if let Some(id) = watch.owed.pop_front() {
                    let response = messages::response(pieces.octet());
                    session.handle(now, CloudInput::Respond { id, response });
                }
            }
            5 => session.handle(now, CloudInput::Event(messages::cloud_event(pieces.octet()))),
            6 if pieces.octet() == 1 => {
                let reason = CloseReason::Here { reason: "enough".to_owned() };
                session.handle(now, CloudInput::Close(reason));
            }
            7 if pieces.octet() == 1 => {
                session.handle(now, CloudInput::Ended { detail: "reset".to_owned() });
            }
            8 => {
                let greeting = match pieces.octet() % 3 {
                    0 => messages::refused(),
                    1 => messages::welcome(),
                    _ => messages::newcomer(),
                };
                session.handle(now, CloudInput::Greet(greeting));
            }
            _ => {}
        }
        watch.drain(read, || session.poll_output());
        assert_eq!(session.deadline().is_none(), watch.closed);
    }
}
