//! A disk of one's own: small, so that it can be filled, and made read-only at will.
//!
//! It is a tmpfs, mounted in the namespace of [`crate::in_own_network`] and gone with it.

use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What fills the disk.
const BALLAST: &str = "ballast";

/// A disk that is mounted.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// Makes the folder and mounts a disk of this many KiB there.
    pub fn mount(folder: &Path, kibibytes: u32) -> Result<Disk> {
        std::fs::create_dir_all(folder)?;
        let size = format!("size={kibibytes}k,mode=0700");
        let folder = folder.to_owned();
        mount(&["-t", "tmpfs", "-o", &size, "stage", &folder.to_string_lossy()])?;
        Ok(Disk { folder })
    }

    /// Writes until nothing more fits.
    pub fn fill(&self) -> Result<()> {
        let mut ballast = File::create(self.folder.join(BALLAST))?;
        for size in [64 * 1024, 1024, 1] {
            let piece = vec![0_u8; size];
            loop {
                match ballast.write_all(&piece) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => return Err(error).context("the disk cannot be filled"),
                }
            }
        }
        Ok(())
    }

    /// Gives the space back.
    pub fn free(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.folder.join(BALLAST))?)
    }

    /// Lets nothing be written any more. Nobody may have a file open for writing.
    pub fn read_only(&self) -> Result<()> {
        mount(&["-o", "remount,ro", &self.folder.to_string_lossy()])
    }

    /// Lets it be written again.
    pub fn writable(&self) -> Result<()> {
        mount(&["-o", "remount,rw", &self.folder.to_string_lossy()])
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The namespace goes with the test; this lets the stage's folder be removed before.
        let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
    }
}

fn mount(arguments: &[&str]) -> Result<()> {
    let output = Command::new("mount").args(arguments).output()?;
    if !output.status.success() {
        bail!("mount {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
