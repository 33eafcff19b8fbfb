//! The boot partitions of the disk that the system came from, as the kernel lists them.

use crate::entries::Slot;
use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

/// Both slots' boot partitions, slot A first. `block` is `/sys/class/block`, `guids` what udev makes at
/// `/dev/disk/by-partuuid` (not every kernel tells GUIDs itself), `disk` the disk's device file.
///
/// Only this disk counts: a stick that is plugged in may hold partitions of the same names.
pub(crate) fn boot_partitions(block: &Path, guids: &Path, disk: &Path) -> Result<[Slot; 2]> {
    let name = disk.file_name().context("the disk has no name")?;
    let folder = fs::canonicalize(block.join(name))
        .with_context(|| format!("the kernel does not know {}", disk.display()))?;
    Ok([partition(&folder, guids, "a")?, partition(&folder, guids, "b")?])
}

fn partition(disk: &Path, guids: &Path, slot: &str) -> Result<Slot> {
    let wanted = format!("PARTNAME=conclave-esp-{slot}");
    for entry in fs::read_dir(disk).with_context(|| disk.display().to_string())?.flatten() {
        let folder = entry.path();
        let Ok(told) = fs::read_to_string(folder.join("uevent")) else { continue };
        if !told.lines().any(|line| line == wanted) {
            continue;
        }
        let field = |name: &str| told.lines().find_map(|line| line.strip_prefix(name));
        let guid = guid(guids, &entry.file_name())?;
        let partition = field("PARTN=").context("the kernel tells no number of partitions")?;
        return Ok(Slot {
            label: format!("conclave_{slot}"),
            partition: partition.parse().context("a partition's number")?,
            guid,
        });
    }
    anyhow::bail!("{} has no partition conclave-esp-{slot}", disk.display())
}

/// The name of the link that leads to this device.
fn guid(guids: &Path, device: &OsStr) -> Result<String> {
    for link in fs::read_dir(guids).with_context(|| guids.display().to_string())?.flatten() {
        if fs::read_link(link.path()).is_ok_and(|to| to.file_name() == Some(device)) {
            return Ok(link.file_name().to_string_lossy().to_ascii_lowercase());
        }
    }
    anyhow::bail!("udev knows no GUID of {}", device.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn partitions_of_another_disk_are_not_taken() {
        let folder = std::env::temp_dir().join(format!("conclave-slots-{}", std::process::id()));
        let part = |disk: &str, name: &str, number: u32, label: &str| {
            let place = folder.join(disk).join(name);
            fs::create_dir_all(&place).unwrap();
            let told = format!("DEVTYPE=partition\nPARTN={number}\nPARTNAME={label}\n");
            fs::write(place.join("uevent"), told).unwrap();
            let guid = format!("5CA1AB1E-0000-4000-8000-00000000000{number}");
            let links = folder.join("guids");
            fs::create_dir_all(&links).unwrap();
            symlink(format!("../../{name}"), links.join(guid)).unwrap();
        };
        part("sda", "sda4", 4, "conclave-esp-a");
        part("vda", "vda1", 1, "conclave-esp-a");
        part("vda", "vda2", 2, "conclave-esp-b");
        let [a, b] =
            boot_partitions(&folder, &folder.join("guids"), Path::new("/dev/vda")).unwrap();
        assert_eq!((a.label.as_str(), a.partition), ("conclave_a", 1));
        assert_eq!((b.label.as_str(), b.partition), ("conclave_b", 2));
        assert_eq!(b.guid, "5ca1ab1e-0000-4000-8000-000000000002");
        let trouble =
            boot_partitions(&folder, &folder.join("guids"), Path::new("/dev/sda")).unwrap_err();
        assert!(trouble.to_string().contains("no partition conclave-esp-b"), "{trouble}");
        fs::remove_dir_all(folder).unwrap();
    }
}
