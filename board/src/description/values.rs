//! The words and numbers of a description. Each is checked while it is read, so that the file's line
//! is named, and holds what it says from then on.

use serde::de::{Deserializer, Error as _, Visitor};
use serde::{Deserialize, de};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Why a value is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found '{found}'")]
pub struct ValueError {
    /// What would be understood.
    pub expected: &'static str,
    /// What was written.
    pub found: String,
}

impl ValueError {
    fn new(expected: &'static str, found: impl Into<String>) -> ValueError {
        ValueError { expected, found: found.into() }
    }
}

/// A text with its rule: the doc line says it to readers of the code, `$expected` to the person
/// whose file breaks it.
macro_rules! worded {
    ($(#[$doc:meta])* $name:ident, $ok:expr, $expected:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// As it was written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = ValueError;
            fn try_from(text: String) -> Result<$name, ValueError> {
                let ok: fn(&str) -> bool = $ok;
                if ok(&text) { Ok($name(text)) } else { Err(ValueError::new($expected, text)) }
            }
        }

        impl FromStr for $name {
            type Err = ValueError;
            fn from_str(text: &str) -> Result<$name, ValueError> {
                $name::try_from(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// Printable characters, none of them at the edges a space.
fn plain(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len())
        && text.trim() == text
        && !text.chars().any(|letter| letter.is_control())
}

worded!(
    /// The board's name, which is also the name of its folder.
    BoardName,
    |text| (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
        && text.as_bytes()[0].is_ascii_alphanumeric(),
    "1 to 32 small letters, digits, '-' or '_'"
);
worded!(
    /// Words for people.
    Title,
    |text| plain(text, 120),
    "1 to 120 printable octets without spaces at the edges"
);
worded!(
    /// What the kernel calls a chip or a line: `GPIO_MAX_NAME_SIZE` is 32 with the NUL.
    KernelName,
    |text| plain(text, 31),
    "1 to 31 printable octets, as gpiodetect and gpioinfo print them"
);
worded!(
    /// What a sensor calls itself in `type` of a thermal zone or in `name` of a hwmon device. The
    /// kernel allows a zone 19 octets.
    SensorName,
    |text| plain(text, 31),
    "1 to 31 printable octets, as in /sys/class/thermal/*/type or /sys/class/hwmon/*/name"
);
worded!(
    /// A connector as the kernel's mode setting names it: its kind, a dash and a number from 1
    /// (`drm_connector.c`). `/sys/class/drm` lists them, behind the card's name.
    Connector,
    |text| text.rsplit_once('-').is_some_and(|(kind, number)| {
        CONNECTOR_KINDS.contains(&kind)
            && !number.starts_with('0')
            && number.bytes().all(|b| b.is_ascii_digit())
            && matches!(number.parse(), Ok(1..=32_u8))
    }),
    "a connector such as HDMI-A-1, DP-2, eDP-1, DSI-1 or Virtual-1"
);

/// The kinds that can carry a picture to people, of `drm_connector_enum_list`.
const CONNECTOR_KINDS: &[&str] = &[
    "VGA", "DVI-I", "DVI-D", "DVI-A", "LVDS", "DP", "HDMI-A", "HDMI-B", "eDP", "Virtual", "DSI",
    "DPI", "SPI", "USB",
];

/// A GPIO chip: by its label, or by the path of its device file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum Chip {
    /// As `gpiodetect` prints it in brackets. It stays the same when chips are found in another
    /// order, which the numbers of device files don't.
    Label(KernelName),
    /// A device file, or a link to one that a udev rule keeps.
    Path(PathBuf),
}

impl TryFrom<String> for Chip {
    type Error = ValueError;
    fn try_from(text: String) -> Result<Chip, ValueError> {
        if !text.starts_with('/') {
            return KernelName::try_from(text).map(Chip::Label);
        }
        let ok = text.starts_with("/dev/") && plain(&text, 255) && !text.contains("/../");
        if ok { Ok(Chip::Path(text.into())) } else { Err(ValueError::new("a path in /dev", text)) }
    }
}

impl fmt::Display for Chip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Chip::Label(label) => label.fmt(f),
            Chip::Path(path) => path.display().fmt(f),
        }
    }
}

/// Lines of a chip at most. Real ones have up to a few hundred; a higher number is a typing mistake.
const MOST_LINES: i64 = 1024;

/// A line of a chip: by its number on the chip, or by the name that the board's firmware gave it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum LineId {
    Offset(u32),
    Name(KernelName),
}

