//! Carries out a factory reset.
//!
//! In an image the daemon may not touch the disk: it makes a file, conclave-reset.service destroys the
//! keys of the data partition and writes what came of it into another file, and a third file has the
//! machine restarted. Anywhere else the data folder's content goes and the program ends: whoever
//! supervises it starts it anew, and it finds nothing.

use crate::config;
use anyhow::Context;
use conclave_link_protocol::message::ResetOutcome;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// How long the machine has to erase. It takes a second or two; a slow card on a busy machine more.
const PATIENCE: Duration = Duration::from_secs(90);
/// What the machine's word has at most. Longer words are cut.
const LONGEST_OUTCOME: u64 = 500;
/// What is longer holds no secret and is removed without being overwritten: bundles are.
const MOST_OVERWRITTEN: u64 = 4 * 1024 * 1024;
/// What conclave-reset writes when the keys are gone.
const ERASED: &str = "erased";

/// Who erases.
enum Way {
    /// The machine: an image.
    Machine(config::Reset),
    /// This program: its data folder.
    Folder(PathBuf),
}

/// What has been begun.
enum Begun {
    Nothing,
    ByMachine {
        until: Instant,
    },
    ByUs(JoinHandle<io::Result<()>>),
    /// It cannot even be begun.
    InVain,
}

/// Erases what the room keeps, and restarts.
pub(crate) struct Eraser {
    way: Way,
    begun: Begun,
}

/// What a restart means here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Restart {
    /// The machine was asked; this program goes on until it is stopped.
    Asked,
    /// This program ends.
    End,
}

impl Eraser {
    pub(crate) fn new(reset: Option<config::Reset>, data: &Path) -> Eraser {
        let way = reset.map_or_else(|| Way::Folder(data.to_owned()), Way::Machine);
        Eraser { way, begun: Begun::Nothing }
    }

    /// A daemon that was started again after the keys were destroyed has nothing left to keep: the
    /// machine restarts.
    pub(crate) fn go_on(&mut self) {
        if let Way::Machine(reset) = &self.way
            && reset.outcome.exists()
        {
            tracing::warn!("this machine is being reset");
            self.restart();
        }
    }

    /// Begins. Within a tokio runtime.
    pub(crate) fn begin(&mut self) {
        tracing::warn!("everything that the room keeps is erased");
        self.begun = match &self.way {
            Way::Machine(reset) => match File::create(&reset.request) {
                Ok(_) => Begun::ByMachine { until: Instant::now() + PATIENCE },
                Err(error) => {
                    let file = reset.request.display();
                    tracing::error!(%error, "{file} cannot be made: nothing can be erased");
                    Begun::InVain
                }
            },
            Way::Folder(folder) => {
                let folder = folder.clone();
                Begun::ByUs(tokio::task::spawn_blocking(move || empty(&folder)))
            }
        };
    }

    /// What came of it, once; `None` while it is not known. Asked each second.
    pub(crate) async fn look(&mut self) -> Option<ResetOutcome> {
        let outcome = match &mut self.begun {
            Begun::Nothing => return None,
            Begun::InVain => ResetOutcome::NotErased,
            Begun::ByUs(work) if !work.is_finished() => return None,
            Begun::ByUs(work) => match work.await {
                Ok(Ok(())) => ResetOutcome::FolderErased,
                other => {
                    tracing::error!(?other, "the data folder cannot be emptied");
                    ResetOutcome::NotErased
                }
            },
            Begun::ByMachine { until } => {
                let Way::Machine(reset) = &self.way else { return None };
                match outcome_in(&reset.outcome) {
                    Ok(None) if Instant::now() < *until => return None,
                    Ok(Some(word)) if word == ERASED => ResetOutcome::PartitionErased,
                    other => {
                        tracing::error!(?other, "the machine did not erase its data partition");
                        ResetOutcome::NotErased
                    }
                }
            }
        };
        tracing::warn!(?outcome, "what the room kept");
        self.begun = Begun::Nothing;
        Some(outcome)
    }

    /// Starts anew.
    pub(crate) fn restart(&mut self) -> Restart {
        match &self.way {
            Way::Machine(reset) => {
                if let Err(error) = File::create(&reset.restart) {
                    let file = reset.restart.display();
                    tracing::error!(%error, "{file} cannot be made: the machine does not restart");
                }
                Restart::Asked
            }
            Way::Folder(_) => Restart::End,
        }
    }

    /// Before this program ends for a restart: what was written since goes as well.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        match self.way {
            Way::Machine(_) => Ok(()),
            Way::Folder(folder) => {
                empty(&folder).with_context(|| format!("{} is not empty", folder.display()))
            }
        }
    }
}

