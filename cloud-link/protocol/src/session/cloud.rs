//! The cloud's end of one connection.

use super::line::{Came, FrameLimit, Line};
use super::{
    CLOUD_IDLE, Cloud, FRAMES_AT_ONCE, FRAMES_PER_SECOND, HELLO_WAIT, MOST_HELD_CALLS, Output, Room,
};
use crate::VERSIONS;
use crate::envelope::{Envelope, EnvelopeError};
use crate::envelope::{RequestId, cleaned};
use crate::message::{CloudEvent, CloudRequest, Greeting, Hello, Refusal, Response};
use crate::reason::{CloseReason, RequestFailure};
use conclave_types::Time;

/// Letters of a room's software and serial number that are kept.
const LONGEST_WORD: usize = 100;

/// When a room comes back that speaks no version of ours: somebody has to update one of us, so
/// sooner is in vain.
const VERSION_RETRY_S: u32 = 600;

/// What happened at the cloud's end.
pub enum CloudInput<'a> {
    /// These octets were read.
    Received(&'a [u8]),
    /// The connection was closed or broke.
    Ended {
        /// What the system said.
        detail: String,
    },
    /// The answer to the hello. A welcome's version is filled in here. A second one is ignored.
    Greet(Greeting),
    /// The cloud asks. The id has never been used before on this link.
    Request {
        /// Names the request.
        id: RequestId,
        /// What it asks.
        request: CloudRequest,
    },
    /// The cloud answers the room.
    Respond {
        /// Of the room's request.
        id: RequestId,
        /// The answer.
        response: Response,
    },
    /// The cloud tells something. Dropped before the greeting.
    Event(CloudEvent),
    /// The cloud wants to close.
    Close(CloseReason),
    /// The deadline has passed.
    Tick,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Hello {
        until: Time,
    },
    /// The shell decides on the greeting.
    Deciding {
        version: u16,
    },
    Newcomer,
    Welcome,
}

/// The cloud's end of one connection, from the finished TLS handshake on.
#[derive(Debug)]
pub struct CloudSession {
    line: Line<Cloud, Room>,
    phase: Phase,
    unsendable: u64,
}

impl CloudSession {
    /// Begins by waiting for the hello.
    pub fn new(now: Time) -> CloudSession {
        let limit = FrameLimit { per_second: FRAMES_PER_SECOND, at_once: FRAMES_AT_ONCE };
        CloudSession {
            line: Line::new(now, CLOUD_IDLE, Some(limit)),
            phase: Phase::Hello { until: now + HELLO_WAIT },
            unsendable: 0,
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Time, input: CloudInput<'_>) {
        match input {
            CloudInput::Received(mut read) => {
                while let Some(came) = self.line.next(now, &mut read) {
                    self.came(came);
                }
            }
            CloudInput::Ended { detail } => self.line.end(CloseReason::Cut { detail }),
            CloudInput::Greet(greeting) => self.greet(greeting),
            CloudInput::Request { id, request } => match self.phase {
                Phase::Newcomer | Phase::Welcome => self.line.ask(now, id, request),
                Phase::Hello { .. } | Phase::Deciding { .. } => {
                    let result = Err(RequestFailure::NotLinked);
                    self.line.want(Output::Answered { id, result });
                }
            },
            CloudInput::Respond { id, response } => self.line.respond(id, response),
            CloudInput::Event(event) => {
                if matches!(self.phase, Phase::Newcomer | Phase::Welcome)
                    && !self.line.send(&Envelope::Event(event))
                {
                    self.unsendable += 1;
                }
            }
            CloudInput::Close(reason) => self.line.close(reason),
            CloudInput::Tick => {
                if matches!(self.phase, Phase::Hello { until } if until <= now) {
                    self.line.close(CloseReason::HelloLate);
                }
                self.line.tick(now);
            }
        }
    }

    /// What is wanted next; call until `None`.
    pub fn poll_output(&mut self) -> Option<Output<Room>> {
        self.line.poll_output()
    }

    /// When [`CloudInput::Tick`] is wanted.
    pub fn deadline(&self) -> Option<Time> {
        let line = self.line.deadline()?;
        Some(match self.phase {
            Phase::Hello { until } => line.min(until),
            Phase::Deciding { .. } | Phase::Newcomer | Phase::Welcome => line,
        })
    }

    /// Messages that were skipped because this build does not know their kind, or nobody waited
    /// for them any more.
    pub fn skipped(&self) -> u64 {
        self.line.skipped()
    }

    /// Events that were too long for a frame and not sent: worth an error in the log.
    pub fn unsendable(&self) -> u64 {
        self.unsendable
    }

    /// Whole frames that came so far.
    pub fn frames(&self) -> u64 {
        self.line.frames()
    }

    /// Whether what was read so far ends with a whole frame.
    pub fn is_between_frames(&self) -> bool {
        self.line.is_between_frames()
    }

    fn came(&mut self, came: Came<Room>) {
        match (self.phase, came) {
            (Phase::Hello { .. }, Came::Opening(hello)) => self.hello(hello),
            (_, Came::Opening(_)) => self.unexpected("a second hello"),
            (Phase::Welcome, Came::Request { id, request }) => {
                if self.line.owe(id) {
                    self.line.want(Output::Request { id, request });
                }
            }
            (Phase::Welcome, Came::UnknownRequest(id)) => {
                if self.line.owe(id) {
                    self.line.respond(id, Response::Unsupported);
                }
            }
            (Phase::Welcome, Came::Event(event)) => self.line.want(Output::Event(event)),
            (_, Came::Request { .. } | Came::UnknownRequest(_)) => {
                self.unexpected("a request of a room that is not welcome yet");
            }
            (_, Came::Event(_)) => self.unexpected("an event of a room that is not welcome yet"),
        }
    }

    fn unexpected(&mut self, what: &'static str) {
        self.line.close(CloseReason::Unexpected { what });
    }

    fn hello(&mut self, mut hello: Hello) {
        let (lowest, highest) = hello.versions;
        if lowest > highest || hello.calls.len() > MOST_HELD_CALLS {
            let malformed = EnvelopeError::Body { kind: "hello" };
            return self.line.close(CloseReason::Envelope(malformed));
        }
        let version = highest.min(VERSIONS.1);
        if version < lowest.max(VERSIONS.0) {
            return self.refuse(Refusal::Version, VERSION_RETRY_S);
        }
        self.phase = Phase::Deciding { version };
        hello.software = cleaned(&hello.software, LONGEST_WORD);
        hello.serial = cleaned(&hello.serial, LONGEST_WORD);
        self.line.want(Output::Opened(hello));
    }

    fn refuse(&mut self, reason: Refusal, retry_after_s: u32) {
        self.line.send(&Envelope::Opening(Greeting::Refused { reason, retry_after_s }));
        self.line.end(CloseReason::Refused(reason));
    }

    fn greet(&mut self, greeting: Greeting) {
        let Phase::Deciding { version } = self.phase else { return };
        let greeting = match greeting {
            Greeting::Refused { reason, retry_after_s } => {
                return self.refuse(reason, retry_after_s);
            }
            Greeting::Welcome(mut welcome) => {
                self.phase = Phase::Welcome;
                welcome.version = version;
                Greeting::Welcome(welcome)
            }
            newcomer @ Greeting::Newcomer { .. } => {
                self.phase = Phase::Newcomer;
                newcomer
            }
        };
        if !self.line.send(&Envelope::Opening(greeting)) {
            let reason = "the greeting does not fit in a frame".to_owned();
            self.line.close(CloseReason::Here { reason });
        }
    }
}