impl<'de> Deserialize<'de> for LineId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<LineId, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = LineId;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a line's number on its chip, 0 to 1023, or its name")
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<LineId, E> {
                match u32::try_from(number) {
                    Ok(offset) if number < MOST_LINES => Ok(LineId::Offset(offset)),
                    _ => Err(E::invalid_value(de::Unexpected::Signed(number), &self)),
                }
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<LineId, E> {
                name.parse().map(LineId::Name).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A pattern for the name of a camera or a sound card: `*` stands for any letters, a `!` in front
/// turns it round. Small and capital letters are the same.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct NamePattern {
    /// Whether what fits is wanted or not.
    wanted: bool,
    /// In small letters.
    pattern: String,
}

impl TryFrom<String> for NamePattern {
    type Error = ValueError;
    fn try_from(text: String) -> Result<NamePattern, ValueError> {
        let (wanted, rest) = text.strip_prefix('!').map_or((true, text.as_str()), |r| (false, r));
        if plain(rest, 64) && !rest.starts_with('!') {
            Ok(NamePattern { wanted, pattern: rest.to_lowercase() })
        } else {
            Err(ValueError::new("a name of 1 to 64 octets, '*' for any letters", text))
        }
    }
}

impl NamePattern {
    /// Whether the pattern, without its `!`, is that of this name.
    fn fits(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let mut pieces = self.pattern.split('*');
        // The first piece stands at the beginning, the last at the end, the others anywhere between.
        let Some(mut rest) = name.strip_prefix(pieces.next().unwrap_or_default()) else {
            return false;
        };
        let Some(last) = pieces.next_back() else { return rest.is_empty() };
        for piece in pieces {
            match rest.split_once(piece) {
                Some((_, behind)) => rest = behind,
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

/// Patterns at most: each is looked at for each device.
const MOST_PATTERNS: usize = 16;

/// Patterns in order of preference.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "Vec<NamePattern>")]
pub struct NamePatterns(Vec<NamePattern>);

impl TryFrom<Vec<NamePattern>> for NamePatterns {
    type Error = ValueError;
    fn try_from(patterns: Vec<NamePattern>) -> Result<NamePatterns, ValueError> {
        if patterns.len() > MOST_PATTERNS {
            return Err(ValueError::new("at most 16 patterns", patterns.len().to_string()));
        }
        Ok(NamePatterns(patterns))
    }
}

impl NamePatterns {
    /// How much a device of this name is wanted: 0 is the most, `None` not at all. The first pattern
    /// that fits decides.
    pub fn place(&self, name: &str) -> Option<usize> {
        let place = self.0.iter().position(|pattern| pattern.fits(name))?;
        self.0[place].wanted.then_some(place)
    }
}

/// The encoders that `conclave-media` knows how to set, by their GStreamer elements.
const ENCODERS: &[&str] = &[
    "v4l2h264enc",
    "vah264enc",
    "vaapih264enc",
    "omxh264enc",
    "vpuenc_h264",
    "mpph264enc",
    "qsvh264enc",
    "x264enc",
    "openh264enc",
];

/// An H.264 encoder, by its GStreamer element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoder(&'static str);

impl Encoder {
    /// The element's name.
    pub fn element(self) -> &'static str {
        self.0
    }
}

impl<'de> Deserialize<'de> for Encoder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Encoder, D::Error> {
        let text = String::deserialize(deserializer)?;
        let known = ENCODERS.iter().find(|known| **known == text);
        known.map(|known| Encoder(known)).ok_or_else(|| {
            let known = ENCODERS.join(", ");
            D::Error::custom(format!("expected one of {known}; found '{text}'"))
        })
    }
}

/// Encoders in the order in which they are tried; at least one, none twice.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<Encoder>")]
pub struct EncoderOrder(Vec<Encoder>);

impl TryFrom<Vec<Encoder>> for EncoderOrder {
    type Error = ValueError;
    fn try_from(order: Vec<Encoder>) -> Result<EncoderOrder, ValueError> {
        let twice = order.iter().enumerate().find(|(n, encoder)| order[..*n].contains(encoder));
        match twice {
            Some((_, Encoder(name))) => Err(ValueError::new("each encoder once", *name)),
            None if order.is_empty() => Err(ValueError::new("at least one encoder", "[]")),
            None => Ok(EncoderOrder(order)),
        }
    }
}

impl EncoderOrder {
    /// The first to try first.
    pub fn iter(&self) -> impl Iterator<Item = Encoder> + '_ {
        self.0.iter().copied()
    }
}

/// A span in milliseconds, from `LEAST` to `MOST`.
pub(super) fn milliseconds<'de, const LEAST: u64, const MOST: u64, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    within::<LEAST, MOST, D>(deserializer, "milliseconds").map(Duration::from_millis)
}

/// A span in seconds, from `LEAST` to `MOST`.
pub(super) fn seconds<'de, const LEAST: u64, const MOST: u64, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    within::<LEAST, MOST, D>(deserializer, "seconds").map(Duration::from_secs)
}

