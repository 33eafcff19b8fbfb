//! How a rollout is meant to go.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// So many rooms, or so large a share of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// A number of rooms.
    Count(u32),
    /// A share in percent, 0 to 100; rounded up, so that more than none is at least one.
    Share(u8),
}

impl Amount {
    /// How many of so many.
    pub fn of(self, all: u32) -> u32 {
        match self {
            Amount::Count(count) => count,
            Amount::Share(percent) => {
                let part = (u64::from(all) * u64::from(percent)).div_ceil(100);
                u32::try_from(part).unwrap_or(u32::MAX)
            }
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Amount::Count(count) => write!(f, "{count}"),
            Amount::Share(percent) => write!(f, "{percent}%"),
        }
    }
}

/// Why a text is no plan, or no part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanError {
    /// Not a number of rooms, nor a share of them.
    Amount,
    /// No wave, or more than ever make sense.
    Waves,
    /// A wave that takes nobody.
    EmptyWave,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanError::Amount => {
                f.write_str("an amount is a number of rooms, or a share such as 5%")
            }
            PlanError::Waves => write!(f, "a rollout has 1 to {MOST_WAVES} waves"),
            PlanError::EmptyWave => f.write_str("a wave takes at least one room"),
        }
    }
}

impl std::error::Error for PlanError {}

impl FromStr for Amount {
    type Err = PlanError;
    fn from_str(text: &str) -> Result<Amount, PlanError> {
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            if digits { text.parse::<u32>().ok() } else { None }
        };
        match text.strip_suffix('%') {
            Some(share) => number(share)
                .and_then(|share| u8::try_from(share).ok())
                .filter(|share| *share <= 100)
                .map(Amount::Share),
            None => number(text).map(Amount::Count),
        }
        .ok_or(PlanError::Amount)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Amount, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Waves at most: more than anybody watches.
const MOST_WAVES: usize = 10;

/// How a rollout is meant to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    waves: Vec<Amount>,
    enough: Amount,
    most_failed: Amount,
    rest: Duration,
}

impl Plan {
    /// - `waves`: how many rooms each takes, those of the waves before it included;
    /// - `enough`: how many of a wave have to run the release for good before the next begins;
    /// - `most_failed`: how many of a wave may fail before it stops;
    /// - `rest`: how long a wave is looked at after that.
    pub fn new(
        waves: Vec<Amount>,
        enough: Amount,
        most_failed: Amount,
        rest: Duration,
    ) -> Result<Plan, PlanError> {
        if waves.is_empty() || waves.len() > MOST_WAVES {
            return Err(PlanError::Waves);
        }
        if waves.iter().any(|wave| matches!(wave, Amount::Count(0) | Amount::Share(0))) {
            return Err(PlanError::EmptyWave);
        }
        Ok(Plan { waves, enough, most_failed, rest })
    }

    /// How many rooms each wave takes, those of the waves before it included.
    pub fn waves(&self) -> &[Amount] {
        &self.waves
    }

    /// How many of a wave have to run the release for good before the next begins.
    pub fn enough(&self) -> Amount {
        self.enough
    }

    /// How many of a wave may fail before it stops.
    pub fn most_failed(&self) -> Amount {
        self.most_failed
    }

    /// How long a wave is looked at once enough of it are there.
    pub fn rest(&self) -> Duration {
        self.rest
    }
}
