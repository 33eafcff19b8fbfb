//! Tags of rooms.

use conclave_types::Redacted;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;

/// A word by which rooms are found together: 1 to 24 characters, no control characters, no comma, no semicolon, no blanks
/// at its ends. Any script. In capitals or not, it is the same tag.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct Tag(String);

impl Tag {
    /// The most tags of one room. More is a list that nobody reads.
    pub const MOST: usize = 8;

    /// The tag as it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads tags with commas between them; what is empty between two commas is none.
    ///
    /// # Errors
    /// One of them is none, one is there twice, or there are more than a room has.
    pub fn list(text: &str) -> Result<Vec<Tag>, TagError> {
        let words = text.split(',').filter(|word| !word.trim().is_empty());
        Tag::all_of(words.map(Tag::from_str).collect::<Result<_, _>>()?)
    }

    /// These tags, when one room may have all of them.
    ///
    /// # Errors
    /// One is there twice, or there are more than a room has.
    pub fn all_of(tags: Vec<Tag>) -> Result<Vec<Tag>, TagError> {
        let twice = |(at, tag): (usize, &Tag)| tags[..at].contains(tag);
        match tags.len() > Tag::MOST || tags.iter().enumerate().any(twice) {
            true => Err(TagError),
            false => Ok(tags),
        }
    }
}

impl PartialEq for Tag {
    fn eq(&self, other: &Tag) -> bool {
        self.0.to_lowercase() == other.0.to_lowercase()
    }
}

impl Eq for Tag {}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Redacted(&self.0).fmt(f)
    }
}

/// A text is no tag, or tags are not those of one room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagError;

impl fmt::Display for TagError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a room has at most 8 tags, each once, of 1 to 24 characters without commas or semicolons",
        )
    }
}

impl std::error::Error for TagError {}

impl FromStr for Tag {
    type Err = TagError;
    fn from_str(text: &str) -> Result<Tag, TagError> {
        let text = text.trim();
        let fits = (1..=24).contains(&text.chars().count());
        let wrong = |c: char| c.is_control() || c == ',' || c == ';';
        match fits && !text.chars().any(wrong) {
            true => Ok(Tag(text.to_owned())),
            false => Err(TagError),
        }
    }
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tag, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_has_eight_tags_at_most_and_each_once_in_capitals_or_not() {
        let texts = |tags: &str| {
            Tag::list(tags).map(|tags| tags.iter().map(Tag::to_string).collect::<Vec<_>>())
        };
        assert_eq!(
            texts(" Nord, salle de crise,, "),
            Ok(vec!["Nord".into(), "salle de crise".into()])
        );
        assert_eq!(texts(""), Ok(vec![]));
        assert_eq!(texts("a,b,c,d,e,f,g,h").unwrap().len(), Tag::MOST);
        for wrong in ["a,b,c,d,e,f,g,h,i", "Nord,NORD", "a;b", &"x".repeat(25), "a\u{7}b"] {
            assert_eq!(texts(wrong), Err(TagError), "{wrong}");
        }
    }
}
