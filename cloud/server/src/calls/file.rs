//! The file that keeps the last calls: one line of JSON each, the newest last.
//!
//! It is for people and never for a decision, so it is not synced, and a disk that is full costs
//! lines and nothing else. A line that a crash tore is left out at the next start.

use super::{CallLine, KEPT};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Where ended calls are kept.
#[derive(Debug)]
pub struct CallFile {
    path: PathBuf,
    file: Option<File>,
    lines: usize,
}

impl CallFile {
    /// Opens the file and reads what it keeps, the oldest first. One that cannot be read is begun
    /// anew; one that cannot be written keeps nothing, and says so at each line.
    pub fn open(path: &Path) -> (CallFile, Vec<CallLine>) {
        let text = match fs::read(path) {
            Ok(octets) => String::from_utf8_lossy(&octets).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "cannot read the log of calls");
                String::new()
            }
        };
        let lines: Vec<CallLine> =
            text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let kept = lines[lines.len().saturating_sub(KEPT)..].to_vec();
        let mut file = CallFile { path: path.to_owned(), file: None, lines: 0 };
        file.begin_anew(&kept);
        (file, kept)
    }

    /// Keeps one more. `recent` are those to keep when the file has grown to twice its length.
    pub fn keep(&mut self, line: &CallLine, recent: impl FnOnce() -> Vec<CallLine>) {
        if self.file.is_none() || self.lines >= 2 * KEPT {
            let mut all = recent();
            all.reverse();
            self.begin_anew(&all);
            return;
        }
        let Some(file) = &mut self.file else { return };
        match write_line(file, line) {
            Ok(()) => self.lines += 1,
            Err(error) => {
                tracing::warn!(%error, "cannot keep a call in the log of calls");
                // Half a line may be there: the next call begins the file anew.
                self.file = None;
            }
        }
    }

    fn begin_anew(&mut self, kept: &[CallLine]) {
        let draft = self.path.with_extension("new");
        let write = || {
            let mut file = OpenOptions::new()
                .create(true)
                .truncate(true)
                .write(true)
                .mode(0o600)
                .open(&draft)?;
            kept.iter().try_for_each(|line| write_line(&mut file, line))?;
            fs::rename(&draft, &self.path)?;
            Ok(file)
        };
        let written: io::Result<File> = write();
        self.lines = kept.len();
        self.file = written
            .inspect_err(|error| {
                tracing::warn!(%error, path = %self.path.display(), "cannot write the log of calls");
            })
            .ok();
    }
}

fn write_line(file: &mut File, line: &CallLine) -> io::Result<()> {
    let mut octets = serde_json::to_vec(line)?;
    octets.push(b'\n');
    file.write_all(&octets)
}
