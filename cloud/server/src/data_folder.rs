//! The folder in which one cloud keeps everything: database, keys, control socket.
//!
//! | name | what |
//! | --- | --- |
//! | `cloud.db` | organisations, people, rooms, meeting rooms, records, the audit log (SQLite, with `-wal` and `-shm` beside it) |
//! | `calls.jsonl` | how the last calls went, one line of JSON each |
//! | `bundles/` | the bundles of releases, each named by its SHA-256 |
//! | `from-rooms/` | while a cloud runs: what rooms sent when they were asked to, for a day at most |
//! | `vault.key` | with which the secrets of second factors are sealed in the database |
//! | `console.pem`, `console.key` | the console's certificate, when it has none from elsewhere |
//! | `acme/` | the account at a certificate authority, and the console's certificate from there |
//! | `lock` | locked while a cloud runs |
//! | `run.json` | while a cloud runs: where it listens, for scripts |
//! | `control.sock` | while a cloud runs: the command line's way in |
//!
//! Keys and certificates are the link's business: see `conclave-link-cloud`.

use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The folder, not yet locked.
#[derive(Debug, Clone)]
pub struct DataFolder {
    path: PathBuf,
}

/// The folder, ours until this is dropped.
#[derive(Debug)]
pub struct LockedFolder {
    folder: DataFolder,
    /// Locked as long as it is open.
    _lock: File,
}

/// What `run.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Where rooms link.
    pub link: Vec<SocketAddr>,
    /// The control socket.
    pub control: PathBuf,
    /// Where metrics are served, if they are.
    #[serde(default)]
    pub metrics: Option<SocketAddr>,
    /// What links to the console begin with, if there is one.
    #[serde(default)]
    pub console: Option<String>,
    /// The cloud's process.
    pub pid: u32,
}

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be made or written.
    #[error("the data folder {path} cannot be used: check that it can be created and written")]
    Unusable {
        /// Which folder or file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Its disk takes nothing: mounted so, or since the kernel found it faulty.
    #[error(
        "the data folder {path} is on a read-only disk: look in the system's log why (dmesg), mount it \
         for writing (mount -o remount,rw), and start the cloud again; nothing in the folder is lost"
    )]
    ReadOnly {
        /// Which folder or file.
        path: PathBuf,
    },
    /// Another cloud has it.
    #[error(
        "another conclave-cloud runs on {path}: stop it first, or choose another folder with --data"
    )]
    InUse {
        /// Which folder.
        path: PathBuf,
    },
}

impl DataFolder {
    /// Names a folder; nothing is touched yet.
    pub fn at(path: &Path) -> DataFolder {
        // Absolute, so that what we write down about it is true wherever it is read.
        DataFolder { path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()) }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.path.join("cloud.db")
    }

    /// The control socket.
    pub fn control_socket(&self) -> PathBuf {
        self.path.join("control.sock")
    }

    /// How the last calls went.
    pub fn calls(&self) -> PathBuf {
        self.path.join("calls.jsonl")
    }

    /// With which the secrets of second factors are sealed in the database.
    pub fn vault_key(&self) -> PathBuf {
        self.path.join("vault.key")
    }

    /// Where a running cloud says how it can be reached.
    pub fn run_file(&self) -> PathBuf {
        self.path.join("run.json")
    }

    /// Makes the folder (mode 0700) if it is not there.
    pub fn create(&self) -> Result<(), FolderError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.path)
            .map_err(|source| unusable(&self.path, source))
    }

    /// Makes the folder if need be and takes it for this process alone.
    pub fn lock(&self) -> Result<LockedFolder, FolderError> {
        self.create()?;
        let path = self.path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(|source| unusable(&path, source))?;
        match lock.try_lock() {
            Ok(()) => Ok(LockedFolder { folder: self.clone(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FolderError::InUse { path: self.path.clone() }),
            Err(TryLockError::Error(source)) => Err(unusable(&path, source)),
        }
    }
}

impl LockedFolder {
    /// The folder.
    pub fn folder(&self) -> &DataFolder {
        &self.folder
    }

    /// Says where the cloud can be reached: all or nothing, for whoever waits for the file.
    pub fn announce(&self, run: &Run) -> Result<(), FolderError> {
        let path = self.folder.run_file();
        let draft = self.folder.path.join("run.json.new");
        let write = || {
            let mut file = OpenOptions::new()
                .create(true)
                .truncate(true)
                .write(true)
                .mode(0o600)
                .open(&draft)?;
            file.write_all(serde_json::to_string(run)?.as_bytes())?;
            file.write_all(b"\n")?;
            fs::rename(&draft, &path)
        };
        write().map_err(|source| unusable(&path, source))
    }

    /// Takes away what only a running cloud leaves in the folder: at a clean stop, and at a start
    /// after an unclean one.
    pub fn clear_traces(&self) {
        for path in [self.folder.run_file(), self.folder.control_socket()] {
            if let Err(error) = fs::remove_file(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(path = %path.display(), %error, "cannot remove an old file");
            }
        }
    }
}

fn unusable(path: &Path, source: io::Error) -> FolderError {
    if source.kind() == io::ErrorKind::ReadOnlyFilesystem {
        return FolderError::ReadOnly { path: path.to_owned() };
    }
    FolderError::Unusable { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn a_second_cloud_on_the_same_folder_is_refused_until_the_first_one_is_gone() {
        let temp = tempfile::tempdir().unwrap();
        let folder = DataFolder::at(&temp.path().join("data"));
        let first = folder.lock().unwrap();
        let refused = folder.lock().unwrap_err();
        assert!(matches!(refused, FolderError::InUse { .. }), "{refused}");
        drop(first);
        folder.lock().unwrap();
        let mode = fs::metadata(folder.path()).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o700);
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_told() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("data");
        fs::write(&path, "").unwrap();
        let refused = DataFolder::at(&path).lock().unwrap_err();
        assert!(matches!(refused, FolderError::Unusable { .. }), "{refused}");
    }

    #[test]
    fn what_is_announced_can_be_read_and_is_cleared() {
        let temp = tempfile::tempdir().unwrap();
        let locked = DataFolder::at(temp.path()).lock().unwrap();
        let run = Run {
            link: vec!["127.0.0.1:41234".parse().unwrap()],
            control: locked.folder().control_socket(),
            metrics: None,
            console: None,
            pid: 7,
        };
        locked.announce(&run).unwrap();
        let text = fs::read_to_string(locked.folder().run_file()).unwrap();
        assert_eq!(serde_json::from_str::<Run>(&text).unwrap(), run);
        locked.clear_traces();
        assert!(!locked.folder().run_file().exists());
    }
}
