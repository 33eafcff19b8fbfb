//! The bundles of releases, as files in the data folder.
//!
//! A bundle is named by its SHA-256, taken while it is copied: what stands under a name is what the
//! name says, or it is not there. The command line puts it there, for that takes minutes; the running
//! cloud reads it.

use crate::data_folder::DataFolder;
use conclave_types::BundleHash;
use ring::digest;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The folder of the bundles.
#[derive(Debug, Clone)]
pub struct Bundles {
    folder: PathBuf,
}

/// Why a bundle cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It cannot be read.
    #[error("the bundle {file} cannot be read")]
    Read {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There is nothing in it.
    #[error("the bundle {file} is empty")]
    Empty {
        /// Which file.
        file: PathBuf,
    },
    /// It cannot be written.
    #[error("the bundle cannot be written to {folder}: make room there, then try again")]
    Write {
        /// Which folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Bundles {
    /// Those of a data folder.
    pub fn at(folder: &DataFolder) -> Bundles {
        Bundles { folder: folder.path().join("bundles") }
    }

    /// Where a bundle stands.
    pub fn file(&self, sha256: BundleHash) -> PathBuf {
        self.folder.join(sha256.to_string())
    }

    /// Whether it is there, as long as it should be.
    pub fn holds(&self, sha256: BundleHash, size: u64) -> bool {
        fs::metadata(self.file(sha256)).is_ok_and(|found| found.is_file() && found.len() == size)
    }

    /// Copies a bundle here, and says its hash and length. It is on the disk when this returns.
    pub fn take(&self, file: &Path) -> Result<(BundleHash, u64), BundleError> {
        let unread = |source| BundleError::Read { file: file.to_owned(), source };
        let unwritten = |source| BundleError::Write { folder: self.folder.clone(), source };
        let mut from = File::open(file).map_err(unread)?;
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).map_err(unwritten)?;
        let draft = self.folder.join(format!(".new-{}", std::process::id()));
        let taken = (|| {
            let mut options = OpenOptions::new();
            let options = options.write(true).create(true).truncate(true).mode(0o600);
            let mut to = options.open(&draft).map_err(unwritten)?;
            let mut hash = digest::Context::new(&digest::SHA256);
            let (mut size, mut octets) = (0, vec![0; 1 << 16]);
            loop {
                let read = from.read(&mut octets).map_err(unread)?;
                if read == 0 {
                    break;
                }
                hash.update(&octets[..read]);
                to.write_all(&octets[..read]).map_err(unwritten)?;
                size += read as u64;
            }
            if size == 0 {
                return Err(BundleError::Empty { file: file.to_owned() });
            }
            to.sync_all().map_err(unwritten)?;
            let mut sha256 = BundleHash([0; 32]);
            sha256.0.copy_from_slice(hash.finish().as_ref());
            fs::rename(&draft, self.file(sha256)).map_err(unwritten)?;
            File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(unwritten)?;
            Ok((sha256, size))
        })();
        if taken.is_err() {
            let _ = fs::remove_file(&draft);
        }
        taken
    }

    /// Removes a bundle that no release has any more.
    pub fn remove(&self, sha256: BundleHash) {
        match fs::remove_file(self.file(sha256)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, %sha256, "a bundle that nobody needs could not be removed");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_named_by_its_hash_and_nothing_half_stays_behind() {
        let temp = tempfile::tempdir().unwrap();
        let bundles = Bundles::at(&DataFolder::at(&temp.path().join("data")));
        let file = temp.path().join("bundle.raucb");
        fs::write(&file, b"abc").unwrap();
        let (sha256, size) = bundles.take(&file).unwrap();
        // FIPS 180-2, appendix B.1.
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((sha256.to_string().as_str(), size), (known, 3));
        assert!(bundles.holds(sha256, 3) && !bundles.holds(sha256, 4));
        fs::write(&file, b"").unwrap();
        assert!(matches!(bundles.take(&file), Err(BundleError::Empty { .. })));
        assert_eq!(fs::read_dir(&bundles.folder).unwrap().count(), 1);
        bundles.remove(sha256);
        assert!(!bundles.holds(sha256, 3));
    }
}
