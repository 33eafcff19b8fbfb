//! Passkeys: keys that somebody's device keeps and uses once a finger, a face or a PIN has unlocked them (Web
//! Authentication, W3C). Whoever signs with one has shown two factors at once, and nothing that another site could use.
//!
//! What a device signed is checked by whoever asks; here is what is kept: public keys, which are no secrets, and how often
//! each says that it has signed.

use crate::people::Person;
use crate::repository::StoreError;
use conclave_types::{DisplayName, OrganisationId, PasskeyId, PersonId, UnixTime};
use std::collections::BTreeMap;
use std::fmt;

/// The most that somebody has: some devices, some keys on a key ring, and those of devices that are gone.
pub const MOST_PASSKEYS: usize = 20;

/// The most octets of what a device calls a key (Web Authentication, 4, "Credential ID").
const LONGEST_CREDENTIAL: usize = 1_023;

/// What a device calls a key: 1 to 1,023 octets. Whoever knows it has nothing; it is not printed because it is long.
#[derive(Clone, PartialEq, Eq)]
pub struct CredentialId(Vec<u8>);

impl CredentialId {
    /// `None` of what no device makes.
    pub fn new(octets: &[u8]) -> Option<CredentialId> {
        (1..=LONGEST_CREDENTIAL).contains(&octets.len()).then(|| CredentialId(octets.to_vec()))
    }

    /// The octets.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredentialId({} octets)", self.0.len())
    }
}

/// Somebody's passkey, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// Its id here.
    pub id: PasskeyId,
    /// What the device calls it. No two have the same.
    pub credential: CredentialId,
    /// Whose it is.
    pub person: PersonId,
    /// What they call it.
    pub name: DisplayName,
    /// The public key, how often it has signed, and what else is looked at when it signs, in the words of whoever checks
    /// that.
    pub public_key: String,
    /// When it was registered.
    pub created_at: UnixTime,
    /// When somebody signed in with it last.
    pub used_at: Option<UnixTime>,
}

/// The passkeys. They go with their person.
pub trait Passkeys {
    /// Keeps a new one; `false` when the device's name for it is kept already, whosever it is.
    fn add_passkey(&mut self, passkey: &Passkey) -> Result<bool, StoreError>;
    /// One with its person, suspended or not.
    fn passkey(&self, credential: &CredentialId) -> Result<Option<(Passkey, Person)>, StoreError>;
    /// Somebody's, the newest first.
    fn passkeys(&self, person: PersonId) -> Result<Vec<Passkey>, StoreError>;
    /// Who of an organisation has any, and how many.
    fn with_passkeys(
        &self,
        organisation: OrganisationId,
    ) -> Result<BTreeMap<PersonId, u32>, StoreError>;
    /// Somebody signed in with one: keeps what is known of the key from now on. `false` when it was used meanwhile, or is
    /// gone: what `before` says is not what is kept.
    fn passkey_used(
        &mut self,
        id: PasskeyId,
        before: &str,
        after: &str,
        at: UnixTime,
    ) -> Result<bool, StoreError>;
    /// Removes one of somebody's; `false` when there is none.
    fn remove_passkey(&mut self, person: PersonId, id: PasskeyId) -> Result<bool, StoreError>;
    /// Removes all of somebody's. Returns how many.
    fn remove_passkeys(&mut self, person: PersonId) -> Result<u32, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_device_calls_a_key_has_its_limits() {
        assert_eq!(CredentialId::new(&[]), None);
        assert_eq!(CredentialId::new(&[7; LONGEST_CREDENTIAL + 1]), None);
        let longest = CredentialId::new(&[7; LONGEST_CREDENTIAL]).unwrap();
        assert_eq!(longest.octets().len(), LONGEST_CREDENTIAL);
        assert_eq!(format!("{longest:?}"), "CredentialId(1023 octets)");
    }
}
