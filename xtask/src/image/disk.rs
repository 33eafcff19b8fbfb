//! The disk: the same partitions on every board, known by their labels.
//!
//! | label             | MiB  | what                                                              |
//! | conclave-esp-a    | 96   | FAT: what the firmware starts of slot A                           |
//! | conclave-esp-b    | 96   | slot B's; one each, so that an update writes no file beside a running slot's |
//! | conclave-system-a | 1024 | squashfs and hashes                                               |
//! | conclave-system-b | 1024 | the same                                                          |
//! | conclave-site     | 64   | FAT: cloud.toml, written by whoever installs the room             |
//! | conclave-key      | 1    | 64 octets, made at the first boot; used where there is no TPM     |
//! | conclave-data     | rest | LUKS2, made at the first boot                                     |

use super::cache::{self, Ingredients};
use super::slot::Slot;
use super::{Image, Plan, output};
use crate::steps::Steps;
use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bump it when the same slot has to give another disk.
const RECIPE: &str = "2";
const MIB: u64 = 1024 * 1024;
/// The whole disk: what the partitions take and a GiB for data. A real disk is larger, and data
/// fills it.
const DISK_MIB: u64 = 3400;
const ESP_MIB: u64 = 96;
const SYSTEM_MIB: u64 = 1024;
const SITE_MIB: u64 = 64;
const KEY_MIB: u64 = 1;
/// Where the first partition begins.
const FIRST_MIB: u64 = 1;

/// One partition: its label, its type as sgdisk knows it, its size.
const PARTITIONS: [(&str, &str, u64); 6] = [
    ("conclave-esp-a", "ef00", ESP_MIB),
    ("conclave-esp-b", "ef00", ESP_MIB),
    ("conclave-system-a", "8304", SYSTEM_MIB),
    ("conclave-system-b", "8304", SYSTEM_MIB),
    ("conclave-site", "0700", SITE_MIB),
    ("conclave-key", "8300", KEY_MIB),
];

/// Where a partition begins, in MiB.
fn begin_of(label: &str) -> u64 {
    let before = PARTITIONS.iter().take_while(|(name, ..)| *name != label);
    FIRST_MIB + before.map(|(.., size)| size).sum::<u64>()
}

/// Builds the disk, or finds that the one that is there is still right.
pub(crate) fn build(
    steps: &mut Steps,
    plan: &Plan,
    slot: &Slot,
    bundle: PathBuf,
    folder: &Path,
) -> Result<Image> {
    let disk = folder.join("conclave.img");
    let image = Image {
        disk: disk.clone(),
        kernel: slot.kernel.clone(),
        initrd: slot.initrd.clone(),
        command_line: slot.command_line.clone(),
        bundle,
    };
    let mut ingredients = Ingredients::default();
    ingredients.word("recipe", RECIPE).word("slot", &slot.key);
    if let Some(cloud) = &plan.cloud {
        ingredients.path(cloud)?;
    }
    let key = ingredients.key()?;
    let key_file = folder.join("disk.key");
    if cache::is_current(&key_file, &key) && disk.exists() {
        eprintln!("✓ The disk is there already.");
        return Ok(image);
    }
    cache::begin(&key_file)?;
    let mut command = Command::new("sgdisk");
    let _ = fs::remove_file(&disk);
    fs::File::create(&disk)?.set_len(DISK_MIB * MIB)?;
    for (at, (label, kind, size)) in PARTITIONS.iter().enumerate() {
        let number = at + 1;
        command.arg(format!("--new={number}:{}M:+{size}M", begin_of(label)));
        command.arg(format!("--typecode={number}:{kind}"));
        command.arg(format!("--change-name={number}:{label}"));
    }
    steps.run("Lay out the disk", command.arg(&disk), "sgdisk says above why")?;
    let site = fat(folder, "site.fat", "SITE", SITE_MIB)?;
    if let Some(cloud) = &plan.cloud {
        output(Command::new("mcopy").arg("-i").arg(&site).arg(cloud).arg("::/cloud.toml"))
            .with_context(|| format!("{} cannot be copied", cloud.display()))?;
    }
    // A new room has the same system twice: it can fall back from its first day on.
    for slot_name in ["a", "b"] {
        write_into(&disk, &format!("conclave-esp-{slot_name}"), &slot.boot)?;
        write_into(&disk, &format!("conclave-system-{slot_name}"), &slot.system)?;
    }
    write_into(&disk, "conclave-site", &site)?;
    fs::remove_file(site)?;
    cache::made(&key_file, &key)?;
    Ok(image)
}

