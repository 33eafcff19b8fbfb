//! The unified kernel image: one file that the firmware starts, with stub, kernel, initial RAM disk and
//! command line, and one signature over all of them.
//!
//! A firmware whose `db` holds the certificate starts it with Secure Boot on, and refuses it when an octet
//! differs. A firmware without Secure Boot does not look at the signature.

use super::slot::Slot;
use super::{Plan, output};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// systemd's boot stub: what the firmware starts of a unified kernel image.
const STUB: &str = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub";

/// Debian's libfaketime: objcopy and sbsign write down when they ran, and take no word on it.
const CLOCK: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// The certificate that a firmware has to hold.
pub(crate) fn certificate(plan: &Plan) -> PathBuf {
    plan.keys.join("secure-boot.crt")
}

/// Puts the parts together and signs them. The addresses are the ones that systemd's stub of Debian 12
/// leaves free.
pub(crate) fn build(plan: &Plan, tree: &Path, slot: &Slot) -> Result<()> {
    let sections = [
        (".osrel", tree.join("usr/lib/os-release"), "0x20000"),
        (".cmdline", slot.command_line.clone(), "0x30000"),
        (".linux", slot.kernel.clone(), "0x2000000"),
        (".initrd", slot.initrd.clone(), "0x4000000"),
    ];
    let unsigned = slot.unified.with_extension("unsigned");
    let mut together = without_clock("objcopy");
    for (name, file, address) in &sections {
        together.arg("--add-section").arg(format!("{name}={}", file.display()));
        together.arg("--change-section-vma").arg(format!("{name}={address}"));
    }
    output(together.arg(STUB).arg(&unsigned)).context("the unified kernel image")?;
    let mut sign = without_clock("sbsign");
    sign.arg("--key").arg(plan.keys.join("secure-boot.key"));
    sign.arg("--cert").arg(certificate(plan)).arg("--output").arg(&slot.unified).arg(&unsigned);
    output(&mut sign).context("the signature of the unified kernel image")?;
    fs::remove_file(unsigned)?;
    Ok(())
}

/// A program whose clock stands at the first second that FAT and PE know alike: the same system gives the
/// same octets. A firmware does not look at the time of a signature.
fn without_clock(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("LD_PRELOAD", CLOCK).env("TZ", "UTC").env("FAKETIME", "1980-01-01 00:00:00");
    command
}
