//! The room's private key: ECDSA on P-256 with SHA-256 (FIPS 186-5), made by the room itself.

use conclave_types::Secret;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The DER of a P-256 SubjectPublicKeyInfo up to the point (RFC 5480, section 2): sequence,
/// id-ecPublicKey, prime256v1, bit string of 66 octets.
const P256_SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Octets of a key file at most; a P-256 key in PKCS#8 has 138.
const LONGEST_FILE: u64 = 4096;

/// A key that signs and is never shown: a file now, a TPM where there is one.
pub trait DeviceKey: fmt::Debug + Send + Sync {
    /// The public half: SubjectPublicKeyInfo in DER, ECDSA on P-256.
    fn spki_der(&self) -> &[u8];

    /// An ECDSA signature with SHA-256 over the message, in ASN.1 (RFC 3279, section 2.2.3). It may
    /// take as long as a TPM needs.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, DeviceKeyError>;
}

/// The key could not sign.
#[derive(Debug, thiserror::Error)]
#[error("the room's key cannot sign: {detail}")]
pub struct DeviceKeyError {
    /// What the device said.
    pub detail: String,
}

/// A key in a file.
pub struct KeyFile {
    pair: EcdsaKeyPair,
    spki: Vec<u8>,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file or its folder cannot be used.
    #[error("{} cannot be used", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// No key could be made.
    #[error("no key could be made")]
    Random,
}

/// What became of an old key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// It was there and is used.
    Old,
    /// None was there, a new one was made.
    New,
}

impl KeyFile {
    /// Reads the key, or makes one when there is none. A file that holds no key is set aside, and
    /// the key comes back from its copy. Without one the room gets a new key: it can be enrolled
    /// anew, a room that does not start cannot.
    pub(crate) fn open(folder: &Path) -> Result<(KeyFile, Found), KeyFileError> {
        let used = |path: &Path| {
            let path = path.to_owned();
            move |cause| KeyFileError::File { path, cause }
        };
        if !folder.is_dir() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(used(folder))?;
        }
        let path = folder.join("device.key");
        let copy = folder.join("device.key-copy");
        if let Some(pkcs8) = read(&path).map_err(used(&path))? {
            match fs::set_permissions(&path, fs::Permissions::from_mode(0o600)) {
                Err(error) if error.kind() != io::ErrorKind::ReadOnlyFilesystem => {
                    return Err(used(&path)(error));
                }
                _ => {}
            }
            if let Some(key) = KeyFile::from_pkcs8(&pkcs8) {
                keep_copy(&copy, &pkcs8);
                return Ok((key, Found::Old));
            }
            let aside = path.with_extension("damaged");
            fs::rename(&path, &aside).map_err(used(&path))?;
            tracing::error!(
                key = %path.display(), kept_as = %aside.display(),
                "the room's key is damaged and was set aside"
            );
        }
        if let Some(pkcs8) = read(&copy).map_err(used(&copy))?
            && let Some(key) = KeyFile::from_pkcs8(&pkcs8)
        {
            tracing::error!(
                key = %path.display(), copy = %copy.display(),
                "the room's key came back from its copy: the room is who it was; look at its disk \
                 before it damages more"
            );
            write_new(&path, pkcs8.expose()).map_err(used(&path))?;
            return Ok((key, Found::Old));
        }
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
                .map_err(|_| KeyFileError::Random)?;
        let pkcs8 = Secret::new(document.as_ref().to_vec());
        write_new(&path, pkcs8.expose()).map_err(used(&path))?;
        keep_copy(&copy, &pkcs8);
        let key = KeyFile::from_pkcs8(&pkcs8).ok_or(KeyFileError::Random)?;
        Ok((key, Found::New))
    }

    fn from_pkcs8(pkcs8: &Secret<Vec<u8>>) -> Option<KeyFile> {
        let random = SystemRandom::new();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.expose(), &random)
                .ok()?;
        let mut spki = P256_SPKI.to_vec();
        spki.extend_from_slice(pair.public_key().as_ref());
        Some(KeyFile { pair, spki })
    }
}

/// The file's content; `None` when it is not there.
fn read(path: &Path) -> io::Result<Option<Secret<Vec<u8>>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut content = Vec::new();
    file.take(LONGEST_FILE).read_to_end(&mut content)?;
    Ok(Some(Secret::new(content)))
}

