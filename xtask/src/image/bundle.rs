//! The update: boot partition and system slot in one signed RAUC bundle of the verity format.

use super::cache::{self, Ingredients};
use super::slot::Slot;
use super::tree::COMPATIBLE;
use super::{Plan, output};
use crate::steps::Steps;
use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bump it when the same slot has to give another bundle.
const RECIPE: &str = "2";

/// Builds the bundle, or finds that the one that is there is still right.
pub(crate) fn build(steps: &mut Steps, plan: &Plan, slot: &Slot, folder: &Path) -> Result<PathBuf> {
    let bundle = folder.join("conclave.raucb");
    let certificate = plan.keys.join("update.crt");
    let key = Ingredients::default()
        .word("recipe", RECIPE)
        .word("slot", &slot.key)
        .path(&certificate)?
        .key()?;
    let key_file = folder.join("bundle.key");
    if cache::is_current(&key_file, &key) && bundle.exists() {
        eprintln!("✓ The update is there already.");
        return Ok(bundle);
    }
    cache::begin(&key_file)?;
    let _ = fs::remove_file(&bundle);
    let content = folder.join("bundle");
    if content.exists() {
        fs::remove_dir_all(&content)?;
    }
    fs::create_dir_all(&content)?;
    for (file, name) in [(&slot.system, "system.img"), (&slot.boot, "boot.vfat")] {
        output(Command::new("cp").args(["--sparse=always"]).arg(file).arg(content.join(name)))?;
    }
    fs::write(content.join("manifest.raucm"), manifest(&plan.release))?;
    let mut command = Command::new("rauc");
    command
        .arg("bundle")
        // The system is packed already: packing it again takes minutes and gains nothing.
        .arg("--mksquashfs-args=-noI -noD -noF -noX")
        .arg(format!("--cert={}", certificate.display()))
        .arg(format!("--key={}", plan.keys.join("update.key").display()))
        .arg(format!("--keyring={}", plan.keys.join("update-ca.crt").display()))
        .arg(&content)
        .arg(&bundle);
    steps.run("Sign the update", &mut command, "rauc says above why")?;
    fs::remove_dir_all(&content)?;
    cache::made(&key_file, &key)?;
    Ok(bundle)
}

/// The classes are those of the slots in `appliance/rauc/system.conf`.
fn manifest(release: &str) -> String {
    format!(
        "[update]\ncompatible={COMPATIBLE}\nversion={release}\n\n\
         [bundle]\nformat=verity\n\n\
         [image.system]\nfilename=system.img\n\n\
         [image.boot]\nfilename=boot.vfat\n"
    )
}