/// The file system of a boot partition: the same octets for both slots, and for updates.
pub(crate) fn boot(folder: &Path, unified: &Path) -> Result<PathBuf> {
    let boot = fat(folder, "boot.vfat", "CONCLAVE", ESP_MIB)?;
    let mtool = |name: &str| {
        let mut command = Command::new(name);
        // The same system gives the same octets: no clock in it.
        command.env("SOURCE_DATE_EPOCH", "0").arg("-i").arg(&boot);
        command
    };
    output(mtool("mmd").args(["::/EFI", "::/EFI/BOOT", "::/EFI/conclave"]))?;
    // The first is what the entries of the firmware name (conclave-slots makes them at the first start);
    // the second is what a firmware starts that has no entry yet.
    for place in ["::/EFI/conclave/conclave.efi", "::/EFI/BOOT/BOOTX64.EFI"] {
        output(mtool("mcopy").arg(unified).arg(place))?;
    }
    Ok(boot)
}

fn fat(folder: &Path, name: &str, label: &str, mib: u64) -> Result<PathBuf> {
    let path = folder.join(name);
    let _ = fs::remove_file(&path);
    fs::File::create(&path)?.set_len(mib * MIB)?;
    output(Command::new("mkfs.vfat").args(["--invariant", "-F", "32", "-n", label]).arg(&path))?;
    Ok(path)
}

/// Writes a file to the beginning of a partition; holes stay holes.
fn write_into(disk: &Path, label: &str, file: &Path) -> Result<()> {
    let size =
        PARTITIONS.iter().find(|(name, ..)| *name == label).map_or(0, |(.., size)| size * MIB);
    let length = fs::metadata(file)?.len();
    if length > size {
        bail!(
            "{} has {} MiB and the partition {label} {} MiB: leave more out \
             (appliance/debian/left-out.txt), or make the partitions larger before the first room \
             is installed",
            file.display(),
            length / MIB,
            size / MIB
        );
    }
    let disk = fs::OpenOptions::new().write(true).open(disk)?;
    let file = fs::File::open(file)?;
    let mut piece = vec![0; MIB as usize];
    let mut at = 0;
    while at < length {
        let read = file.read_at(&mut piece, at)?;
        if read == 0 {
            break;
        }
        if piece[..read].iter().any(|octet| *octet != 0) {
            disk.write_all_at(&piece[..read], begin_of(label) * MIB + at)?;
        }
        at += read as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partitions_leave_room_for_data() {
        let (last, _, size) = PARTITIONS[PARTITIONS.len() - 1];
        assert!(begin_of(last) + size + 1024 <= DISK_MIB);
        assert_eq!(begin_of("conclave-esp-b"), FIRST_MIB + ESP_MIB);
    }

    #[test]
    fn the_units_speak_of_partitions_that_there_are() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../appliance/system");
        let output = output(
            Command::new("grep")
                .args(["-rhoE", "by-partlabel[/-](conclave(-|\\\\x2d)[a-z-]+)"])
                .arg(folder),
        );
        for found in output.unwrap().lines() {
            let label = found["by-partlabel/".len()..].replace("\\x2d", "-");
            let known =
                label == "conclave-data" || PARTITIONS.iter().any(|(name, ..)| *name == label);
            assert!(known, "{label}");
        }
    }
}
