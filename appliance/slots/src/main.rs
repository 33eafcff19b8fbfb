//! conclave-slots: makes both slots known to a UEFI firmware, by the names that RAUC uses.
//!
//! A new disk is started by the file that any firmware looks for (`EFI/BOOT/BOOTX64.EFI`). From then on
//! two entries stand before all others, `conclave_a` and `conclave_b`, each for one boot partition: RAUC
//! sets which one comes next, and which one stays. Without them no update could be tried once and taken
//! back. It is run at each start, and does nothing where they are already right.
//!
//! `conclave-slots came-up`, once the room is in use: the initial RAM disk need not count this start any more.

#![forbid(unsafe_code)]

mod came_up;
mod disk;
mod entries;

use anyhow::{Context, Result, bail};
use entries::{Slot, Step};
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};

/// What the firmware of a slot starts, in the words of UEFI.
const LOADER: &str = r"\EFI\conclave\conclave.efi";
/// A file of the initial RAM disk: which slot was started.
const BOOTED: &str = "/run/conclave-slot";
/// A link of the initial RAM disk: the partition where it counts starts.
const KEY: &str = "/run/conclave-key";
/// A link of the initial RAM disk: the disk that the system came from.
const DISK: &str = "/run/conclave-disk";

fn main() -> ExitCode {
    let (done, without) = match std::env::args().nth(1).as_deref() {
        None => (make_known(), "The firmware does not know both slots, so no update can be tried"),
        Some("came-up") => (
            came_up(),
            "This start counts as one that failed; after four the other slot is started",
        ),
        Some(_) => {
            eprintln!("conclave-slots [came-up]");
            return ExitCode::FAILURE;
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("{without}: {trouble:#}");
            ExitCode::FAILURE
        }
    }
}

fn came_up() -> Result<()> {
    let partition = std::fs::canonicalize(KEY).with_context(|| KEY.to_owned())?;
    came_up::forget_starts(&partition, &booted()?)
}

/// RAUC's name of the slot that was started.
fn booted() -> Result<String> {
    let booted = std::fs::read_to_string(BOOTED).with_context(|| BOOTED.to_owned())?;
    let name = booted.trim().strip_prefix("CONCLAVE_SLOT=");
    Ok(name.with_context(|| format!("{BOOTED} names no slot"))?.to_owned())
}

fn make_known() -> Result<()> {
    if !Path::new("/sys/firmware/efi/efivars").exists() {
        say("This board has no UEFI: its boot loader knows the slots by itself.");
        return Ok(());
    }
    let booted = booted()?;
    let disk = std::fs::canonicalize(DISK).with_context(|| DISK.to_owned())?;
    let slots = disk::boot_partitions(
        Path::new("/sys/class/block"),
        Path::new("/dev/disk/by-partuuid"),
        &disk,
    )?;
    let known = efibootmgr(&["-v"])?;
    let steps = entries::steps(&known, &slots, &booted)?;
    if steps.is_empty() {
        say("The firmware knows both slots.");
    }
    for step in steps {
        match step {
            Step::Remove { number } => {
                efibootmgr(&["--quiet", "--bootnum", &number, "--delete-bootnum"])?;
                say(&format!(
                    "Entry {number} of the firmware was for another disk and is removed."
                ));
            }
            Step::Create(Slot { label, partition, .. }) => {
                let disk = disk.to_str().context("the disk's name is no text")?;
                let partition = partition.to_string();
                let create = ["--quiet", "--create", "--disk", disk, "--part", &partition];
                efibootmgr(&[&create[..], &["--label", &label, "--loader", LOADER]].concat())?;
                say(&format!("The firmware knows {label} now: partition {partition}."));
            }
        }
    }
    Ok(())
}

/// For the journal.
fn say(line: &str) {
    // Nothing is done differently when nobody keeps it.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn efibootmgr(arguments: &[&str]) -> Result<String> {
    let done = Command::new("efibootmgr").args(arguments).output().context("efibootmgr")?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        bail!("efibootmgr {} said: {}", arguments.join(" "), said.trim());
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}
