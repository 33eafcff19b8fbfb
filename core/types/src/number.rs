//! What people type on a number pad: a meeting room's number and its PIN.

use crate::Secret;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;

/// The number of a virtual meeting room: 3 to 12 digits; leading zeros count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct VmrNumber(String);

impl VmrNumber {
    /// Fewest digits.
    pub const SHORTEST: usize = 3;
    /// Most digits.
    pub const LONGEST: usize = 12;

    /// The digits, ungrouped.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VmrNumber {
    /// The digits in groups of three from the right, as panels show them: `4 711`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, digit) in self.0.chars().enumerate() {
            if i > 0 && (self.0.len() - i).is_multiple_of(3) {
                f.write_str(" ")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// Why a text is not the number of a meeting room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberError {
    /// How many characters there were.
    pub length: usize,
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a meeting room's number has 3 to 12 digits and nothing else")
    }
}

impl std::error::Error for NumberError {}

impl FromStr for VmrNumber {
    type Err = NumberError;
    fn from_str(text: &str) -> Result<VmrNumber, NumberError> {
        let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        if all_digits(&digits, VmrNumber::SHORTEST, VmrNumber::LONGEST) {
            Ok(VmrNumber(digits))
        } else {
            Err(NumberError { length: digits.len() })
        }
    }
}

impl<'de> Deserialize<'de> for VmrNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<VmrNumber, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A PIN: 4 to 12 digits, kept like any secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Pin(Secret<String>);

impl Pin {
    /// Fewest digits.
    pub const SHORTEST: usize = 4;
    /// Most digits.
    pub const LONGEST: usize = 12;

    /// The digits, for hashing and for sending in the link.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// Why a text is not a PIN. It carries nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinError;

impl fmt::Display for PinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a PIN has 4 to 12 digits and nothing else")
    }
}

impl std::error::Error for PinError {}

impl FromStr for Pin {
    type Err = PinError;
    fn from_str(text: &str) -> Result<Pin, PinError> {
        if all_digits(text, Pin::SHORTEST, Pin::LONGEST) {
            Ok(Pin(Secret::new(text.to_owned())))
        } else {
            Err(PinError)
        }
    }
}

impl<'de> Deserialize<'de> for Pin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pin, D::Error> {
        let text = Secret::<String>::deserialize(deserializer)?;
        text.expose().parse().map_err(serde::de::Error::custom)
    }
}

fn all_digits(text: &str, shortest: usize, longest: usize) -> bool {
    (shortest..=longest).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_in_groups_of_three() {
        for (typed, shown) in [("123", "123"), ("4711", "4 711"), ("123456789", "123 456 789")] {
            assert_eq!(typed.parse::<VmrNumber>().unwrap().to_string(), shown);
            assert_eq!(shown.parse::<VmrNumber>().unwrap().as_str(), typed);
        }
    }

    #[test]
    fn lengths_and_letters_outside_the_rule_are_refused() {
        for text in ["", "12", "1234567890123", "12a4", "１２３"] {
            assert!(text.parse::<VmrNumber>().is_err(), "{text}");
        }
        for text in ["", "123", "1234567890123", "12 34", "abcd"] {
            assert!(text.parse::<Pin>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_pin_is_not_printed() {
        let pin: Pin = "2468".parse().unwrap();
        assert!(!format!("{pin:?}").contains("2468"));
    }
}
