//! A wall clock that jumps, for one process: libfaketime (Debian's) between it and the kernel. Clocks
//! that only measure go on as they are, as they do when a real wall clock is set.

use crate::process::Around;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// A process's wall clock.
#[derive(Debug)]
pub struct WallClock {
    file: PathBuf,
    library: PathBuf,
}

impl WallClock {
    /// A clock that is right, kept in this file.
    pub fn right(file: &Path) -> Result<WallClock> {
        // One folder per architecture.
        let library = std::fs::read_dir("/usr/lib")?
            .filter_map(|folder| Some(folder.ok()?.path().join("faketime/libfaketimeMT.so.1")))
            .find(|library| library.is_file())
            .context("libfaketime is not installed; `cargo xtask install` gets it")?;
        let clock = WallClock { file: file.to_owned(), library };
        clock.set("+0")?;
        Ok(clock)
    }

    /// Sets it to now and this much: `+10y`, `-10y`, `+0`. Seen within a second.
    pub fn set(&self, to: &str) -> Result<()> {
        let draft = self.file.with_extension("new");
        std::fs::write(&draft, format!("{to}\n"))?;
        Ok(std::fs::rename(&draft, &self.file)?)
    }

    /// What a process with this clock finds round it.
    pub fn around(&self) -> Around {
        let words = |text: &Path| text.to_string_lossy().into_owned();
        let environment = vec![
            ("LD_PRELOAD".to_owned(), words(&self.library)),
            ("FAKETIME_TIMESTAMP_FILE".to_owned(), words(&self.file)),
            ("FAKETIME_CACHE_DURATION".to_owned(), "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC".to_owned(), "1".to_owned()),
            ("DONT_FAKE_MONOTONIC".to_owned(), "1".to_owned()),
        ];
        Around { environment, open_files: None }
    }
}
