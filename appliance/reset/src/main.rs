//! conclave-reset: destroys the keys of the data partition, for a factory reset.
//!
//! The data partition is LUKS2: whoever has none of its key slots has nothing but noise. They lie with
//! both copies of the header in its first 16 MiB; a key that is sealed in a TPM lies there too,
//! and one of a board without a TPM on the partition conclave-key.
//!
//! 1. The first block is overwritten with a mark. From here on there is no way back: the initial RAM
//!    disk finishes what it finds begun, and has the partition made anew.
//! 2. The key partition is overwritten.
//! 3. The rest of the header area is overwritten.
//! 4. What came of it is written for the daemon, which shows it and has the machine restarted. Until
//!    then the system goes on: the kernel has the key in its memory, and the data begin behind the area.
//!
//! On flash the medium may keep what stood there in places that nobody can address any more. Behind a
//! TPM that is no use to anybody who takes the disk away.

#![forbid(unsafe_code)]

mod disk;
mod erase;

use anyhow::{Context, Result};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A link of the initial RAM disk: the disk that the system came from.
const DISK: &str = "/run/conclave-disk";
/// What the daemon takes for done; anything else says why it is not.
const ERASED: &str = "erased";

fn main() -> ExitCode {
    let word = match erase_this_disk() {
        Ok(()) => {
            let _ = writeln!(std::io::stdout(), "The keys of the data partition are destroyed.");
            ERASED.to_owned()
        }
        Err(trouble) => {
            eprintln!("The data partition is not erased: {trouble:#}");
            format!("{trouble:#}")
        }
    };
    // It has done what it can: a failure would only have it started again.
    match tell(&word) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("The daemon does not hear of it: {trouble:#}");
            ExitCode::FAILURE
        }
    }
}

fn erase_this_disk() -> Result<()> {
    let disk = fs::canonicalize(DISK).with_context(|| DISK.to_owned())?;
    let (block, udev) = (Path::new("/sys/class/block"), Path::new("/run/udev/data"));
    let data = disk::partition(block, udev, &disk, "conclave-data")?;
    let data = data.with_context(|| format!("{} has no data partition", disk.display()))?;
    let key = disk::partition(block, udev, &disk, "conclave-key")?;
    let device = |name: String| Path::new("/dev").join(name);
    erase::keys(&device(data), key.map(device).as_deref())
}

/// Whole or not at all: the daemon may look at any moment.
fn tell(word: &str) -> Result<()> {
    let folder = std::env::var_os("RUNTIME_DIRECTORY").context("RUNTIME_DIRECTORY is not set")?;
    let folder = PathBuf::from(folder);
    let beside = folder.join("outcome.new");
    fs::write(&beside, format!("{word}\n"))?;
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o644))?;
    fs::rename(beside, folder.join("outcome"))?;
    Ok(())
}
