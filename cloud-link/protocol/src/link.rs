//! The room's machine over all its connections.
//!
//! dial → session → lost → wait → dial … for ever. Requests are never queued: without a link they
//! fail at once, because the person who tapped has long walked on when the link comes back. What
//! must outlive a cut stands in the next hello instead: the held calls.

use crate::VERSIONS;
use crate::backoff::Backoff;
use crate::envelope::{RequestId, cleaned};
use crate::message::{
    CloudEvent, CloudRequest, Greeting, HeldCall, Hello, Response, RoomEvent, RoomRequest,
};
use crate::reason::{CloseReason, DownReason, RequestFailure};
use crate::session::{MOST_HELD_CALLS, Output as SessionOutput, RoomInput, RoomSession};
use conclave_types::{Secret, Time};
use std::collections::VecDeque;
use std::time::Duration;

/// Letters of software and serial number in the hello.
const LONGEST_WORD: usize = 100;

/// What happened.
pub enum Input<'a> {
    /// The attempt succeeded: TLS is up with the pinned cloud.
    Dialled,
    /// The attempt failed at every address.
    DialFailed(DownReason),
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
    /// The room answers a request of the cloud.
    Respond {
        /// Of the cloud's request.
        id: RequestId,
        /// The answer.
        response: Response,
    },
    /// The room tells something; lost when there is no link.
    Event(RoomEvent),
    /// What the next hello says of held calls.
    Hold(Vec<HeldCall>),
    /// The room is someone else now: connect anew, at once.
    Reconnect,
    /// The deadline has passed.
    Tick,
}

/// What is wanted.
#[derive(Debug, PartialEq)]
pub enum Output {
    /// Dial; report `Dialled` or `DialFailed` once, unless `Close` comes before.
    Dial {
        /// Which attempt since the link was last up, from 1.
        attempt: u32,
    },
    /// Write these octets: one whole frame. They may hold keys or a PIN.
    Write(Secret<Vec<u8>>),
    /// Give up the attempt, or write what is left to write and close the connection.
    Close,
    /// The cloud greeted. A refusal comes here too, and the end of the session follows.
    Up(Greeting),
    /// A request has its answer, or never will.
    Answered {
        /// Of the request.
        id: RequestId,
        /// The answer, or why there is none.
        result: Result<Response, RequestFailure>,
    },
    /// The cloud tells something.
    Event(CloudEvent),
    /// The cloud asks.
    Request {
        /// Names the request among the cloud's.
        id: RequestId,
        /// What it asks.
        request: CloudRequest,
    },
    /// There is no link; the next attempt begins at the given time.
    Down {
        /// Why.
        reason: DownReason,
        /// When the next attempt begins.
        retry_at: Time,
    },
}

#[derive(Debug)]
enum State {
    Waiting { until: Time },
    Dialling,
    Linked(Box<RoomSession>),
}

/// The machine.
#[derive(Debug)]
pub struct Link {
    hello: Hello,
    state: State,
    backoff: Backoff,
    attempt: u32,
    /// What a refusal asked for.
    asked: Option<Duration>,
    chance: u64,
    /// The room itself ended the session that is about to close.
    reconnecting: bool,
    outputs: VecDeque<Output>,
}

impl Link {
    /// Begins to dial at once. `seed` is a random number of the shell's; it scatters the waits.
    pub fn new(software: &str, serial: &str, seed: u64) -> Link {
        let hello = Hello {
            versions: VERSIONS,
            software: cleaned(software, LONGEST_WORD),
            serial: cleaned(serial, LONGEST_WORD),
            calls: Vec::new(),
        };
        let mut link = Link {
            hello,
            state: State::Dialling,
            backoff: Backoff::new(),
            attempt: 0,
            asked: None,
            chance: seed,
            reconnecting: false,
            outputs: VecDeque::new(),
        };
        link.dial();
        link
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Time, input: Input<'_>) {
        match input {
            Input::Dialled => {
                if matches!(self.state, State::Dialling) {
                    let session = RoomSession::new(now, self.hello.clone());
                    self.state = State::Linked(Box::new(session));
                }
            }
            Input::DialFailed(reason) => {
                if matches!(self.state, State::Dialling) {
                    self.down(now, reason);
                }
            }
            Input::Received(read) => self.session(now, RoomInput::Received(read)),
            Input::Ended { detail } => self.session(now, RoomInput::Ended { detail }),
            Input::Request { id, request } => match self.state {
                State::Linked(_) => self.session(now, RoomInput::Request { id, request }),
                State::Waiting { .. } | State::Dialling => {
                    let result = Err(RequestFailure::NotLinked);
                    self.outputs.push_back(Output::Answered { id, result });
                }
            },
            Input::Respond { id, response } => {
                self.session(now, RoomInput::Respond { id, response });
            }
            Input::Event(event) => self.session(now, RoomInput::Event(event)),
            Input::Hold(mut calls) => {
                calls.truncate(MOST_HELD_CALLS);
                self.hello.calls = calls;
            }
            Input::Reconnect => self.reconnect(now),
            Input::Tick => {
                self.session(now, RoomInput::Tick);
                if matches!(self.state, State::Waiting { until } if until <= now) {
                    self.dial();
                }
            }
        }
        self.drain(now);
    }

