//! The bundles of releases, as files in the data folder.
//!
//! A bundle is named by its SHA-256, taken while it is copied: what stands under a name is what the
//! name says, or it is not there. Its block sums stand beside it. The command line puts both there, for
//! that takes minutes; the running cloud reads them.

use crate::data_folder::DataFolder;
use crate::switchboard::BundleFile;
use conclave_link_protocol::message::{BLOCK, sums_of};
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

    /// Where it stands.
    pub fn file(&self, file: BundleFile) -> PathBuf {
        match file {
            BundleFile::Bundle(sha256) => self.folder.join(sha256.to_string()),
            BundleFile::Sums(sha256) => self.folder.join(format!("{sha256}.sums")),
        }
    }

    /// Whether it is there, as long as it should be.
    pub fn holds(&self, sha256: BundleHash, size: u64) -> bool {
        let file = self.file(BundleFile::Bundle(sha256));
        fs::metadata(file).is_ok_and(|found| found.is_file() && found.len() == size)
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
            let (mut size, mut sums) = (0, Vec::new());
            let mut block = Vec::with_capacity(BLOCK as usize);
            loop {
                block.clear();
                let read = Read::by_ref(&mut from).take(u64::from(BLOCK)).read_to_end(&mut block);
                size += read.map_err(unread)? as u64;
                hash.update(&block);
                to.write_all(&block).map_err(unwritten)?;
                if block.len() < BLOCK as usize {
                    break;
                }
                let mut of_block = [0; 32];
                of_block.copy_from_slice(digest::digest(&digest::SHA256, &block).as_ref());
                sums.extend(sums_of(&block, &of_block));
            }
            if size == 0 {
                return Err(BundleError::Empty { file: file.to_owned() });
            }
            to.sync_all().map_err(unwritten)?;
            let mut sha256 = BundleHash([0; 32]);
            sha256.0.copy_from_slice(hash.finish().as_ref());
            // The sums first: a bundle without them would be fetched whole by every room.
            let file = self.file(BundleFile::Sums(sha256));
            fs::write(&file, &sums)
                .and_then(|()| File::open(&file)?.sync_all())
                .map_err(unwritten)?;
            fs::rename(&draft, self.file(BundleFile::Bundle(sha256))).map_err(unwritten)?;
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
        for file in [BundleFile::Bundle(sha256), BundleFile::Sums(sha256)] {
            match fs::remove_file(self.file(file)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(%error, %sha256, "a bundle that nobody needs was not removed");
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_link_protocol::message::{SUM, sums_length};

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
        assert_eq!(fs::read_dir(&bundles.folder).unwrap().count(), 2, "the bundle and its sums");
        bundles.remove(sha256);
        assert!(!bundles.holds(sha256, 3));
        assert_eq!(fs::read_dir(&bundles.folder).unwrap().count(), 0);
    }

    #[test]
    fn block_sums_are_those_of_the_bundles_whole_blocks() {
        let temp = tempfile::tempdir().unwrap();
        let bundles = Bundles::at(&DataFolder::at(&temp.path().join("data")));
        let file = temp.path().join("bundle.raucb");
        let bundle: Vec<u8> = (0..BLOCK * 2 + 9).map(|n| (n / 300) as u8).collect();
        fs::write(&file, &bundle).unwrap();
        let (sha256, size) = bundles.take(&file).unwrap();
        let sums = fs::read(bundles.file(BundleFile::Sums(sha256))).unwrap();
        assert_eq!(sums.len() as u64, sums_length(size));
        for (block, sums) in bundle.chunks_exact(BLOCK as usize).zip(sums.chunks_exact(SUM)) {
            let mut hash = [0; 32];
            hash.copy_from_slice(digest::digest(&digest::SHA256, block).as_ref());
            assert_eq!(sums_of(block, &hash), sums);
        }
        assert!(bundles.holds(sha256, u64::from(BLOCK) * 2 + 9));
    }
}