/// The machine's word; `None` while there is none.
fn outcome_in(file: &Path) -> io::Result<Option<String>> {
    let file = match File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut word = Vec::new();
    file.take(LONGEST_OUTCOME).read_to_end(&mut word)?;
    let word = String::from_utf8_lossy(&word).trim().to_owned();
    // It is being written.
    Ok((!word.is_empty()).then_some(word))
}

/// Removes everything in a folder. Short files, and keys are short, are overwritten first; on flash
/// the medium may keep what stood there all the same. A link is removed, and not what it leads to.
fn empty(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            empty(&path)?;
            gone(fs::remove_dir(&path))?;
            continue;
        }
        if kind.is_file() {
            gone(overwrite(&path))?;
        }
        gone(fs::remove_file(&path))?;
    }
    File::open(folder)?.sync_all()
}

/// Somebody else may have removed it meanwhile, the database its journal for one.
fn gone(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

fn overwrite(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    let length = file.metadata()?.len();
    if length <= MOST_OVERWRITTEN {
        io::copy(&mut io::repeat(0).take(length), &mut file)?;
        file.flush()?;
        file.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(folder: &Path) -> (Eraser, config::Reset) {
        let reset = config::Reset {
            request: folder.join("reset"),
            outcome: folder.join("outcome"),
            restart: folder.join("restart"),
        };
        (Eraser::new(Some(reset.clone()), folder), reset)
    }

    #[tokio::test]
    async fn the_machine_is_asked_and_its_word_is_believed() {
        for (word, outcome) in [
            ("erased\n", ResetOutcome::PartitionErased),
            ("the disk cannot be written\n", ResetOutcome::NotErased),
            ("erased, or so it seems", ResetOutcome::NotErased),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let (mut eraser, reset) = machine(folder.path());
            eraser.begin();
            assert!(reset.request.exists());
            assert_eq!(eraser.look().await, None);
            fs::write(&reset.outcome, "").unwrap();
            assert_eq!(eraser.look().await, None, "it is being written");
            fs::write(&reset.outcome, word).unwrap();
            assert_eq!(eraser.look().await, Some(outcome));
            assert_eq!(eraser.look().await, None, "once");
            assert_eq!(eraser.restart(), Restart::Asked);
            assert!(reset.restart.exists());
            eraser.finish().unwrap();
        }
    }

    #[tokio::test]
    async fn a_machine_that_says_nothing_or_cannot_be_asked_has_not_erased() {
        let folder = tempfile::tempdir().unwrap();
        let (mut eraser, _) = machine(folder.path());
        eraser.begun = Begun::ByMachine { until: Instant::now() };
        assert_eq!(eraser.look().await, Some(ResetOutcome::NotErased));
        let (mut eraser, _) = machine(&folder.path().join("none"));
        eraser.begin();
        assert_eq!(eraser.look().await, Some(ResetOutcome::NotErased));
    }

    #[test]
    fn a_daemon_that_comes_back_after_the_keys_are_gone_restarts_the_machine() {
        let folder = tempfile::tempdir().unwrap();
        let (mut eraser, reset) = machine(folder.path());
        eraser.go_on();
        assert!(!reset.restart.exists());
        fs::write(&reset.outcome, ERASED).unwrap();
        eraser.go_on();
        assert!(reset.restart.exists());
    }

    #[tokio::test]
    async fn a_folder_is_emptied_and_what_a_link_leads_to_stays() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let kept = elsewhere.path().join("kept");
        fs::write(&kept, "of somebody else").unwrap();
        fs::write(folder.path().join("device.key"), "secret").unwrap();
        fs::create_dir_all(folder.path().join("update/deep")).unwrap();
        fs::write(folder.path().join("update/deep/a.raucb"), "bundle").unwrap();
        std::os::unix::fs::symlink(&kept, folder.path().join("link")).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("folder")).unwrap();
        // What is overwritten is the file itself, whoever else has it open.
        let mut open = File::open(folder.path().join("device.key")).unwrap();

        let mut eraser = Eraser::new(None, folder.path());
        eraser.begin();
        let outcome = loop {
            if let Some(outcome) = eraser.look().await {
                break outcome;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(outcome, ResetOutcome::FolderErased);
        let mut left = Vec::new();
        open.read_to_end(&mut left).unwrap();
        assert_eq!(left, [0; 6]);
        assert_eq!(fs::read_to_string(kept).unwrap(), "of somebody else");
        fs::write(folder.path().join("status.json"), "{}").unwrap();
        assert_eq!(eraser.restart(), Restart::End);
        eraser.finish().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
