//! What a board is made of, as its `board.toml` says it: read once, checked once.
//!
//! ```toml
//! name = "my-board"
//! title = "A board with a light and a button"
//! encoders = ["v4l2h264enc", "x264enc"]
//! cameras = ["*"]                      # names of V4L2 cards, in order of preference
//! microphones = ["*"]                  # names of ALSA cards
//!
//! [gpio]
//! backend = "gpiocdev"                 # or "rppal", "none"
//! chip = "pinctrl-bcm2711"             # label or path, for lines that name none
//!
//! [light.separate]                     # or [light.bicolour] with lit and red
//! green = { line = 17 }
//! red = { line = "RED", chip = "/dev/gpiochip2", active_low = true }
//!
//! [mute_button]
//! line = { line = 22, active_low = true, bias = "pull_up" }
//! debounce_ms = 30
//!
//! [[display]]
//! connector = "HDMI-A-1"
//! shows = "front"
//! ```
//!
//! Every part may be left out. A mistake is told with its line; past this module nobody checks again.

mod values;
mod written;

pub use values::{
    BoardName, Celsius, Chip, Connector, Encoder, EncoderOrder, KernelName, NamePattern,
    NamePatterns, SensorName, Title, ValueError,
};

use serde::Deserialize;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Octets of a description at most; the longest of ours has two thousand.
const LONGEST: usize = 64 * 1024;

/// A board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Its name, which is also the name of its folder.
    pub name: BoardName,
    /// Its name for people.
    pub title: Title,
    /// The licence of a vendor that whoever builds an image for this board has to accept first, and
    /// how. `None` where everything is free.
    pub vendor_licence: Option<Title>,
    /// How its lines are reached.
    pub backend: Backend,
    /// The light that says whether the room is in a call.
    pub light: Option<Light>,
    /// The button that mutes.
    pub mute_button: Option<MuteButton>,
    /// The button that asks for a factory reset.
    pub reset_button: Option<ResetButton>,
    /// The sensor that sees people.
    pub presence: Option<PresenceSensor>,
    /// How warm it is inside.
    pub temperature: Option<TemperatureSensor>,
    /// The displays.
    pub displays: Vec<Display>,
    /// Names of V4L2 cards (`v4l2-ctl --info`) that are the room's camera.
    pub cameras: NamePatterns,
    /// Names of ALSA cards (`/proc/asound/cards`) that are the room's microphone.
    pub microphones: NamePatterns,
    /// H.264 encoders in the order in which they are tried.
    pub encoders: EncoderOrder,
}

/// How lines are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Backend {
    /// The kernel's character device.
    #[serde(rename = "gpiocdev")]
    CharacterDevice,
    /// A Raspberry Pi's pins.
    #[serde(rename = "rppal")]
    RaspberryPi,
    /// The board has no lines that anything could be wired to.
    #[serde(rename = "none")]
    None,
}

/// One line, and what is wired to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Line {
    /// Where it is.
    pub place: Place,
    /// The level at which what is wired to it is on.
    pub active: Active,
    /// The resistor inside the chip; inputs alone have one.
    pub bias: Bias,
}

/// Where a line is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// A line of a chip by its number, from 0.
    Offset {
        /// Which chip.
        chip: Chip,
        /// Which line.
        offset: u32,
    },
    /// A line by the name that the board's firmware gave it.
    Named {
        /// On this chip; `None` looks on all of them.
        chip: Option<Chip>,
        /// Its name.
        name: KernelName,
    },
    /// A Raspberry Pi's pin by its BCM number, 0 to 57.
    Bcm(u8),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Offset { chip, offset } => write!(f, "line {offset} of {chip}"),
            Place::Named { chip: Some(chip), name } => write!(f, "line '{name}' of {chip}"),
            Place::Named { chip: None, name } => write!(f, "line '{name}'"),
            Place::Bcm(number) => write!(f, "GPIO{number}"),
        }
    }
}

/// The level at which something is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Active {
    /// A high level.
    High,
    /// A low level, as with a button to ground or a LED from the supply.
    Low,
}

/// The resistor inside the chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bias {
    /// Whatever the firmware set. `rppal` knows no such thing and switches the resistor off.
    #[default]
    AsIs,
    /// None: there is one outside.
    Off,
    /// To the supply.
    PullUp,
    /// To ground.
    PullDown,
}

