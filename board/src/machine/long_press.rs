//! A button that has to be held: nothing happens on a short press, one thing on a long one.

use super::Signal;
use super::debounce::{Debounce, Settled};
use conclave_types::Time;
use std::time::Duration;

/// One button.
#[derive(Debug, Clone)]
pub(super) struct LongPress {
    contact: Debounce,
    hold: Duration,
    /// Since when it is pressed, while the press can still become a long one.
    pressed: Option<Time>,
}

impl LongPress {
    pub(super) fn new(debounce: Duration, hold: Duration) -> LongPress {
        LongPress { contact: Debounce::new(debounce), hold, pressed: None }
    }

    pub(super) fn found(&mut self, now: Time, signal: Signal) {
        self.contact.found(now, signal);
        self.pressed = None;
    }

    pub(super) fn lost(&mut self) {
        self.contact.lost();
        self.pressed = None;
    }

    /// The line changed; `true` when it had been held long enough by then.
    pub(super) fn edge(&mut self, at: Time, signal: Signal) -> bool {
        let held = self.step(at);
        self.contact.edge(at, signal);
        held
    }

    /// `true` once it has been held long enough.
    pub(super) fn step(&mut self, now: Time) -> bool {
        if let Some(Settled { signal, since, first }) = self.contact.step(now) {
            // Held down already when the line was found: a stuck button, or a press from before.
            self.pressed = (signal == Signal::Active && !first).then_some(since);
        }
        let held = self.due().is_some_and(|due| due <= now);
        if held {
            self.pressed = None;
        }
        held
    }

    /// A contact that flickers in the last moment may just have been let go: it must stand again.
    fn due(&self) -> Option<Time> {
        Some((self.pressed? + self.hold).max(self.contact.steady_from(Signal::Active)?))
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.contact.deadline().into_iter().chain(self.due()).min()
    }
}
