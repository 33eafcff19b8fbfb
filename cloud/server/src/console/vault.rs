//! Seals what the database has to keep and must not give away alone: the secrets of second factors and of webhooks, where the
//! calendars of rooms are.
//!
//! AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits in front, bound to whose it is. The key is a file of its own in
//! the data folder: whoever has a copy of the database alone has no secret.

use crate::data_folder::DataFolder;
use crate::switchboard::Sealer;
use conclave_types::Secret;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt::Display;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;

const KEY_LEN: usize = 32;

/// The key, for as long as the cloud runs.
pub(crate) struct Vault {
    key: LessSafeKey,
    random: SystemRandom,
}

impl Vault {
    /// Reads the key, or makes one in a folder that has none.
    pub(crate) fn open(folder: &DataFolder) -> io::Result<Vault> {
        let path = folder.vault_key();
        let random = SystemRandom::new();
        let octets = match fs::read(&path) {
            Ok(octets) => Secret::new(octets),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut octets = vec![0; KEY_LEN];
                random.fill(&mut octets).map_err(|_| io::Error::other("no random octets"))?;
                let octets = Secret::new(octets);
                // All of it or nothing, whenever the power is cut.
                let draft = path.with_extension("new");
                let mut file = OpenOptions::new()
                    .create(true)
                    .truncate(true)
                    .write(true)
                    .mode(0o600)
                    .open(&draft)?;
                file.write_all(octets.expose())?;
                file.sync_all()?;
                fs::rename(&draft, &path)?;
                fs::File::open(folder.path())?.sync_all()?;
                octets
            }
            Err(error) => return Err(error),
        };
        let key = UnboundKey::new(&AES_256_GCM, octets.expose()).map_err(|_| {
            io::Error::other("it is no key of 32 octets: put the right file back, from a backup")
        })?;
        Ok(Vault { key: LessSafeKey::new(key), random })
    }

    /// Seals a secret of a person's, or a webhook's, named by its id; `None` when the system gives no random octets.
    pub(crate) fn seal(&self, whose: impl Display, secret: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).ok()?;
        let mut sealed = secret.to_vec();
        let bound = Aad::from(whose.to_string());
        let nonce_octets = nonce;
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound, &mut sealed)
            .ok()?;
        Some([&nonce_octets[..], &sealed].concat())
    }

    /// Opens it; `None` when it is not theirs, was changed, or was sealed with another key.
    pub(crate) fn unseal(&self, whose: impl Display, sealed: &[u8]) -> Option<Secret<Vec<u8>>> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut opened = rest.to_vec();
        let bound = Aad::from(whose.to_string());
        let length = self.key.open_in_place(nonce, bound, &mut opened).ok()?.len();
        opened.truncate(length);
        Some(Secret::new(opened))
    }
}

impl Sealer for Vault {
    fn seal(&self, whose: &str, secret: &[u8]) -> Option<Vec<u8>> {
        Vault::seal(self, whose, secret)
    }

    fn open(&self, whose: &str, sealed: &[u8]) -> Option<Secret<Vec<u8>>> {
        self.unseal(whose, sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_types::PersonId;

    #[test]
    fn what_is_sealed_is_opened_for_whom_it_is_with_the_same_key_alone() {
        let temp = tempfile::tempdir().unwrap();
        let folder = DataFolder::at(temp.path());
        let (ada, eve) = (PersonId::from_random(1), PersonId::from_random(2));
        let vault = Vault::open(&folder).unwrap();
        let sealed = vault.seal(ada, b"a secret").unwrap();
        assert_ne!(sealed, vault.seal(ada, b"a secret").unwrap());
        let again = Vault::open(&folder).unwrap();
        assert_eq!(again.unseal(ada, &sealed).unwrap().expose(), b"a secret");
        assert!(again.unseal(eve, &sealed).is_none(), "moved to somebody else");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(again.unseal(ada, &changed).is_none());
            assert!(again.unseal(ada, &sealed[..at]).is_none());
        }
        fs::remove_file(folder.vault_key()).unwrap();
        assert!(Vault::open(&folder).unwrap().unseal(ada, &sealed).is_none());
        fs::write(folder.vault_key(), b"short").unwrap();
        assert!(Vault::open(&folder).is_err());
    }
}
