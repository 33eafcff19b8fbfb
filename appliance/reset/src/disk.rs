//! The partitions of the disk that the system came from, as the kernel lists them and udev names them.
//!
//! The kernel reads labels with the partition table, at the start of the machine: of a partition that was made
//! since then, as the data partition in a room's first start, it knows none. udev does.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

/// The kernel's name of the partition with this label; `None` when there is none. `block` is
/// `/sys/class/block`, `udev` is `/run/udev/data`, `disk` the disk's device file.
///
/// Only this disk counts: a stick that is plugged in may hold partitions of the same labels.
pub(crate) fn partition(
    block: &Path,
    udev: &Path,
    disk: &Path,
    label: &str,
) -> Result<Option<String>> {
    let name = disk.file_name().context("the disk has no name")?;
    let folder = fs::canonicalize(block.join(name))
        .with_context(|| format!("the kernel does not know {}", disk.display()))?;
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())?.flatten() {
        let Ok(told) = fs::read_to_string(entry.path().join("uevent")) else { continue };
        let value = |key: &str| told.lines().find_map(|line| line.strip_prefix(key));
        let by_kernel = value("PARTNAME=").map(str::to_owned);
        let by_udev = || {
            let file = format!("b{}:{}", value("MAJOR=")?, value("MINOR=")?);
            let known = fs::read_to_string(udev.join(file)).ok()?;
            let name = known.lines().find_map(|line| line.strip_prefix("E:ID_PART_ENTRY_NAME="))?;
            Some(name.to_owned())
        };
        if by_kernel.or_else(by_udev).as_deref() == Some(label) {
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
        let udev = folder.path().join("udev");
        let of = |disk: &str| {
            partition(folder.path(), &udev, &Path::new("/dev").join(disk), "conclave-data")
        };
        assert_eq!(of("vda").unwrap().as_deref(), Some("vda8"));
        assert_eq!(of("vdb").unwrap(), None);
        assert!(of("vdc").is_err(), "which one is meant?");
        assert!(of("vdd").is_err());
    }

    #[test]
    fn a_partition_that_was_made_since_the_start_is_found_by_what_udev_knows() {
        let folder = tempfile::tempdir().unwrap();
        let (block, udev) = (folder.path().join("block"), folder.path().join("udev"));
        for minor in [6, 7] {
            let place = block.join("vda").join(format!("vda{minor}"));
            fs::create_dir_all(&place).unwrap();
            fs::write(place.join("uevent"), format!("MAJOR=254\nMINOR={minor}\nPARTN={minor}\n"))
                .unwrap();
        }
        let of = |label| partition(&block, &udev, Path::new("/dev/vda"), label).unwrap();
        assert_eq!(of("conclave-data"), None);
        fs::create_dir(&udev).unwrap();
        fs::write(udev.join("b254:7"), "S:disk/x\nE:ID_PART_ENTRY_NAME=conclave-data\n").unwrap();
        assert_eq!(of("conclave-data").as_deref(), Some("vda7"));
        assert_eq!(of("conclave-key"), None);
    }
}
