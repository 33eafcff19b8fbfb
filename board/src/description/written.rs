//! A description as it is written, and the checks that need more than one value: each keeps the place
//! in the file that it complains about.

use super::values::{LineId, milliseconds, seconds};
use super::{
    Active, Backend, Bias, BoardName, Celsius, Chip, Description, Display, EncoderOrder, Light,
    Line, MuteButton, NamePatterns, Place, PresenceSensor, ResetButton, TemperatureSensor,
    TemperatureSource, Title,
};
use serde::Deserialize;
use std::time::Duration;
use toml::Spanned;

/// What is wrong, and at which octet.
pub(super) struct Mistake {
    pub(super) at: usize,
    pub(super) message: String,
}

/// A Raspberry Pi's highest pin: the BCM2711 has 58. Those above 27 are not on the header and belong
/// to the board itself, yet carriers of compute modules lead some of them out.
const HIGHEST_BCM: u32 = 57;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenBoard {
    name: BoardName,
    title: Title,
    vendor_licence: Option<Title>,
    gpio: WrittenGpio,
    light: Option<WrittenLight>,
    mute_button: Option<WrittenMute>,
    reset_button: Option<WrittenReset>,
    presence: Option<WrittenPresence>,
    temperature: Option<Spanned<WrittenTemperature>>,
    #[serde(default, rename = "display")]
    displays: Vec<Spanned<Display>>,
    #[serde(default)]
    cameras: NamePatterns,
    #[serde(default)]
    microphones: NamePatterns,
    encoders: EncoderOrder,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenGpio {
    backend: Spanned<Backend>,
    chip: Option<Chip>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLine {
    line: Spanned<LineId>,
    chip: Option<Chip>,
    #[serde(default)]
    active_low: bool,
    bias: Option<Bias>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum WrittenLight {
    Separate { green: Spanned<WrittenLine>, red: Spanned<WrittenLine> },
    Bicolour { lit: Spanned<WrittenLine>, red: Spanned<WrittenLine> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMute {
    line: Spanned<WrittenLine>,
    #[serde(rename = "debounce_ms", deserialize_with = "milliseconds::<5, 500, _>")]
    debounce: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenReset {
    line: Spanned<WrittenLine>,
    #[serde(rename = "debounce_ms", deserialize_with = "milliseconds::<5, 500, _>")]
    debounce: Duration,
    #[serde(rename = "long_press_s", deserialize_with = "seconds::<3, 60, _>")]
    long_press: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPresence {
    line: Spanned<WrittenLine>,
    #[serde(rename = "hold_s", deserialize_with = "seconds::<1, 3600, _>")]
    hold: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTemperature {
    source: TemperatureSource,
    #[serde(rename = "warn_c")]
    warn: Celsius,
    #[serde(rename = "critical_c")]
    critical: Celsius,
}

/// Reads the text and checks what belongs together.
pub(super) fn read(text: &str) -> Result<Description, Mistake> {
    let board: WrittenBoard = toml::from_str(text).map_err(|error| Mistake {
        at: error.span().map_or(0, |span| span.start),
        message: error.message().to_owned(),
    })?;
    let mut lines = Lines { gpio: board.gpio, taken: Vec::new() };
    let light = match board.light {
        Some(WrittenLight::Separate { green, red }) => {
            Some(Light::Separate { green: lines.output(green)?, red: lines.output(red)? })
        }
        Some(WrittenLight::Bicolour { lit, red }) => {
            Some(Light::Bicolour { lit: lines.output(lit)?, red: lines.output(red)? })
        }
        None => None,
    };
    let mute_button = match board.mute_button {
        Some(WrittenMute { line, debounce }) => {
            Some(MuteButton { line: lines.input(line)?, debounce })
        }
        None => None,
    };
    let reset_button = match board.reset_button {
        Some(WrittenReset { line, debounce, long_press }) => {
            Some(ResetButton { line: lines.input(line)?, debounce, long_press })
        }
        None => None,
    };
    let presence = match board.presence {
        Some(WrittenPresence { line, hold }) => {
            Some(PresenceSensor { line: lines.input(line)?, hold })
        }
        None => None,
    };
    Ok(Description {
        name: board.name,
        title: board.title,
        vendor_licence: board.vendor_licence,
        backend: *lines.gpio.backend.get_ref(),
        light,
        mute_button,
        reset_button,
        presence,
        temperature: board.temperature.map(temperature).transpose()?,
        displays: displays(board.displays)?,
        cameras: board.cameras,
        microphones: board.microphones,
        encoders: board.encoders,
    })
}

/// The lines that are in use so far.
struct Lines {
    gpio: WrittenGpio,
    taken: Vec<Place>,
}

impl Lines {
    fn output(&mut self, line: Spanned<WrittenLine>) -> Result<Line, Mistake> {
        if line.get_ref().bias.is_some() {
            let message = "an output has no bias: the chip itself drives it".to_owned();
            return Err(Mistake { at: line.span().start, message });
        }
        self.input(line)
    }

    fn input(&mut self, line: Spanned<WrittenLine>) -> Result<Line, Mistake> {
        let at = line.span().start;
        let WrittenLine { line, chip, active_low, bias } = line.into_inner();
        let place =
            self.place(line.into_inner(), chip).map_err(|message| Mistake { at, message })?;
        if self.taken.contains(&place) {
            return Err(Mistake { at, message: format!("{place} is used twice") });
        }
        self.taken.push(place.clone());
        let active = if active_low { Active::Low } else { Active::High };
        Ok(Line { place, active, bias: bias.unwrap_or_default() })
    }

    fn place(&self, line: LineId, chip: Option<Chip>) -> Result<Place, String> {
        match self.gpio.backend.get_ref() {
            Backend::None => Err("gpio.backend is \"none\", so no line can be used".to_owned()),
            Backend::RaspberryPi => match (line, chip.or_else(|| self.gpio.chip.clone())) {
                (LineId::Offset(offset), None) if offset <= HIGHEST_BCM => {
                    Ok(Place::Bcm(offset as u8))
                }
                (_, None) => Err(format!("rppal takes BCM numbers, 0 to {HIGHEST_BCM}")),
                (_, Some(_)) => Err("rppal has one chip, which is not named".to_owned()),
            },
            Backend::CharacterDevice => {
                let chip = chip.or_else(|| self.gpio.chip.clone());
                match (line, chip) {
                    (LineId::Offset(offset), Some(chip)) => Ok(Place::Offset { chip, offset }),
                    (LineId::Offset(_), None) => Err("a line's number needs a chip, here or as \
                                                      gpio.chip"
                        .to_owned()),
                    (LineId::Name(name), chip) => Ok(Place::Named { chip, name }),
                }
            }
        }
    }
}

fn temperature(written: Spanned<WrittenTemperature>) -> Result<TemperatureSensor, Mistake> {
    let at = written.span().start;
    let WrittenTemperature { source, warn, critical } = written.into_inner();
    if warn >= critical {
        let (warn, critical) = (warn.degrees(), critical.degrees());
        let message =
            format!("warn_c is to be below critical_c, and {warn} is not below {critical}");
        return Err(Mistake { at, message });
    }
    Ok(TemperatureSensor { source, warn, critical })
}

fn displays(written: Vec<Spanned<Display>>) -> Result<Vec<Display>, Mistake> {
    let mut displays: Vec<Display> = Vec::new();
    for display in written {
        let at = display.span().start;
        let display = display.into_inner();
        if displays.iter().any(|other| other.connector == display.connector) {
            let message = format!("{} has two displays", display.connector);
            return Err(Mistake { at, message });
        }
        // One of each kind, so never more than three.
        if displays.iter().any(|other| other.shows == display.shows) {
            let message = format!("{:?} is shown on two displays", display.shows);
            return Err(Mistake { at, message });
        }
        displays.push(display);
    }
    Ok(displays)
}
