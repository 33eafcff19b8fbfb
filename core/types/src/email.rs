//! E-mail addresses, as people sign in with them.

use crate::Redacted;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;

/// An e-mail address in small letters: 3 to 254 octets (RFC 5321, 4.5.3.1), a local part of 1 to 64, one `@`, a
/// domain of labels (RFC 1123, 2.1). Quoted local parts, comments and addresses in brackets are not taken.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind the `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Redacted(&self.0).fmt(f)
    }
}

/// A text that is no e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmailError;

impl fmt::Display for EmailError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an e-mail address is written name@example.org")
    }
}

impl std::error::Error for EmailError {}

impl FromStr for EmailAddress {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<EmailAddress, EmailError> {
        // Two that differ in their letters' size alone are one person's everywhere that matters. Small letters
        // first: some are longer.
        let text = text.trim().to_lowercase();
        let (local, domain) = text.split_once('@').ok_or(EmailError)?;
        let in_local =
            |c: char| !c.is_control() && !c.is_whitespace() && !r#"@"(),:;<>[\]"#.contains(c);
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let fits = text.len() <= 254
            && (1..=64).contains(&local.len())
            && local.chars().all(in_local)
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && domain.split('.').all(label);
        if fits { Ok(EmailAddress(text)) } else { Err(EmailError) }
    }
}

impl<'de> Deserialize<'de> for EmailAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<EmailAddress, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_in_small_letters_and_not_printed() {
        let address: EmailAddress = " Ada.Lovelace+it@Example.ORG ".parse().unwrap();
        assert_eq!(address.as_str(), "ada.lovelace+it@example.org");
        assert_eq!(address.domain(), "example.org");
        assert!(!format!("{address:?}").contains("ada"));
        for other in ["a@b", "jürgen@example.org", "o'neill@sub.example.co.uk", "x_y@1.2"] {
            assert!(other.parse::<EmailAddress>().is_ok(), "{other}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        let long = format!("{}@example.org", "a".repeat(65));
        let longer = format!("a@{}.org", "a.".repeat(130));
        for text in [
            "",
            "@",
            "a@",
            "@b",
            "a@b@c",
            "a b@c",
            "a@b c",
            "a@-b",
            "a@b-",
            "a@b..c",
            ".a@b",
            "a.@b",
            "a..b@c",
            "a\n@b",
            "<a@b>",
            "\"a\"@b",
            "a@[127.0.0.1]",
            "a@b_c",
            "a@ü.org",
            &long,
            &longer,
        ] {
            assert_eq!(text.parse::<EmailAddress>(), Err(EmailError), "{text:?}");
        }
    }
}
