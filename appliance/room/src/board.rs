//! What the room's small parts report (buttons, presence sensor, thermometer), what it means in this
//! room, and what the in-call light shows.
//!
//! conclave-board has the lines, and says when a press counts and how long a room counts as occupied.

use crate::pad::Pad;
use crate::room::{Enrolment, Room};
use conclave_call::State;
use conclave_panel_api::Notice;
use conclave_types::{Switch, Time};
use std::collections::BTreeMap;
use std::time::Duration;

/// The panel stays awake for so long after it was of use, though the sensor sees nobody. Shorter, and
/// it goes dark before somebody who reads it and sits still; longer, and it lights an empty room.
const LINGER: Duration = Duration::from_secs(60);

/// What the board reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BoardEvent {
    /// Somebody pressed the mute button, in a call or not.
    MutePressed,
    /// Somebody came in.
    PresenceBegan,
    /// Nobody has been seen for the time that the board's description says.
    PresenceEnded,
    /// The reset button was held for as long as it has to be: somebody wants the room reset.
    ResetHeld,
    /// It became too hot, or from one heat to the other.
    TooHot(Heat),
    /// It is no longer too hot.
    CoolAgain,
    /// A part works, or does not.
    Part {
        /// Which.
        part: BoardPart,
        /// Whether it works.
        working: bool,
        /// When not: why and what to look at. For the log and the console, English.
        detail: String,
    },
}

/// How hot it is inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heat {
    /// Somebody should know.
    Hot,
    /// The room is about to slow down or switch off.
    VeryHot,
}

/// A part of the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BoardPart {
    /// The in-call light.
    Light,
    /// The mute button.
    MuteButton,
    /// The reset button.
    ResetButton,
    /// The presence sensor.
    PresenceSensor,
    /// The thermometer.
    Thermometer,
}

impl BoardPart {
    /// As the cloud and `status.json` name it.
    pub fn name(self) -> &'static str {
        match self {
            BoardPart::Light => "light",
            BoardPart::MuteButton => "mute_button",
            BoardPart::ResetButton => "reset_button",
            BoardPart::PresenceSensor => "presence_sensor",
            BoardPart::Thermometer => "thermometer",
        }
    }
}

/// What the in-call light shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Light {
    /// The room is in no call.
    Off,
    /// In a call, and heard; or somebody asks which room it is.
    Green,
    /// In a call, and muted.
    Red,
}

/// Whether anybody is in the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The sensor sees somebody, or did a moment ago.
    Somebody,
    /// It has seen nobody for a while.
    Nobody,
}

/// What is known of the board.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BoardState {
    /// `None` before the sensor has said anything, and where there is none.
    pub presence: Option<Presence>,
    /// `None` while it is not too hot.
    pub heat: Option<Heat>,
    /// Parts that do not work, and why.
    pub missing: BTreeMap<BoardPart, String>,
}

impl Room {
    /// What is known of the board, for reports.
    pub fn board(&self) -> &BoardState {
        &self.board
    }

    /// What the in-call light shows.
    pub fn light(&self) -> Light {
        match (self.call.state(), self.call.microphone()) {
            (State::Up(_), Switch::On) => Light::Green,
            (State::Up(_), Switch::Off) => Light::Red,
            _ if self.identifies() => Light::Green,
            _ => Light::Off,
        }
    }

    pub(crate) fn board_reports(&mut self, now: Time, event: BoardEvent) {
        match event {
            BoardEvent::MutePressed => {
                self.of_use_at = now;
                if self.is_up() {
                    self.toggle_microphone(now);
                }
            }
            BoardEvent::PresenceBegan => self.board.presence = Some(Presence::Somebody),
            BoardEvent::PresenceEnded => self.board.presence = Some(Presence::Nobody),
            BoardEvent::ResetHeld => {
                self.of_use_at = now;
                self.open_reset(now);
            }
            BoardEvent::TooHot(heat) => {
                self.cooled_down();
                self.board.heat = Some(heat);
                let (notice, detail) = match heat {
                    Heat::Hot => (Notice::Hot, "it is too hot inside"),
                    Heat::VeryHot => {
                        (Notice::VeryHot, "so hot that it is about to slow down or switch off")
                    }
                };
                self.notice = Some(notice);
                self.part_changed("heat", false, detail.to_owned());
            }
            BoardEvent::CoolAgain => {
                self.cooled_down();
                self.part_changed("heat", true, String::new());
            }
            BoardEvent::Part { part, working, detail } => {
                if working {
                    self.board.missing.remove(&part);
                } else {
                    self.board.missing.insert(part, detail.clone());
                }
                // One that works tells at once when it sees somebody.
                if part == BoardPart::PresenceSensor && working {
                    self.board.presence.get_or_insert(Presence::Nobody);
                }
                self.part_changed(part.name(), working, detail);
            }
        }
    }

    fn cooled_down(&mut self) {
        self.board.heat = None;
        self.clear_notice(Notice::Hot);
        self.clear_notice(Notice::VeryHot);
    }

    /// Whether the panel is dark.
    pub(crate) fn asleep(&self, now: Time) -> bool {
        self.sleeps_at().is_some_and(|at| at <= now)
    }

    /// From when on the panel may be dark; `None` while somebody is there in hours that are not quiet, or while it
    /// shows what somebody began: a call, an activation code, a pad, a reset.
    pub(crate) fn sleeps_at(&self) -> Option<Time> {
        let empty = self.board.presence == Some(Presence::Nobody);
        ((empty || self.is_quiet()) && self.nothing_began()).then(|| self.of_use_at + LINGER)
    }

    pub(crate) fn nothing_began(&self) -> bool {
        matches!(self.call.state(), State::Idle)
            && matches!(self.enrolment, Enrolment::Enrolled(_))
            && matches!(self.pad, Pad::Closed)
            && self.nobody_resets()
    }
}