    /// What is wanted next; call until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether the link is up and nobody would miss it for a moment: no call is held and no answer
    /// is waited for.
    pub fn is_quiet(&self) -> bool {
        let calm = matches!(&self.state, State::Linked(session) if !session.is_waiting());
        calm && self.hello.calls.is_empty()
    }

    /// When [`Input::Tick`] is wanted.
    pub fn deadline(&self) -> Option<Time> {
        match &self.state {
            State::Waiting { until } => Some(*until),
            State::Dialling => None,
            State::Linked(session) => session.deadline(),
        }
    }

    fn session(&mut self, now: Time, input: RoomInput<'_>) {
        if let State::Linked(session) = &mut self.state {
            session.handle(now, input);
        }
    }

    fn dial(&mut self) {
        self.attempt = self.attempt.saturating_add(1);
        self.state = State::Dialling;
        self.outputs.push_back(Output::Dial { attempt: self.attempt });
    }

    fn reconnect(&mut self, now: Time) {
        self.backoff.reset();
        match self.state {
            State::Waiting { .. } => self.dial(),
            State::Dialling => {
                self.outputs.push_back(Output::Close);
                self.dial();
            }
            State::Linked(_) => {
                self.reconnecting = true;
                let reason = "connecting anew with another certificate".to_owned();
                self.session(now, RoomInput::Close { reason });
            }
        }
    }

    fn down(&mut self, now: Time, reason: DownReason) {
        let retry_at = match reason {
            DownReason::Reconnecting => now,
            _ => {
                let random = self.random();
                now + self.backoff.down(now, random, self.asked.take())
            }
        };
        self.state = State::Waiting { until: retry_at };
        self.outputs.push_back(Output::Down { reason, retry_at });
        if retry_at <= now {
            self.dial();
        }
    }

    fn drain(&mut self, now: Time) {
        while let State::Linked(session) = &mut self.state {
            let Some(output) = session.poll_output() else { return };
            match output {
                SessionOutput::Write(frame) => self.outputs.push_back(Output::Write(frame)),
                SessionOutput::Opened(greeting) => {
                    match &greeting {
                        Greeting::Refused { retry_after_s, .. } => {
                            self.asked = Some(Duration::from_secs(u64::from(*retry_after_s)));
                        }
                        Greeting::Welcome(_) | Greeting::Newcomer { .. } => {
                            self.backoff.up(now);
                            self.attempt = 0;
                        }
                    }
                    self.outputs.push_back(Output::Up(greeting));
                }
                SessionOutput::Request { id, request } => {
                    self.outputs.push_back(Output::Request { id, request });
                }
                SessionOutput::Event(event) => self.outputs.push_back(Output::Event(event)),
                SessionOutput::Answered { id, result } => {
                    self.outputs.push_back(Output::Answered { id, result });
                }
                SessionOutput::Closed(reason) => {
                    self.outputs.push_back(Output::Close);
                    let reason = match reason {
                        _ if std::mem::take(&mut self.reconnecting) => DownReason::Reconnecting,
                        CloseReason::Refused(refusal) => DownReason::Refused(refusal),
                        other => DownReason::Session(other),
                    };
                    self.down(now, reason);
                }
            }
        }
    }

    /// The next number of SplitMix64: good enough to scatter rooms, and the same for the same seed.
    fn random(&mut self) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.chance ^ (self.chance >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests;
