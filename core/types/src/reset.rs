//! What a factory reset is asked for with, and what it is known by afterwards.

use crate::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Eight digits that let the people in a room reset it, once; kept like any secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ResetCode(Secret<String>);

impl ResetCode {
    /// Its digits.
    pub const DIGITS: usize = 8;

    /// The code made of a random number. A hundred million divides no power of two: some codes are
    /// likelier than others by less than one in 10³⁰.
    pub fn from_random(bits: u128) -> ResetCode {
        ResetCode(Secret::new(format!("{:08}", bits % 100_000_000)))
    }

    /// The digits, for showing them to an administrator and for sending in the link.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// Why a text is not a reset code. It carries nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResetCodeError;

impl fmt::Display for ResetCodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a reset code has 8 digits and nothing else")
    }
}

impl std::error::Error for ResetCodeError {}

impl FromStr for ResetCode {
    type Err = ResetCodeError;
    fn from_str(text: &str) -> Result<ResetCode, ResetCodeError> {
        if text.len() == ResetCode::DIGITS && text.bytes().all(|octet| octet.is_ascii_digit()) {
            Ok(ResetCode(Secret::new(text.to_owned())))
        } else {
            Err(ResetCodeError)
        }
    }
}

impl<'de> Deserialize<'de> for ResetCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ResetCode, D::Error> {
        let text = Secret::<String>::deserialize(deserializer)?;
        text.expose().parse().map_err(serde::de::Error::custom)
    }
}

/// Names one reset, on the room's receipt and in the cloud's list: nine digits that one person reads
/// to another, `482 913 077`. It opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResetNumber(u32);

impl ResetNumber {
    const MANY: u128 = 1_000_000_000;

    /// The number made of a random one.
    pub const fn from_random(bits: u128) -> ResetNumber {
        ResetNumber((bits % ResetNumber::MANY) as u32)
    }
}

impl fmt::Display for ResetNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ResetNumber(number) = self;
        write!(f, "{:03} {:03} {:03}", number / 1_000_000, number / 1_000 % 1_000, number % 1_000)
    }
}

/// Why a text is not a reset's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResetNumberError;

impl fmt::Display for ResetNumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the number of a reset has nine digits")
    }
}

impl std::error::Error for ResetNumberError {}

impl FromStr for ResetNumber {
    type Err = ResetNumberError;
    /// Blanks anywhere are passed over.
    fn from_str(text: &str) -> Result<ResetNumber, ResetNumberError> {
        let digits: String = text.chars().filter(|letter| *letter != ' ').take(10).collect();
        if digits.len() == 9 && digits.bytes().all(|octet| octet.is_ascii_digit()) {
            digits.parse().map(ResetNumber).map_err(|_| ResetNumberError)
        } else {
            Err(ResetNumberError)
        }
    }
}

impl Serialize for ResetNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ResetNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ResetNumber, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_eight_digits_and_is_not_printed() {
        for bits in [0, 7, 99_999_999, 100_000_000, u128::MAX] {
            let code = ResetCode::from_random(bits);
            assert_eq!(code.expose().parse(), Ok(code.clone()));
            assert!(!format!("{code:?}").contains(code.expose()));
        }
        for text in ["", "1234567", "123456789", "1234567a", "1234 567", "１２３４５６７８"]
        {
            assert_eq!(text.parse::<ResetCode>(), Err(ResetCodeError), "{text}");
        }
    }

    #[test]
    fn a_number_is_read_as_it_is_shown() {
        for (bits, shown) in [(0, "000 000 000"), (12_345_678, "012 345 678")] {
            let number = ResetNumber::from_random(bits);
            assert_eq!(number.to_string(), shown);
            assert_eq!(shown.parse(), Ok(number));
            assert_eq!(shown.replace(' ', "").parse(), Ok(number));
        }
        for text in ["", "12 345 678", "0 123 456 789", "abc def ghi", "１２３４５６７８９"]
        {
            assert_eq!(text.parse::<ResetNumber>(), Err(ResetNumberError), "{text}");
        }
    }
}