/// Makes the copy what the key is. The room runs without a copy too: a full disk is said elsewhere.
fn keep_copy(path: &Path, pkcs8: &Secret<Vec<u8>>) {
    let kept = match read(path) {
        Ok(Some(copy)) if copy.expose() == pkcs8.expose() => return,
        Ok(Some(_)) => fs::remove_file(path).and_then(|()| write_new(path, pkcs8.expose())),
        Ok(None) => write_new(path, pkcs8.expose()),
        Err(error) => Err(error),
    };
    if let Err(error) = kept {
        tracing::warn!(%error, "there is no copy of the room's key");
    }
}

/// Writes a file that appears whole or not at all, and never over another one.
fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    // A draft is what a power cut left of an earlier try.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    // A link, not a rename: it fails when the name is taken in the meantime.
    fs::hard_link(&draft, path)?;
    fs::remove_file(&draft)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

impl DeviceKey for KeyFile {
    fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, DeviceKeyError> {
        let signature = self
            .pair
            .sign(&SystemRandom::new(), message)
            .map_err(|_| DeviceKeyError { detail: "no randomness".to_owned() })?;
        Ok(signature.as_ref().to_vec())
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyFile(..)")
    }
}

/// The 65 octets of an uncompressed P-256 point; `None` when the key is of another kind.
pub(crate) fn p256_point(spki: &[u8]) -> Option<&[u8]> {
    spki.strip_prefix(&P256_SPKI).filter(|point| point.len() == 65)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("data");
        let (key, found) = KeyFile::open(&folder).unwrap();
        assert_eq!(found, Found::New);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join("device.key"))), (0o700, 0o600));
        assert!(!folder.join("device.new").exists());
        let (again, found) = KeyFile::open(&folder).unwrap();
        assert_eq!((found, again.spki_der()), (Found::Old, key.spki_der()));
        assert!(p256_point(key.spki_der()).is_some());
    }

    #[test]
    fn a_signature_verifies_under_the_public_half() {
        let folder = tempfile::tempdir().unwrap();
        let (key, _) = KeyFile::open(folder.path()).unwrap();
        let signature = key.sign(b"message").unwrap();
        let point = p256_point(key.spki_der()).unwrap();
        let public = ring::signature::UnparsedPublicKey::new(
            &ring::signature::ECDSA_P256_SHA256_ASN1,
            point,
        );
        assert!(public.verify(b"message", &signature).is_ok());
        assert!(public.verify(b"massage", &signature).is_err());
    }

    #[test]
    fn what_a_power_cut_left_is_set_aside_and_a_new_key_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("device.key");
        fs::write(&path, b"torn").unwrap();
        fs::write(folder.path().join("device.new"), b"half a draft").unwrap();
        let (_, found) = KeyFile::open(folder.path()).unwrap();
        assert_eq!(found, Found::New);
        assert_eq!(fs::read(path.with_extension("damaged")).unwrap(), b"torn");
        assert_eq!(KeyFile::open(folder.path()).unwrap().1, Found::Old);
    }

    #[test]
    fn a_damaged_or_lost_key_comes_back_from_its_copy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("device.key");
        let (key, _) = KeyFile::open(folder.path()).unwrap();
        fs::write(&path, b"torn").unwrap();
        let (again, found) = KeyFile::open(folder.path()).unwrap();
        assert_eq!((found, again.spki_der()), (Found::Old, key.spki_der()));
        fs::remove_file(&path).unwrap();
        assert_eq!(KeyFile::open(folder.path()).unwrap().0.spki_der(), key.spki_der());
        // A damaged copy is made anew from the key.
        fs::write(folder.path().join("device.key-copy"), b"torn").unwrap();
        KeyFile::open(folder.path()).unwrap();
        fs::write(&path, b"torn").unwrap();
        assert_eq!(KeyFile::open(folder.path()).unwrap().0.spki_der(), key.spki_der());
        let mode = fs::metadata(folder.path().join("device.key-copy")).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"").unwrap();
        let error = KeyFile::open(&file.join("data")).unwrap_err().to_string();
        assert!(error.contains("file/data"), "{error}");
    }
}
