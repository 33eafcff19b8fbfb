//! Overwrites what opens the data partition.

use anyhow::{Context, Result};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Both headers of LUKS2 and all its key slots: systemd-repart and cryptsetup give them the first
/// 16 MiB, and data begin there. More would tear the file system that still runs.
const HEADER_AREA: u64 = 16 * 1024 * 1024;
/// What the initial RAM disk looks for in the first block.
const MARK: &[u8] = b"conclave-reset";
/// The block of the mark: what disks write at once at least, and all of the first header's binary part.
const BLOCK: u64 = 4096;
/// A key partition has 1 MiB. One that is larger by mistake is not waited for all day.
const LONGEST_KEY: u64 = 64 * 1024 * 1024;

/// Overwrites the header area of `data`, and `key` from its beginning to its end, each for good before
/// the next is begun. Partitions that are in use may be overwritten.
pub(crate) fn keys(data: &Path, key: Option<&Path>) -> Result<()> {
    let mut header = open(data)?;
    let area = length(&mut header)?.min(HEADER_AREA);
    let mut mark = vec![0; usize::try_from(area.min(BLOCK))?];
    if let Some(place) = mark.get_mut(..MARK.len()) {
        place.copy_from_slice(MARK);
    }
    header.seek(SeekFrom::Start(0))?;
    header.write_all(&mark).and_then(|()| header.sync_all()).with_context(|| said(data))?;
    if let Some(path) = key {
        let mut key = open(path)?;
        let length = length(&mut key)?.min(LONGEST_KEY);
        zero(&mut key, 0, length).with_context(|| said(path))?;
    }
    zero(&mut header, BLOCK, area).with_context(|| said(data))
}

fn said(path: &Path) -> String {
    format!("{} cannot be overwritten", path.display())
}

fn open(path: &Path) -> Result<File> {
    OpenOptions::new().write(true).open(path).with_context(|| said(path))
}

/// Of a device too, whose metadata do not tell it.
fn length(file: &mut File) -> io::Result<u64> {
    file.seek(SeekFrom::End(0))
}

fn zero(file: &mut File, from: u64, to: u64) -> io::Result<()> {
    file.seek(SeekFrom::Start(from))?;
    io::copy(&mut io::repeat(0).take(to.saturating_sub(from)), file)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::process::Command;

    const MIB: usize = 1024 * 1024;

    #[test]
    fn the_header_area_and_the_key_are_gone_and_the_data_stand() {
        let folder = tempfile::tempdir().unwrap();
        let (data, key) = (folder.path().join("data"), folder.path().join("key"));
        fs::write(&data, vec![0xa5; 17 * MIB]).unwrap();
        fs::write(&key, vec![0xa5; MIB]).unwrap();
        keys(&data, Some(&key)).unwrap();
        let left = fs::read(&data).unwrap();
        assert!(left.starts_with(MARK));
        assert!(left[MARK.len()..16 * MIB].iter().all(|octet| *octet == 0));
        assert!(left[16 * MIB..].iter().all(|octet| *octet == 0xa5) && left.len() == 17 * MIB);
        assert_eq!(fs::read(&key).unwrap(), vec![0; MIB]);
    }

    #[test]
    fn a_partition_that_is_too_short_for_a_header_is_no_trouble() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        for length in [0, 5, 100, 5_000] {
            fs::write(&data, vec![0xa5; length]).unwrap();
            keys(&data, None).unwrap();
            let left = fs::read(&data).unwrap();
            assert_eq!(left.len(), length);
            assert!(!left.contains(&0xa5));
        }
        assert!(keys(&folder.path().join("none"), None).is_err());
    }

    /// With the real cryptsetup, where there is one: what it made cannot be opened any more, and it finds
    /// no second header to repair the first one with.
    #[test]
    fn cryptsetup_finds_nothing_that_it_could_open_or_repair() {
        let folder = tempfile::tempdir().unwrap();
        let (data, key) = (folder.path().join("data"), folder.path().join("key"));
        fs::write(&key, [7; 64]).unwrap();
        File::create(&data).unwrap().set_len(32 * MIB as u64).unwrap();
        let cryptsetup = |arguments: &[&str]| {
            let mut command = Command::new("cryptsetup");
            command.args(arguments).arg(&data).output()
        };
        let key_file = key.display().to_string();
        let iterations = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"];
        let format = ["luksFormat", "--batch-mode", "--type", "luks2", "--key-file", &key_file];
        match cryptsetup(&[&format[..], &iterations[..]].concat()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                eprintln!("SKIPPED: there is no cryptsetup here");
                return;
            }
            made => assert!(made.unwrap().status.success()),
        }
        let opens = ["open", "--test-passphrase", "--key-file", &key_file];
        assert!(cryptsetup(&opens).unwrap().status.success(), "it opens before");
        let dumped = cryptsetup(&["luksDump"]).unwrap().stdout;
        let dumped = String::from_utf8_lossy(&dumped).into_owned();
        assert!(dumped.contains(&format!("offset: {HEADER_AREA} [bytes]")), "{dumped}");

        let beside = fs::read(&key).unwrap();
        keys(&data, Some(&key)).unwrap();
        fs::write(&key, beside).unwrap();
        assert!(!cryptsetup(&opens).unwrap().status.success(), "not with its key either");
        assert!(!cryptsetup(&["repair", "--batch-mode"]).unwrap().status.success());
        assert!(!cryptsetup(&["isLuks"]).unwrap().status.success());
    }
}
