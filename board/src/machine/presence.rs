//! Whether people are in the room: the sensor sees movement, and people sit still.

use super::Signal;
use conclave_types::Time;
use std::time::Duration;

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Began,
    Ended,
}

/// One sensor.
#[derive(Debug, Clone)]
pub(super) struct Presence {
    hold: Duration,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Empty,
    /// The sensor sees someone.
    Seen,
    /// It saw someone; the room counts as occupied until then.
    Held(Time),
}

impl Presence {
    pub(super) fn new(hold: Duration) -> Presence {
        Presence { hold, state: State::Empty }
    }

    /// The line was found, changed, or is gone: then it sees nobody, and the panel does not stay
    /// awake for ever because a cable fell off.
    pub(super) fn signal(&mut self, at: Time, signal: Signal) -> Option<Change> {
        match (self.state, signal) {
            (State::Empty, Signal::Active) => {
                self.state = State::Seen;
                Some(Change::Began)
            }
            (State::Held(_), Signal::Active) => {
                self.state = State::Seen;
                None
            }
            (State::Seen, Signal::Idle) => {
                self.state = State::Held(at + self.hold);
                None
            }
            (State::Seen, Signal::Active) | (State::Empty | State::Held(_), Signal::Idle) => None,
        }
    }

    pub(super) fn step(&mut self, now: Time) -> Option<Change> {
        let due = self.deadline()?;
        if now < due {
            return None;
        }
        self.state = State::Empty;
        Some(Change::Ended)
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        match self.state {
            State::Held(until) => Some(until),
            State::Empty | State::Seen => None,
        }
    }
}
