//! A room's light, buttons and sensors: the real daemon with its real board, whose lines are files (its
//! feature `driver`). Whoever writes them is the finger.

use anyhow::{Context, Result};
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The lines of a board, by their numbers. What is given to a line or read from it is its level.
#[derive(Debug, Clone)]
pub struct Lines {
    folder: PathBuf,
}

impl Lines {
    /// The lines in this folder.
    pub(crate) fn new(folder: &Path) -> Lines {
        Lines { folder: folder.to_owned() }
    }

    /// Plugs the chip in, all at once: so many lines, and all of them low.
    pub fn plug_in(&self, count: u32) -> Result<()> {
        let making = self.folder.with_extension("new");
        std::fs::create_dir_all(&making)?;
        for line in 0..count {
            std::fs::write(making.join(line.to_string()), "0")?;
        }
        std::fs::rename(&making, &self.folder).context("the lines are there already")
    }

    /// Pulls the chip out; what was on its lines is gone.
    pub fn pull_out(&self) -> Result<()> {
        let gone = self.folder.with_extension("gone");
        std::fs::rename(&self.folder, &gone).context("there are no lines")?;
        Ok(std::fs::remove_dir_all(&gone)?)
    }

    /// Sets a line that the room listens to.
    pub fn set(&self, line: u32, high: bool) -> Result<()> {
        let file = OpenOptions::new().write(true).open(self.file(line));
        let file = file.with_context(|| format!("there is no line {line}"))?;
        // One octet in its place: nobody reads an empty file.
        Ok(file.write_all_at(if high { b"1" } else { b"0" }, 0)?)
    }

    /// Whether a line that the room drives is high.
    pub fn is_high(&self, line: u32) -> Result<bool> {
        let level = std::fs::read(self.file(line));
        Ok(level.with_context(|| format!("there is no line {line}"))?.first() == Some(&b'1'))
    }

    /// Sets what the thermometer reads, in degrees; it is the thermal zone of this type.
    pub fn warm(&self, zone: &str, degrees: i32) -> Result<()> {
        let folder = self.folder.join("sys/class/thermal/thermal_zone0");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("type"), format!("{zone}\n"))?;
        std::fs::write(folder.join("new"), format!("{degrees}000\n"))?;
        Ok(std::fs::rename(folder.join("new"), folder.join("temp"))?)
    }

    fn file(&self, line: u32) -> PathBuf {
        self.folder.join(line.to_string())
    }
}
