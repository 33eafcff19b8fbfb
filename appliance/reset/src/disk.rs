//! The partitions of the disk that the system came from, as the kernel lists them.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

/// The kernel's name of the partition with this label; `None` when there is none. `block` is
/// `/sys/class/block`, `disk` the disk's device file.
///
/// Only this disk counts: a stick that is plugged in may hold partitions of the same labels.
pub(crate) fn partition(block: &Path, disk: &Path, label: &str) -> Result<Option<String>> {
    let name = disk.file_name().context("the disk has no name")?;
    let folder = fs::canonicalize(block.join(name))
        .with_context(|| format!("the kernel does not know {}", disk.display()))?;
    let wanted = format!("PARTNAME={label}");
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())?.flatten() {
        let Ok(told) = fs::read_to_string(entry.path().join("uevent")) else { continue };
        if told.lines().any(|line| line == wanted) {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    if found.len() > 1 {
        bail!("{} has more than one partition {label}", disk.display());
    }
    Ok(found.pop())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_found_by_its_label_on_its_own_disk() {
        let folder = tempfile::tempdir().unwrap();
        let part = |disk: &str, name: &str, label: &str| {
            let place = folder.path().join(disk).join(name);
            fs::create_dir_all(&place).unwrap();
            let told = format!("DEVTYPE=partition\nPARTN=1\nPARTNAME={label}\n");
            fs::write(place.join("uevent"), told).unwrap();
        };
        part("sda", "sda8", "conclave-data");
        part("vda", "vda8", "conclave-data");
        part("vda", "vda9", "conclave-data-of-old");
        part("vdb", "vdb1", "other");
        part("vdc", "vdc1", "conclave-data");
        part("vdc", "vdc2", "conclave-data");
        let of =
            |disk: &str| partition(folder.path(), &Path::new("/dev").join(disk), "conclave-data");
        assert_eq!(of("vda").unwrap().as_deref(), Some("vda8"));
        assert_eq!(of("vdb").unwrap(), None);
        assert!(of("vdc").is_err(), "which one is meant?");
        assert!(of("vdd").is_err());
    }
}
