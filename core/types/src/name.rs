//! Names that people gave: rooms, meeting rooms, participants.

use crate::Redacted;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;

/// A name for people: 1 to 80 characters, no control characters, no blanks at its ends. Any script.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct DisplayName(String);

impl DisplayName {
    /// The name as it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Redacted(&self.0).fmt(f)
    }
}

/// Why a text cannot be a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameError {
    /// Nothing but blanks.
    Empty,
    /// More than 80 characters.
    TooLong {
        /// How many there were.
        characters: usize,
    },
    /// A line break, a tab or another control character.
    ControlCharacter,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NameError::Empty => f.write_str("a name needs at least one character"),
            NameError::TooLong { characters } => {
                write!(f, "a name has at most 80 characters, this one has {characters}")
            }
            NameError::ControlCharacter => {
                f.write_str("a name has no line breaks or control characters")
            }
        }
    }
}

impl std::error::Error for NameError {}

impl FromStr for DisplayName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<DisplayName, NameError> {
        let text = text.trim();
        let characters = text.chars().count();
        if characters == 0 {
            Err(NameError::Empty)
        } else if characters > 80 {
            Err(NameError::TooLong { characters })
        } else if text.chars().any(char::is_control) {
            Err(NameError::ControlCharacter)
        } else {
            Ok(DisplayName(text.to_owned()))
        }
    }
}

impl<'de> Deserialize<'de> for DisplayName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DisplayName, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_are_welcome() {
        for name in ["Salle Voltaire", "غرفة الاجتماعات", "会议室", "R&D <3rd floor>"]
        {
            assert_eq!(name.parse::<DisplayName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn what_cannot_be_shown_is_refused() {
        assert_eq!("  ".parse::<DisplayName>(), Err(NameError::Empty));
        assert_eq!("a\nb".parse::<DisplayName>(), Err(NameError::ControlCharacter));
        assert_eq!(
            "x".repeat(81).parse::<DisplayName>(),
            Err(NameError::TooLong { characters: 81 })
        );
    }
}
