//! What names a release of the room's system: its version, the hash of its bundle, its board.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A version of the room's system: three numbers, compared one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version(pub u16, pub u16, pub u16);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// A text that is no version, hash, board or window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseError {
    /// What was expected, as it is said to people.
    pub expected: &'static str,
}

impl fmt::Display for ReleaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is not {}", self.expected)
    }
}

impl std::error::Error for ReleaseError {}

impl FromStr for Version {
    type Err = ReleaseError;
    fn from_str(text: &str) -> Result<Version, ReleaseError> {
        let error = ReleaseError { expected: "a version such as 1.4.2" };
        // Digits alone: the number's own parser would take a sign as well.
        if !text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return Err(error);
        }
        let mut numbers = text.split('.').map(|number| number.parse().map_err(|_| error));
        let mut next = || numbers.next().unwrap_or(Err(error));
        let version = Version(next()?, next()?, next()?);
        if numbers.next().is_some() { Err(error) } else { Ok(version) }
    }
}

/// The SHA-256 of a bundle. It names the bundle: two with the same one are the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BundleHash(pub [u8; 32]);

impl fmt::Display for BundleHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for BundleHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for BundleHash {
    type Err = ReleaseError;
    fn from_str(text: &str) -> Result<BundleHash, ReleaseError> {
        let error = ReleaseError { expected: "a SHA-256 of 64 hexadecimal digits" };
        let digits: Vec<u32> = text.chars().map_while(|letter| letter.to_digit(16)).collect();
        if digits.len() != 64 || text.len() != 64 {
            return Err(error);
        }
        let mut hash = [0; 32];
        for (octet, pair) in hash.iter_mut().zip(digits.chunks(2)) {
            *octet = u8::try_from(pair[0] << 4 | pair[1]).map_err(|_| error)?;
        }
        Ok(BundleHash(hash))
    }
}

/// What a bundle is made for: the board's *compatible string*, as RAUC calls it. 1 to 64 letters,
/// digits, `.`, `_` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Compatible(String);

impl Compatible {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A channel that rooms follow, such as `stable` or `early`: 1 to 32 small letters, digits and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel(String);

impl Channel {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Channel {
    /// What a room follows until somebody says otherwise.
    fn default() -> Channel {
        Channel("stable".to_owned())
    }
}

macro_rules! word {
    ($name:ident, $longest:literal, $letters:pat, $expected:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = ReleaseError;
            fn from_str(text: &str) -> Result<$name, ReleaseError> {
                let fits = (1..=$longest).contains(&text.len())
                    && text.bytes().all(|letter| matches!(letter, $letters));
                if fits {
                    Ok($name(text.to_owned()))
                } else {
                    Err(ReleaseError { expected: $expected })
                }
            }
        }
    };
}

word!(
    Compatible,
    64,
    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-',
    "a board's compatible string: letters, digits, '.', '_' and '-'"
);
word!(
    Channel,
    32,
    b'a'..=b'z' | b'0'..=b'9' | b'-',
    "a channel's name: small letters, digits and '-'"
);

/// When a room may be updated, by the clock in the room: from one minute of the day to another, which
/// may lie on the next day. Both the same: always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MaintenanceWindow {
    /// Minute of the day at which it opens, 0 to 1439.
    from: u16,
    /// Minute of the day at which it closes, 0 to 1439.
    to: u16,
}

/// Minutes in a day.
const DAY: u16 = 24 * 60;

impl MaintenanceWindow {
    /// Whether this minute of the day (0 to 1439) lies in it.
    pub fn contains(self, minute: u16) -> bool {
        let since = (minute % DAY + DAY - self.from) % DAY;
        let long = (self.to + DAY - self.from) % DAY;
        long == 0 || since < long
    }
}

impl Default for MaintenanceWindow {
    /// 02:00 to 05:00: nobody meets, and a clock that is put forward an hour leaves two.
    fn default() -> MaintenanceWindow {
        MaintenanceWindow { from: 2 * 60, to: 5 * 60 }
    }
}

impl fmt::Display for MaintenanceWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MaintenanceWindow { from, to } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

impl FromStr for MaintenanceWindow {
    type Err = ReleaseError;
    fn from_str(text: &str) -> Result<MaintenanceWindow, ReleaseError> {
        let minute = |text: &str| {
            let (hours, minutes) = text.split_once(':')?;
            let two = |text: &str| text.bytes().all(|b| b.is_ascii_digit()) && text.len() == 2;
            if !two(hours) || !two(minutes) {
                return None;
            }
            let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
            (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
        };
        let ends = text.split_once('-');
        let ends = ends.and_then(|(from, to)| minute(from).zip(minute(to)));
        let expected = "a window such as 02:00-05:00";
        ends.map(|(from, to)| MaintenanceWindow { from, to }).ok_or(ReleaseError { expected })
    }
}

macro_rules! as_text {
    ($($name:ident),+) => { $(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+ };
}

as_text!(Version, BundleHash, Compatible, Channel, MaintenanceWindow);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        assert!(version("0.10.0") > version("0.9.9"));
        assert_eq!(version("1.4.2").to_string(), "1.4.2");
        for wrong in ["", "1", "1.2", "1.2.3.4", "1.2.x", "+1.2.3", "1.2.70000", "1..2"] {
            assert!(wrong.parse::<Version>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_hash_survives_being_written_and_nothing_else_is_one() {
        let hash = BundleHash(std::array::from_fn(|n| n as u8 * 7));
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert!(hash.to_string()[1..].parse::<BundleHash>().is_err());
        assert!("é".repeat(32).parse::<BundleHash>().is_err());
    }

    #[test]
    fn a_window_may_lie_over_midnight() {
        let night: MaintenanceWindow = "22:30-04:00".parse().unwrap();
        assert!(night.contains(23 * 60) && night.contains(0) && night.contains(239));
        assert!(!night.contains(240) && !night.contains(12 * 60));
        let always: MaintenanceWindow = "03:00-03:00".parse().unwrap();
        assert!((0..DAY).all(|minute| always.contains(minute)));
        assert_eq!(MaintenanceWindow::default().to_string(), "02:00-05:00");
        for wrong in ["2:00-3:00", "24:00-01:00", "02:60-03:00", "02:00", "-"] {
            assert!(wrong.parse::<MaintenanceWindow>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_of_boards_and_channels_have_no_surprises() {
        assert!("conclave-intel_n100".parse::<Compatible>().is_ok());
        assert!("../x".parse::<Compatible>().is_err() && "".parse::<Compatible>().is_err());
        assert!("early".parse::<Channel>().is_ok() && "Early".parse::<Channel>().is_err());
    }
}
