//! The board: started as its description says, its words turned into the room's and back.

use crate::config;
use anyhow::Context;
use conclave_board::description::{BoardName, Description};
use conclave_board::machine::{self, CallState, Sensor};
use conclave_board::{Board, Part};
use conclave_room::board::{BoardEvent, BoardPart, Heat, Light};
use conclave_types::Switch;
use tokio::sync::mpsc;

/// The board that this room has.
pub(crate) struct Fitted {
    name: BoardName,
    board: Board,
}

impl Fitted {
    pub(crate) fn name(&self) -> &BoardName {
        &self.name
    }

    /// What the light shows from now on.
    pub(crate) fn show(&self, light: Light) {
        self.board.call(match light {
            Light::Off => CallState::Free,
            Light::Green => CallState::InCall(Switch::On),
            Light::Red => CallState::InCall(Switch::Off),
        });
    }

    /// Thousandths of a degree Celsius inside; `None` where nothing measures it.
    pub(crate) fn temperature(&self) -> Option<i32> {
        self.board.temperature().map(machine::Temperature::thousandths)
    }

    /// Waits until the light is dark and the lines are free.
    pub(crate) async fn shutdown(self) {
        self.board.shutdown().await;
    }
}

/// How lines are reached.
pub(crate) enum Wiring {
    /// As the description says.
    Real,
    /// Each is a file in this folder, and the thermometer's files are below its `sys`.
    #[cfg(feature = "driver")]
    Files(std::path::PathBuf),
}

/// Reads the description that the configuration names.
pub(crate) fn describe(board: &config::Board) -> anyhow::Result<Description> {
    Description::read(&board.description).context(
        "'board.description' in the configuration names no board that can be used; without the \
         table 'board' the room starts and has no light, no buttons and no sensors",
    )
}

/// Starts the board, within a tokio runtime. Lines that are missing keep nobody from starting.
pub(crate) fn start(
    description: &Description,
    wiring: &Wiring,
) -> (Fitted, mpsc::Receiver<conclave_board::BoardEvent>) {
    let (board, events) = match wiring {
        Wiring::Real => Board::start(description),
        #[cfg(feature = "driver")]
        Wiring::Files(folder) => {
            let lines = Box::new(conclave_board::lines::Folder::new(folder));
            Board::start_on(description, lines, &folder.join("sys"))
        }
    };
    (Fitted { name: description.name.clone(), board }, events)
}

/// What the board said, in the room's words; and in the log, unless the board has logged it.
pub(crate) fn heard(event: conclave_board::BoardEvent) -> BoardEvent {
    use conclave_board::BoardEvent as Said;
    match event {
        Said::MuteToggled => {
            tracing::debug!("the mute button was pressed");
            BoardEvent::MutePressed
        }
        Said::PresenceBegan => {
            tracing::debug!("somebody is in the room");
            BoardEvent::PresenceBegan
        }
        Said::PresenceEnded => {
            tracing::debug!("nobody has been seen for a while");
            BoardEvent::PresenceEnded
        }
        Said::ResetAsked => {
            tracing::warn!("the reset button was held");
            BoardEvent::ResetHeld
        }
        Said::TooHot { heat: machine::Heat::Warning, temperature } => {
            tracing::warn!(%temperature, "it is too hot inside");
            BoardEvent::TooHot(Heat::Hot)
        }
        Said::TooHot { heat: machine::Heat::Critical, temperature } => {
            tracing::error!(
                %temperature,
                "it is so hot inside that the room is about to slow down or switch off: is it \
                 covered, does its fan turn?"
            );
            BoardEvent::TooHot(Heat::VeryHot)
        }
        Said::CoolAgain(temperature) => {
            tracing::info!(%temperature, "it is no longer too hot inside");
            BoardEvent::CoolAgain
        }
        Said::Part { part, working, detail } => {
            let part = match part {
                Part::Light => BoardPart::Light,
                Part::Sensor(Sensor::Mute) => BoardPart::MuteButton,
                Part::Sensor(Sensor::Reset) => BoardPart::ResetButton,
                Part::Sensor(Sensor::Presence) => BoardPart::PresenceSensor,
                Part::Thermometer => BoardPart::Thermometer,
            };
            BoardEvent::Part { part, working, detail }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_that_cannot_be_used_is_told_with_the_file_and_the_line() {
        let folder = tempfile::tempdir().unwrap();
        let board = config::Board { description: folder.path().join("board.toml") };
        let told = || format!("{:#}", describe(&board).unwrap_err());
        assert!(told().contains("board.toml cannot be read: No such file"), "{}", told());
        std::fs::write(&board.description, "name = \"a\"\ntitel = \"A\"\n").unwrap();
        let said = told();
        assert!(said.starts_with("'board.description'"), "{said}");
        assert!(said.contains("board.toml, line 2: ") && said.contains("titel"), "{said}");
    }

    #[tokio::test]
    async fn a_room_without_a_board_waits_for_none() {
        let mut events = None::<mpsc::Receiver<conclave_board::BoardEvent>>;
        let moment = std::time::Duration::from_millis(1);
        assert!(tokio::time::timeout(moment, crate::shell::next(&mut events)).await.is_err());
    }
}
