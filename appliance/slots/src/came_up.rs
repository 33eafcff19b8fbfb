//! The slot that runs has come up: the count of its starts, which the initial RAM disk keeps, ends.

use anyhow::{Context, Result};
use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

/// A sector: the least that a disk writes at once, so that a power cut leaves the old count or none.
const SECTOR: usize = 512;
/// Where the partition conclave-key holds the count of slot a; that of slot b follows after eight sectors
/// (appliance/initramfs/init).
const FIRST: u64 = 1024;

/// Removes the count of the slot with RAUC's name `booted` from `partition`.
pub(crate) fn forget_starts(partition: &Path, booted: &str) -> Result<()> {
    let sector = match booted {
        "conclave_a" => FIRST,
        "conclave_b" => FIRST + 8,
        other => anyhow::bail!("'{other}' is the name of no slot"),
    };
    let place = || partition.display().to_string();
    let mut file = OpenOptions::new().write(true).open(partition).with_context(place)?;
    file.seek(SeekFrom::Start(sector * SECTOR as u64)).with_context(place)?;
    file.write_all(&[0; SECTOR]).with_context(place)?;
    file.sync_all().with_context(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn only_the_count_of_the_slot_that_runs_goes() {
        let path = std::env::temp_dir().join(format!("conclave-came-up-{}", std::process::id()));
        fs::write(&path, vec![7; 1024 * 1024]).unwrap();
        forget_starts(&path, "conclave_b").unwrap();
        let left = fs::read(&path).unwrap();
        let zeros = 1032 * 512..1033 * 512;
        for (place, octet) in left.iter().enumerate() {
            assert_eq!(*octet == 0, zeros.contains(&place), "{place}");
        }
        assert_eq!(left.len(), 1024 * 1024);
        assert!(forget_starts(&path, "conclave_c").is_err());
        fs::remove_file(&path).unwrap();
    }
}
