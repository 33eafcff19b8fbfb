//! PINs at rest: Argon2id (RFC 9106), written as a PHC string with its own salt and costs.
//!
//! A PIN is short, so the hash only slows down whoever stole the database; online guessing is
//! stopped by [`crate::pin_tries`]. Hashing takes tens of milliseconds and 19 MiB: call it off the
//! main task.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use conclave_types::Pin;
use std::fmt;

/// The hash of a PIN. Not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PinHash(String);

/// A PIN that could not be hashed.
#[derive(Debug, thiserror::Error)]
// The library's error is no `std::error::Error` in this build, so it stands in the text.
#[error("the pin could not be hashed: {0}")]
pub struct PinHashError(argon2::password_hash::Error);

impl PinHash {
    /// Hashes a PIN with 16 random octets of salt.
    pub fn new(pin: &Pin, salt: &[u8; 16]) -> Result<PinHash, PinHashError> {
        let salt = SaltString::encode_b64(salt).map_err(PinHashError)?;
        let hash = Argon2::default()
            .hash_password(pin.expose().as_bytes(), &salt)
            .map_err(PinHashError)?;
        Ok(PinHash(hash.to_string()))
    }

    /// Whether this is the PIN. A damaged hash matches no PIN.
    pub fn matches(&self, pin: &Pin) -> bool {
        PasswordHash::new(&self.0).is_ok_and(|hash| {
            Argon2::default().verify_password(pin.expose().as_bytes(), &hash).is_ok()
        })
    }

    /// As it is stored.
    pub fn as_phc(&self) -> &str {
        &self.0
    }

    /// From the store.
    pub(crate) fn from_phc(phc: String) -> PinHash {
        PinHash(phc)
    }
}

impl fmt::Debug for PinHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_pin_matches_and_the_salt_changes_the_hash() {
        let pin: Pin = "246810".parse().unwrap();
        let hash = PinHash::new(&pin, &[1; 16]).unwrap();
        assert!(hash.matches(&pin));
        assert!(!hash.matches(&"246811".parse().unwrap()));
        assert_ne!(hash, PinHash::new(&pin, &[2; 16]).unwrap());
        assert!(hash.as_phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(!hash.as_phc().contains("246810") && format!("{hash:?}").len() < 20);
    }

    #[test]
    fn a_damaged_hash_matches_nothing() {
        let pin: Pin = "246810".parse().unwrap();
        assert!(!PinHash::from_phc("$argon2id$nonsense".to_owned()).matches(&pin));
    }
}
