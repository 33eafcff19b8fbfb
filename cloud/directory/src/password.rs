//! Passwords: which ones are taken, and how they are kept.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash as Phc, PasswordHasher, PasswordVerifier, SaltString};
use conclave_types::{EmailAddress, Secret};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// The fewest characters.
const SHORTEST: usize = 8;

/// The most octets: longer than any sentence that somebody remembers, and nothing to hash for long.
const LONGEST: usize = 256;

/// Of a password's characters so many are looked at for how easily it is guessed: what costs more to guess than
/// this is good enough, and looking at more takes longer than a person waits.
const LOOKED_AT: usize = 64;

/// How many guesses a password has to take, as zxcvbn estimates it (Wheeler, USENIX Security 2016). With the tries
/// that [`crate::sign_in`] leaves in a day, a chance below one in a million.
pub const LEAST_GUESSES: u64 = 100_000_000;

/// A password as it was typed. Wiped when it is dropped, never printed.
#[derive(Clone)]
pub struct Password(Secret<String>);

impl Password {
    /// Takes what was typed; [`Password::judge`] says whether it may become somebody's password.
    pub fn new(typed: String) -> Password {
        Password(Secret::new(typed))
    }

    /// Whether this may become the password of whoever has this address and name.
    pub fn judge(&self, email: &EmailAddress, name: &str) -> Result<(), PasswordError> {
        let text = self.0.expose();
        let characters = text.chars().count();
        if characters < SHORTEST {
            return Err(PasswordError::TooShort);
        }
        if text.len() > LONGEST {
            return Err(PasswordError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(PasswordError::ControlCharacter);
        }
        if !text.chars().any(char::is_alphabetic) || !text.chars().any(char::is_numeric) {
            return Err(PasswordError::NoLetterOrDigit);
        }
        let theirs: Vec<&str> = email
            .as_str()
            .split(['@', '.', '-', '_', '+'])
            .chain(name.split_whitespace())
            .chain(["conclave"])
            .filter(|word| word.chars().count() > 2)
            .collect();
        let looked_at = Secret::new(text.chars().take(LOOKED_AT).collect::<String>());
        match zxcvbn::zxcvbn(looked_at.expose(), &theirs).guesses() >= LEAST_GUESSES {
            true => Ok(()),
            false => Err(PasswordError::EasilyGuessed),
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Password, D::Error> {
        String::deserialize(deserializer).map(Password::new)
    }
}

/// Why a password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than eight characters.
    #[error("a password has at least 8 characters")]
    TooShort,
    /// More than 256 octets.
    #[error("a password has at most 256 characters")]
    TooLong,
    /// A line break or the like, which a keyboard cannot type again.
    #[error("a password has no line breaks or control characters")]
    ControlCharacter,
    /// Letters alone, or digits alone.
    #[error("a password has at least one letter and one digit")]
    NoLetterOrDigit,
    /// It is on a list of common ones, or made of words, names and patterns that are tried first.
    #[error(
        "this password is guessed too easily: make it longer, for example of three words and a number \
         that have nothing to do with each other"
    )]
    EasilyGuessed,
}

/// The hash of a password: Argon2id (RFC 9106) as a PHC string with its own salt and costs. Not printed.
///
/// Hashing takes tens of milliseconds and 19 MiB: call it off the main task.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Hashes a password with 16 random octets of salt; `None` when the library refuses.
    pub fn new(password: &Password, salt: &[u8; 16]) -> Option<PasswordHash> {
        let salt = SaltString::encode_b64(salt).ok()?;
        let hash = Argon2::default().hash_password(password.0.expose().as_bytes(), &salt).ok()?;
        Some(PasswordHash(hash.to_string()))
    }

    /// Whether this is the password. A damaged hash matches none.
    pub fn matches(&self, password: &Password) -> bool {
        Phc::new(&self.0).is_ok_and(|hash| {
            Argon2::default().verify_password(password.0.expose().as_bytes(), &hash).is_ok()
        })
    }

    /// As it is stored.
    pub(crate) fn as_phc(&self) -> &str {
        &self.0
    }

    /// From the store.
    pub(crate) fn from_phc(phc: String) -> PasswordHash {
        PasswordHash(phc)
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(password: &str) -> Result<(), PasswordError> {
        let email = "ada.lovelace@hospital.example".parse().unwrap();
        Password::new(password.to_owned()).judge(&email, "Ada Lovelace")
    }

    #[test]
    fn what_is_guessed_first_is_not_taken() {
        for (password, why) in [
            ("a1b2c3", PasswordError::TooShort),
            ("éàüöß1é", PasswordError::TooShort),
            ("correct horse battery", PasswordError::NoLetterOrDigit),
            ("31415926535897", PasswordError::NoLetterOrDigit),
            ("tr4ctor\nbeam 99", PasswordError::ControlCharacter),
            ("password1", PasswordError::EasilyGuessed),
            ("Passw0rd2026", PasswordError::EasilyGuessed),
            ("qwerty123456", PasswordError::EasilyGuessed),
            ("abcd1234abcd1234", PasswordError::EasilyGuessed),
            ("lovelace1815", PasswordError::EasilyGuessed),
            ("hospital2026", PasswordError::EasilyGuessed),
            ("conclave1", PasswordError::EasilyGuessed),
        ] {
            assert_eq!(judged(password), Err(why), "{password}");
        }
        let long = format!("a1{}", "x".repeat(LONGEST));
        assert_eq!(judged(&long), Err(PasswordError::TooLong));
    }

    #[test]
    fn what_takes_long_to_guess_is_taken_in_any_script() {
        for password in [
            "7 purple tractors sing",
            "Kx9#vLq2pT",
            "ночной 7 трактор поёт",
            "parapluie 41 girafe menuet",
        ] {
            assert_eq!(judged(password), Ok(()), "{password}");
        }
    }

    #[test]
    fn only_the_right_password_matches_and_nothing_is_printed() {
        let password = Password::new("7 purple tractors sing".to_owned());
        let hash = PasswordHash::new(&password, &[1; 16]).unwrap();
        assert!(hash.matches(&password));
        assert!(!hash.matches(&Password::new("7 purple tractors sang".to_owned())));
        assert!(!PasswordHash::from_phc("$argon2id$nonsense".to_owned()).matches(&password));
        assert!(hash.as_phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(!format!("{password:?}{hash:?}").contains("purple"));
    }
}
