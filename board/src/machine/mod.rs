//! The rules of the board's parts, without lines and without a clock.
//!
//! [`Machine`] is fed with what the lines say, what the call does and how warm it is; it hands out
//! what the light shows and what the room should know:
//! * `debounce`: a contact that bounces;
//! * `long_press`: the reset button;
//! * `presence`: how long a room counts as occupied;
//! * `heat`: too hot, and cool again.
//!
//! An edge carries the moment at which it happened, which may lie before `now`: an edge settles what
//! had stood by then, and only [`Input::Tick`] says that nothing else has happened until now.

mod debounce;
mod heat;
mod long_press;
mod presence;

pub use heat::{Heat, Limits, Temperature};

use conclave_types::{Switch, Time};
use debounce::{Debounce, Settled};
use heat::Thermometer;
use long_press::LongPress;
use presence::{Change, Presence};
use std::collections::VecDeque;
use std::time::Duration;

/// What the board has, and the times and limits of each part. `None`: the board has no such part,
/// and what is said of it is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// The mute button: how long a level must stand.
    pub mute: Option<Duration>,
    /// The reset button.
    pub reset: Option<ResetRule>,
    /// The presence sensor: how long the room counts as occupied after it last saw someone.
    pub presence: Option<Duration>,
    /// The thermometer.
    pub heat: Option<Limits>,
}

/// The times of the reset button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResetRule {
    /// How long a level must stand.
    pub debounce: Duration,
    /// How long the button must be held.
    pub hold: Duration,
}

/// A part that the machine listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sensor {
    /// The mute button.
    Mute,
    /// The reset button.
    Reset,
    /// The presence sensor.
    Presence,
}

/// What a part says, whatever level that is on its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Not pressed; nobody seen.
    Idle,
    /// Pressed; somebody seen.
    Active,
}

/// What the call does, as far as the light shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CallState {
    /// The room is free.
    #[default]
    Free,
    /// The room is in a call, and its microphone is on or muted.
    InCall(Switch),
}

/// What the light shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Colour {
    /// The room is free.
    #[default]
    Off,
    /// In a call, and heard.
    Green,
    /// In a call, and muted.
    Red,
}

impl CallState {
    /// What the light shows: nothing but the call decides it.
    pub fn colour(self) -> Colour {
        match self {
            CallState::Free => Colour::Off,
            CallState::InCall(Switch::On) => Colour::Green,
            CallState::InCall(Switch::Off) => Colour::Red,
        }
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A part's line was opened, for the first time or again, and says this.
    Found(Sensor, Signal),
    /// A part's line is gone.
    Lost(Sensor),
    /// A part's line changed.
    Edge {
        /// Which part.
        sensor: Sensor,
        /// What it says now.
        signal: Signal,
        /// When it changed: at `now` or before.
        at: Time,
    },
    /// The call is in this state.
    Call(CallState),
    /// It is so warm.
    Reads(Temperature),
    /// Every edge until now has been told.
    Tick,
}

/// What is wanted, and what the room should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Show this; told once at the beginning and then at each change.
    Light(Colour),
    /// Somebody pressed the mute button, in a call or not.
    MuteToggled,
    /// Somebody came in.
    PresenceBegan,
    /// Nobody has been seen for the hold time.
    PresenceEnded,
    /// The reset button was held for as long as it has to be.
    ResetAsked,
    /// It became too hot, or from one heat to the other.
    TooHot {
        /// How hot.
        heat: Heat,
        /// What was read.
        temperature: Temperature,
    },
    /// It is below the first limit again.
    CoolAgain(Temperature),
}

/// The machine.
#[derive(Debug, Clone)]
pub struct Machine {
    mute: Option<Debounce>,
    reset: Option<LongPress>,
    presence: Option<Presence>,
    thermometer: Option<Thermometer>,
    call: CallState,
    outputs: VecDeque<Output>,
}