/// The in-call light: off when the room is free, green in a call, red in a call and muted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Light {
    /// A line for each colour: two LEDs, or one with three legs, or one with two legs between both
    /// lines. Never are both on.
    Separate {
        /// On when green.
        green: Line,
        /// On when red.
        red: Line,
    },
    /// One line lights it, the other chooses the colour.
    Bicolour {
        /// On when there is light.
        lit: Line,
        /// On when red, off when green.
        red: Line,
    },
}

/// The mute button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MuteButton {
    /// On while it is pressed.
    pub line: Line,
    /// How long a level must stand until it counts, 5 to 500 ms.
    pub debounce: Duration,
}

/// The reset button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResetButton {
    /// On while it is pressed.
    pub line: Line,
    /// How long a level must stand until it counts, 5 to 500 ms.
    pub debounce: Duration,
    /// How long it must be held, 3 to 60 s: nobody leans on it for that long by chance.
    pub long_press: Duration,
}

/// The presence sensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceSensor {
    /// On while it sees someone.
    pub line: Line,
    /// How long the room counts as occupied after it last did, 1 to 3600 s.
    pub hold: Duration,
}

/// The thermometer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemperatureSensor {
    /// Where it is read.
    pub source: TemperatureSource,
    /// From here on somebody should know.
    pub warn: Celsius,
    /// From here on the room is about to slow down or switch off; above `warn`.
    pub critical: Celsius,
}

/// Where the temperature is read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemperatureSource {
    /// The first thermal zone of this type.
    ThermalZone(SensorName),
    /// The first sensor of the first hwmon device of this name.
    Hwmon(SensorName),
}

/// A display.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Display {
    /// Where it is plugged in.
    pub connector: Connector,
    /// What it shows.
    pub shows: Shows,
}

/// What a display shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shows {
    /// The touch panel.
    Panel,
    /// The participants.
    Front,
    /// What is shared, where there is a second display in front.
    Shared,
}

/// Why a description is not taken.
#[derive(Debug, thiserror::Error)]
pub enum DescriptionError {
    /// It cannot be read.
    #[error("the board description {file} cannot be read")]
    Read {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It says something that it cannot mean.
    #[error("{file}, line {line}: {message}")]
    Wrong {
        /// Which file.
        file: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

impl Description {
    /// Reads a description.
    pub fn read(file: &Path) -> Result<Description, DescriptionError> {
        let text = std::fs::read_to_string(file)
            .map_err(|source| DescriptionError::Read { file: file.to_owned(), source })?;
        Description::parse(&text, file)
    }

    /// Takes the text of a description; `file` is what mistakes name.
    pub fn parse(text: &str, file: &Path) -> Result<Description, DescriptionError> {
        let mistake = if text.len() > LONGEST {
            written::Mistake {
                at: 0,
                message: format!("a description has at most {LONGEST} octets"),
            }
        } else {
            match written::read(text) {
                Ok(description) => return Ok(description),
                Err(mistake) => mistake,
            }
        };
        let before = &text.as_bytes()[..mistake.at.min(text.len())];
        let line = before.iter().filter(|octet| **octet == b'\n').count() + 1;
        Err(DescriptionError::Wrong { file: file.to_owned(), line, message: mistake.message })
    }

    /// Every line with what it is for, in the order of the file's parts.
    pub fn lines(&self) -> Vec<(&'static str, &Line)> {
        let mut lines = Vec::new();
        match &self.light {
            Some(Light::Separate { green, red }) => {
                lines.extend([("light.separate.green", green), ("light.separate.red", red)]);
            }
            Some(Light::Bicolour { lit, red }) => {
                lines.extend([("light.bicolour.lit", lit), ("light.bicolour.red", red)]);
            }
            None => {}
        }
        lines.extend(self.mute_button.as_ref().map(|button| ("mute_button.line", &button.line)));
        lines.extend(self.reset_button.as_ref().map(|button| ("reset_button.line", &button.line)));
        lines.extend(self.presence.as_ref().map(|sensor| ("presence.line", &sensor.line)));
        lines
    }
}

#[cfg(test)]
mod tests;
