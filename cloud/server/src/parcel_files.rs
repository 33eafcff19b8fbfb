//! What rooms sent, as files in the data folder: `from-rooms/ROOM.logs` and `from-rooms/ROOM.panel_picture`.
//!
//! Whoever reads logs may read more than a member of the organisation: the folder is for the cloud's own user alone, and
//! what a cloud finds in it when it starts is removed, for nobody knows any more how old it is.

use crate::control::ParcelKind;
use crate::data_folder::DataFolder;
use conclave_types::RoomId;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

/// The most octets of a file that are read: no room sends more.
const LONGEST: u64 = conclave_link_protocol::message::LONGEST_DELIVERY as u64;

/// The folder.
#[derive(Debug, Clone)]
pub struct ParcelFiles {
    folder: PathBuf,
}

impl ParcelFiles {
    /// The folder, without what an earlier cloud left in it. One that cannot be emptied keeps no cloud from starting.
    pub fn fresh(data: &DataFolder) -> ParcelFiles {
        let folder = data.path().join("from-rooms");
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, folder = %folder.display(), "what rooms sent earlier was not removed");
            }
            _ => {}
        }
        ParcelFiles { folder }
    }

    fn path(&self, room: RoomId, what: ParcelKind) -> PathBuf {
        self.folder.join(format!("{room}.{}", what.as_str()))
    }

    /// Keeps one, whole or not at all.
    ///
    /// # Errors
    /// The disk does not take it.
    pub fn keep(&self, room: RoomId, what: ParcelKind, octets: &[u8]) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let path = self.path(room, what);
        let draft = path.with_extension(format!("{}.new", what.as_str()));
        let mut options = OpenOptions::new();
        let written = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)
            .and_then(|mut file| file.write_all(octets))
            .and_then(|()| fs::rename(&draft, &path));
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written
    }

    /// Reads one.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub fn read(&self, room: RoomId, what: ParcelKind) -> io::Result<Vec<u8>> {
        let mut octets = Vec::new();
        File::open(self.path(room, what))?.take(LONGEST).read_to_end(&mut octets)?;
        Ok(octets)
    }

    /// Removes one, if it is there.
    pub fn remove(&self, room: RoomId, what: ParcelKind) {
        match fs::remove_file(self.path(room, what)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, %room, "what a room sent was not removed");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_a_room_sent_is_for_this_user_alone_and_gone_after_a_restart() {
        let temp = tempfile::tempdir().unwrap();
        let data = DataFolder::at(temp.path());
        let files = ParcelFiles::fresh(&data);
        let (room, other) = (RoomId::from_random(1), RoomId::from_random(2));
        files.keep(room, ParcelKind::Logs, b"a line").unwrap();
        files.keep(room, ParcelKind::PanelPicture, b"a picture").unwrap();
        files.keep(room, ParcelKind::Logs, b"another line").unwrap();
        assert_eq!(files.read(room, ParcelKind::Logs).unwrap(), b"another line");
        assert_eq!(files.read(room, ParcelKind::PanelPicture).unwrap(), b"a picture");
        assert!(files.read(other, ParcelKind::Logs).is_err());
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(files.folder.clone()), 0o700);
        assert_eq!(mode(files.path(room, ParcelKind::Logs)), 0o600);
        assert_eq!(fs::read_dir(&files.folder).unwrap().count(), 2, "no draft is left");
        files.remove(room, ParcelKind::PanelPicture);
        files.remove(room, ParcelKind::PanelPicture);
        assert!(files.read(room, ParcelKind::PanelPicture).is_err());
        let files = ParcelFiles::fresh(&data);
        assert!(files.read(room, ParcelKind::Logs).is_err());
    }

    #[test]
    fn a_disk_that_takes_nothing_is_told_and_leaves_nothing_half() {
        let temp = tempfile::tempdir().unwrap();
        let files = ParcelFiles::fresh(&DataFolder::at(temp.path()));
        fs::write(&files.folder, "a file in its place").unwrap();
        assert!(files.keep(RoomId::from_random(1), ParcelKind::Logs, b"a line").is_err());
    }
}