/// A limit in whole degrees Celsius, 30 to 120. Below, a room in summer would count as hot; above,
/// the processor has switched itself off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Celsius(i32);

impl Celsius {
    /// The bare number.
    pub fn degrees(self) -> i32 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Celsius {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Celsius, D::Error> {
        let degrees = within::<30, 120, D>(deserializer, "degrees Celsius")?;
        i32::try_from(degrees).map(Celsius).map_err(D::Error::custom)
    }
}

fn within<'de, const LEAST: u64, const MOST: u64, D: Deserializer<'de>>(
    deserializer: D,
    unit: &str,
) -> Result<u64, D::Error> {
    let found = i64::deserialize(deserializer)?;
    u64::try_from(found).ok().filter(|number| (LEAST..=MOST).contains(number)).ok_or_else(|| {
        D::Error::custom(format!("expected {LEAST} to {MOST} {unit}, found {found}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(written: &[&str]) -> NamePatterns {
        let patterns = written.iter().map(|p| NamePattern::try_from((*p).to_owned()).unwrap());
        NamePatterns(patterns.collect())
    }

    #[test]
    fn the_first_pattern_that_fits_decides() {
        let wanted = patterns(&["*brio*", "!bcm2835-*", "*"]);
        assert_eq!(wanted.place("Logitech BRIO"), Some(0));
        assert_eq!(wanted.place("bcm2835-isp"), None);
        assert_eq!(wanted.place("HD Webcam"), Some(2));
        assert_eq!(patterns(&["vivid"]).place("vivid-000"), None);
        assert_eq!(patterns(&["vivid*"]).place("vivid"), Some(0));
        assert_eq!(patterns(&[]).place("anything"), None);
    }

    #[test]
    fn a_star_stands_for_any_letters_and_pieces_do_not_overlap() {
        for (pattern, name, fits) in [
            ("a*b*c", "abc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
            ("*ä*", "ÄÖ", true),
            ("**", "", true),
            ("*x", "xy", false),
        ] {
            let found = patterns(&[pattern]).place(name);
            assert_eq!(found.is_some(), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn connectors_are_those_of_the_kernel() {
        for good in ["HDMI-A-1", "DP-3", "eDP-1", "DSI-1", "Virtual-1", "DVI-D-2"] {
            assert_eq!(good.parse::<Connector>().unwrap().as_str(), good);
        }
        for wrong in
            ["HDMI-1", "HDMI-A", "HDMI-A-0", "HDMI-A-01", "hdmi-a-1", "DP-99", "Writeback-1"]
        {
            assert!(wrong.parse::<Connector>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_chip_is_a_label_or_a_path_in_dev() {
        let chip = |text: &str| Chip::try_from(text.to_owned());
        assert_eq!(chip("pinctrl-bcm2711"), Ok(Chip::Label("pinctrl-bcm2711".parse().unwrap())));
        assert_eq!(chip("/dev/gpiochip0"), Ok(Chip::Path("/dev/gpiochip0".into())));
        for wrong in ["", "/etc/passwd", "/dev/../etc/passwd", " x", &"x".repeat(32)] {
            assert!(chip(wrong).is_err(), "{wrong}");
        }
    }
}