impl Machine {
    /// A board whose lines have not been opened yet, in a room that is free.
    pub fn new(rules: Rules) -> Machine {
        let call = CallState::default();
        Machine {
            mute: rules.mute.map(Debounce::new),
            reset: rules.reset.map(|rule| LongPress::new(rule.debounce, rule.hold)),
            presence: rules.presence.map(Presence::new),
            thermometer: rules.heat.map(Thermometer::new),
            call,
            outputs: VecDeque::from([Output::Light(call.colour())]),
        }
    }

    /// Takes what happened. `now` never goes back.
    pub fn handle(&mut self, now: Time, input: Input) {
        match input {
            Input::Found(sensor, signal) => self.found(now, sensor, signal),
            Input::Lost(sensor) => self.lost(now, sensor),
            Input::Edge { sensor, signal, at } => self.edge(sensor, signal, at.min(now)),
            Input::Call(call) => {
                if call.colour() != self.call.colour() {
                    self.outputs.push_back(Output::Light(call.colour()));
                }
                self.call = call;
            }
            Input::Reads(temperature) => {
                let changed = self.thermometer.as_mut().and_then(|t| t.reads(temperature));
                self.outputs.extend(changed.map(|heat| match heat {
                    Some(heat) => Output::TooHot { heat, temperature },
                    None => Output::CoolAgain(temperature),
                }));
            }
            Input::Tick => {
                self.step_mute(now);
                let held = self.reset.as_mut().is_some_and(|reset| reset.step(now));
                self.outputs.extend(held.then_some(Output::ResetAsked));
                let change = self.presence.as_mut().and_then(|presence| presence.step(now));
                self.outputs.extend(change.map(presence_output));
            }
        }
    }

    /// The next thing that is wanted.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Tick`] is next of use.
    pub fn deadline(&self) -> Option<Time> {
        let mute = self.mute.as_ref().and_then(Debounce::deadline);
        let reset = self.reset.as_ref().and_then(LongPress::deadline);
        let presence = self.presence.as_ref().and_then(Presence::deadline);
        mute.into_iter().chain(reset).chain(presence).min()
    }

    fn found(&mut self, now: Time, sensor: Sensor, signal: Signal) {
        match sensor {
            Sensor::Mute => {
                if let Some(mute) = &mut self.mute {
                    mute.found(now, signal);
                }
            }
            Sensor::Reset => {
                if let Some(reset) = &mut self.reset {
                    reset.found(now, signal);
                }
            }
            Sensor::Presence => self.seen(now, signal),
        }
    }

    fn lost(&mut self, now: Time, sensor: Sensor) {
        match sensor {
            Sensor::Mute => {
                if let Some(mute) = &mut self.mute {
                    mute.lost();
                }
            }
            Sensor::Reset => {
                if let Some(reset) = &mut self.reset {
                    reset.lost();
                }
            }
            Sensor::Presence => self.seen(now, Signal::Idle),
        }
    }

    fn edge(&mut self, sensor: Sensor, signal: Signal, at: Time) {
        match sensor {
            Sensor::Mute => {
                self.step_mute(at);
                if let Some(mute) = &mut self.mute {
                    mute.edge(at, signal);
                }
            }
            Sensor::Reset => {
                let held = self.reset.as_mut().is_some_and(|reset| reset.edge(at, signal));
                self.outputs.extend(held.then_some(Output::ResetAsked));
            }
            Sensor::Presence => self.seen(at, signal),
        }
    }

    /// The button toggles when it goes down: a person expects it then, not when letting go.
    fn step_mute(&mut self, now: Time) {
        let settled = self.mute.as_mut().and_then(|mute| mute.step(now));
        if matches!(settled, Some(Settled { signal: Signal::Active, first: false, .. })) {
            self.outputs.push_back(Output::MuteToggled);
        }
    }

    fn seen(&mut self, at: Time, signal: Signal) {
        if let Some(presence) = &mut self.presence {
            let changes = presence.step(at).into_iter().chain(presence.signal(at, signal));
            self.outputs.extend(changes.map(presence_output));
        }
    }
}

fn presence_output(change: Change) -> Output {
    match change {
        Change::Began => Output::PresenceBegan,
        Change::Ended => Output::PresenceEnded,
    }
}

#[cfg(test)]
mod tests;
