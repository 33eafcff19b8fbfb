//! The activation code that a new room shows on its panel.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Crockford's base 32: no I, L, O or U, so that nothing is misread from across a room.
pub(crate) const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Eight Crockford letters, 40 bits, shown in two groups: `7KQ2-9FXM`. Single use.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ActivationCode(u64);

impl ActivationCode {
    /// The code made of the low 40 bits of a random number.
    pub const fn from_random(bits: u64) -> ActivationCode {
        ActivationCode(bits & 0xff_ffff_ffff)
    }
}

impl fmt::Display for ActivationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for i in (0..8).rev() {
            let letter = CROCKFORD[((self.0 >> (5 * i)) & 31) as usize];
            write!(f, "{}{}", char::from(letter), if i == 4 { "-" } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for ActivationCode {
    /// A code opens the door for whoever reads it, so logs do not show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ActivationCode(..)")
    }
}

/// Why a text is not an activation code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActivationCodeError {
    /// It has not eight letters and figures, counting neither hyphens nor blanks.
    Length {
        /// How many there were.
        letters: usize,
    },
    /// This letter is never part of a code.
    Letter(char),
}

impl fmt::Display for ActivationCodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ActivationCodeError::Length { letters } => {
                write!(f, "a code has eight letters and figures, this one has {letters}")
            }
            ActivationCodeError::Letter(letter) => {
                write!(f, "'{letter}' is never part of a code")
            }
        }
    }
}

impl std::error::Error for ActivationCodeError {}

impl FromStr for ActivationCode {
    type Err = ActivationCodeError;

    /// Reads a code as people type it: either case, hyphens and blanks anywhere, O for 0, I or L for 1.
    fn from_str(text: &str) -> Result<ActivationCode, ActivationCodeError> {
        let letters = || text.chars().filter(|c| *c != '-' && !c.is_whitespace());
        let count = letters().count();
        if count != 8 {
            return Err(ActivationCodeError::Length { letters: count });
        }
        letters()
            .try_fold(0_u64, |bits, letter| {
                let meant = match letter.to_ascii_uppercase() {
                    'O' => '0',
                    'I' | 'L' => '1',
                    other => other,
                };
                let value = CROCKFORD
                    .iter()
                    .position(|c| char::from(*c) == meant)
                    .ok_or(ActivationCodeError::Letter(letter))?;
                Ok(bits << 5 | value as u64)
            })
            .map(ActivationCode)
    }
}

impl Serialize for ActivationCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ActivationCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ActivationCode, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code: ActivationCode = "7KQ2-9FXM".parse().unwrap();
        for typed in ["7kq29fxm", " 7KQ2 9FXM ", "7kq2-9fxm"] {
            assert_eq!(typed.parse(), Ok(code));
        }
        assert_eq!("OIL0-0000".parse::<ActivationCode>(), "0110-0000".parse());
    }

    #[test]
    fn what_is_no_code_is_refused_with_its_reason() {
        assert_eq!(
            "7KQ2-9FX".parse::<ActivationCode>(),
            Err(ActivationCodeError::Length { letters: 7 })
        );
        assert_eq!("7KQ2-9FXU".parse::<ActivationCode>(), Err(ActivationCodeError::Letter('U')));
    }

    #[test]
    fn a_code_survives_being_shown_and_typed() {
        for bits in [0, 1, 0xff_ffff_ffff, 0x12_3456_789a] {
            let code = ActivationCode::from_random(bits);
            assert_eq!(code.to_string().parse(), Ok(code));
        }
    }
}
