//! A stick with a new system, as whoever put it in meets it.
//!
//! It is asked about where nobody does anything else: not in a call, on a pad or in a reset. No code is
//! needed: what is on it is signed, and only newer versions are taken, the same as from the cloud.

use crate::room::{Output, Room};
use conclave_call::State;
use conclave_panel_api::{Screen, StickStep, Tap};
use conclave_types::Time;

/// What the panel knows of a stick.
#[derive(Debug, Default)]
pub(crate) struct Stick {
    step: Option<StickStep>,
    /// Somebody has read it and tapped it away; until something else happens with it.
    closed: bool,
}

/// Steps that nobody can leave: what was begun is seen to its end.
fn is_under_way(step: StickStep) -> bool {
    match step {
        StickStep::Copying { .. } | StickStep::Installing { .. } | StickStep::Restarting => true,
        StickStep::Ask { .. } | StickStep::Unusable { .. } => false,
    }
}

impl Room {
    pub(crate) fn stick_is(&mut self, now: Time, step: Option<StickStep>) {
        if self.stick.step != step {
            self.stick = Stick { step, closed: false };
            // Whoever put it in stands there.
            self.of_use_at = now;
        }
    }

    fn stick_step(&self) -> Option<StickStep> {
        let free = matches!(self.call.state(), State::Idle)
            && matches!(self.pad, crate::pad::Pad::Closed)
            && self.nobody_resets();
        self.stick.step.filter(|_| free && !self.stick.closed)
    }

    /// What fills the panel; `None` when there is nothing to say of a stick now.
    pub(crate) fn stick_screen(&self) -> Option<Screen> {
        self.stick_step().map(|step| Screen::Stick { step })
    }

    /// A tap while the stick's page is open; `false` when the tap is not about it.
    pub(crate) fn stick_tap(&mut self, tap: &Tap) -> bool {
        let Some(step) = self.stick_step() else { return false };
        match tap {
            Tap::Language(_) | Tap::Dismiss | Tap::Wake => return false,
            Tap::Install if matches!(step, StickStep::Ask { .. }) => {
                self.want(Output::InstallStick)
            }
            Tap::Back if !is_under_way(step) => self.stick.closed = true,
            _ => {}
        }
        true
    }
}

#[cfg(test)]
#[path = "stick_tests.rs"]
mod tests;
