//! What may be set of a room: the values, each with the words by which it is stored and sent.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The languages that rooms speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    English,
    /// French.
    French,
}

impl Language {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Language::English => "english",
            Language::French => "french",
        }
    }
}

/// How the display arranges the pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Everyone the same size.
    #[default]
    Grid,
    /// The speaker large, the others small.
    Speaker,
}

impl Layout {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Layout::Grid => "grid",
            Layout::Speaker => "speaker",
        }
    }
}

/// Which meeting rooms a room's panel dials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialling {
    /// Any, by its number.
    #[default]
    Any,
    /// Those that it lists.
    Listed,
}

impl Dialling {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Dialling::Any => "any",
            Dialling::Listed => "listed",
        }
    }
}

/// How much a room's camera may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum CameraLimit {
    /// As much as it is configured for, 1080 lines at most.
    #[default]
    #[serde(rename = "1080p")]
    Lines1080,
    /// 720 lines at most.
    #[serde(rename = "720p")]
    Lines720,
    /// 360 lines at most.
    #[serde(rename = "360p")]
    Lines360,
    /// Nothing: nobody at the panel can turn it on.
    #[serde(rename = "off")]
    Off,
}

impl CameraLimit {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            CameraLimit::Lines1080 => "1080p",
            CameraLimit::Lines720 => "720p",
            CameraLimit::Lines360 => "360p",
            CameraLimit::Off => "off",
        }
    }

    /// The most lines of a picture. Of a camera that is off too, for when it is allowed again.
    pub fn lines(self) -> u32 {
        match self {
            CameraLimit::Lines1080 | CameraLimit::Off => 1080,
            CameraLimit::Lines720 => 720,
            CameraLimit::Lines360 => 360,
        }
    }
}

/// Whether a room's microphone may be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MicrophoneLimit {
    /// As people at the panel switch it.
    #[default]
    Allowed,
    /// Never: nobody at the panel can turn it on.
    Off,
}

impl MicrophoneLimit {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            MicrophoneLimit::Allowed => "allowed",
            MicrophoneLimit::Off => "off",
        }
    }
}

/// How bright a panel is, 20 to 100 per cent of its light. Darker, and its text stands out less than 4:1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Brightness(u8);

impl Brightness {
    /// As bright as it gets.
    pub const FULL: Brightness = Brightness(100);

    /// Per cent.
    pub fn percent(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Brightness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a time zone, as the IANA's database has it, such as `Europe/Paris`: 1 to 40 letters, digits, `_`, `+`,
/// `-`, in parts with `/` between them. Whether there is one of that name is not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeZone(String);

impl TimeZone {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no such value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingError {
    /// What it should have been.
    pub expected: &'static str,
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not {}", self.expected)
    }
}

impl std::error::Error for SettingError {}

impl FromStr for Brightness {
    type Err = SettingError;
    fn from_str(text: &str) -> Result<Brightness, SettingError> {
        let digits = text.bytes().all(|digit| digit.is_ascii_digit());
        let percent = text.parse().ok().filter(|percent| digits && (20..=100).contains(percent));
        percent
            .map(Brightness)
            .ok_or(SettingError { expected: "a brightness of 20 to 100 per cent" })
    }
}

impl FromStr for TimeZone {
    type Err = SettingError;
    fn from_str(text: &str) -> Result<TimeZone, SettingError> {
        let part = |part: &str| {
            let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'+' | b'-');
            !part.is_empty() && part.bytes().all(plain)
        };
        if text.len() <= 40 && text.split('/').all(part) {
            Ok(TimeZone(text.to_owned()))
        } else {
            Err(SettingError { expected: "a time zone such as Europe/Paris" })
        }
    }
}

impl Serialize for Brightness {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for TimeZone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Brightness {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Brightness, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for TimeZone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TimeZone, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_bounds() {
        for (text, is) in
            [("20", true), ("100", true), ("19", false), ("101", false), ("+50", false)]
        {
            assert_eq!(text.parse::<Brightness>().is_ok(), is, "{text}");
        }
        for name in ["UTC", "Europe/Paris", "America/Argentina/Buenos_Aires", "Etc/GMT+12"] {
            assert_eq!(name.parse::<TimeZone>().unwrap().as_str(), name);
        }
        for wrong in ["", "/etc/localtime", "Europe/", "a b", "..", "é", &"x".repeat(41)] {
            assert!(wrong.parse::<TimeZone>().is_err(), "{wrong}");
        }
    }
}
