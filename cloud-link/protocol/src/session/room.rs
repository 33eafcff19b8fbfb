//! The room's end of one connection.

use super::line::{Came, Line};
use super::{Cloud, GREETING_WAIT, Output, ROOM_IDLE, Room};
use crate::envelope::Envelope;
use crate::envelope::RequestId;
use crate::message::{Greeting, Hello, Response, RoomEvent, RoomRequest};
use crate::reason::{CloseReason, RequestFailure};
use conclave_types::Time;

/// What happened at the room's end.
pub enum RoomInput<'a> {
    /// These octets were read.
    Received(&'a [u8]),
    /// The connection was closed or broke.
    Ended {
        /// What the system said.
        detail: String,
    },
    /// The room asks. The id has never been used before.
    Request {
        /// Names the request.
        id: RequestId,
        /// What it asks.
        request: RoomRequest,
    },
    /// The room answers the cloud.
    Respond {
        /// Of the cloud's request.
        id: RequestId,
        /// The answer.
        response: Response,
    },
    /// The room tells something. Dropped unless the room is welcome on this link.
    Event(RoomEvent),
    /// The room wants to close.
    Close {
        /// Why, for the cloud's log.
        reason: String,
    },
    /// The deadline has passed.
    Tick,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Greeting { until: Time },
    Newcomer,
    Welcome,
}

/// The room's end of one connection, from the finished TLS handshake on.
#[derive(Debug)]
pub struct RoomSession {
    line: Line<Room, Cloud>,
    phase: Phase,
    versions: (u16, u16),
}

impl RoomSession {
    /// Begins with the hello.
    pub fn new(now: Time, hello: Hello) -> RoomSession {
        let mut line = Line::new(now, ROOM_IDLE, None);
        let versions = hello.versions;
        if !line.send(&Envelope::Opening(hello)) {
            line.end(CloseReason::Here { reason: "the hello does not fit in a frame".to_owned() });
        }
        RoomSession { line, phase: Phase::Greeting { until: now + GREETING_WAIT }, versions }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Time, input: RoomInput<'_>) {
        match input {
            RoomInput::Received(mut read) => {
                while let Some(came) = self.line.next(now, &mut read) {
                    self.came(came);
                }
            }
            RoomInput::Ended { detail } => self.line.end(CloseReason::Cut { detail }),
            RoomInput::Request { id, request } if self.phase == Phase::Welcome => {
                self.line.ask(now, id, request);
            }
            RoomInput::Request { id, .. } => {
                let result = Err(RequestFailure::NotLinked);
                self.line.want(Output::Answered { id, result });
            }
            RoomInput::Respond { id, response } => self.line.respond(id, response),
            RoomInput::Event(event) => {
                if self.phase == Phase::Welcome {
                    self.line.send(&Envelope::Event(event));
                }
            }
            RoomInput::Close { reason } => self.line.close(CloseReason::Here { reason }),
            RoomInput::Tick => {
                if matches!(self.phase, Phase::Greeting { until } if until <= now) {
                    self.line.close(CloseReason::GreetingLate);
                }
                self.line.tick(now);
            }
        }
    }

    /// Whether the room waits for the cloud: for its greeting, or for an answer.
    pub fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Greeting { .. }) || self.line.is_waiting()
    }

    /// What is wanted next; call until `None`.
    pub fn poll_output(&mut self) -> Option<Output<Cloud>> {
        self.line.poll_output()
    }

    /// When [`RoomInput::Tick`] is wanted.
    pub fn deadline(&self) -> Option<Time> {
        let line = self.line.deadline()?;
        Some(match self.phase {
            Phase::Greeting { until } => line.min(until),
            Phase::Newcomer | Phase::Welcome => line,
        })
    }

    /// Messages that were skipped because this build does not know their kind, or nobody waited
    /// for them any more.
    pub fn skipped(&self) -> u64 {
        self.line.skipped()
    }

    /// Whether what was read so far ends with a whole frame.
    pub fn is_between_frames(&self) -> bool {
        self.line.is_between_frames()
    }

    fn came(&mut self, came: Came<Cloud>) {
        let greeted = !matches!(self.phase, Phase::Greeting { .. });
        match came {
            Came::Opening(_) if greeted => {
                self.line.close(CloseReason::Unexpected { what: "a second greeting" });
            }
            Came::Opening(greeting) => self.greeted(greeting),
            Came::Request { .. } | Came::UnknownRequest(_) if !greeted => {
                self.line.close(CloseReason::Unexpected { what: "a request before the greeting" });
            }
            Came::Request { id, request } => {
                if self.line.owe(id) {
                    self.line.want(Output::Request { id, request });
                }
            }
            Came::UnknownRequest(id) => {
                if self.line.owe(id) {
                    self.line.respond(id, Response::Unsupported);
                }
            }
            Came::Event(event) if greeted => self.line.want(Output::Event(event)),
            Came::Event(_) => {
                self.line.close(CloseReason::Unexpected { what: "an event before the greeting" });
            }
        }
    }

    fn greeted(&mut self, greeting: Greeting) {
        match &greeting {
            Greeting::Welcome(welcome) => {
                let (lowest, highest) = self.versions;
                if !(lowest..=highest).contains(&welcome.version) {
                    return self.line.close(CloseReason::Version { chosen: welcome.version });
                }
                self.phase = Phase::Welcome;
                self.line.want(Output::Opened(greeting));
            }
            Greeting::Newcomer { .. } => {
                self.phase = Phase::Newcomer;
                self.line.want(Output::Opened(greeting));
            }
            Greeting::Refused { reason, .. } => {
                let reason = CloseReason::Refused(*reason);
                self.line.want(Output::Opened(greeting));
                self.line.end(reason);
            }
        }
    }
}
