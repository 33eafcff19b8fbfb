//! Does what the update's machine wants of disk, installer and boot loader: one task, one thing
//! after the other, so that the room's own task never waits for any of it.
//!
//! A bundle stands in `update/` in the data folder under its hash; what has come of it stays there
//! through cuts and restarts, and its block sums tell what of it is right.

use super::installer::{Installer, Mark};
use super::stick::{self, Stick};
use anyhow::Context;
use conclave_link_protocol::message::{Piece, UpdateFault};
use conclave_types::BundleHash;
use conclave_update::{Input, Search};
use ring::digest;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// What waits at most. The machine has a few chunks and one thing besides under way.
pub(super) const QUEUED: usize = 64;
/// How long until an installer that does not answer is asked again what this board is.
const ASK_AGAIN: Duration = Duration::from_secs(30);

/// What the worker is to do.
#[derive(Debug)]
pub(super) enum Order {
    Open {
        sha256: BundleHash,
        size: u64,
        sums: Vec<u8>,
    },
    Write {
        offset: u64,
        piece: Piece,
    },
    /// From the stick.
    Copy,
    Check(BundleHash),
    Install(BundleHash),
    Discard,
    Mark(Mark),
    /// After `Mark`, when it was done, or by itself.
    Restart,
    MarkAndRestart(Mark),
}

/// What the worker tells.
#[derive(Debug)]
pub(crate) enum Event {
    /// The installer answers: this board is so.
    Board(String),
    /// For the machine.
    Input(Input),
}

/// The task's things.
pub(super) struct Worker<I> {
    pub(super) installer: I,
    /// Where bundles stand.
    pub(super) folder: PathBuf,
    /// What a bundle may have blocks in common with.
    pub(super) reuse_from: Vec<PathBuf>,
    /// Made when the machine is to restart.
    pub(super) restart: PathBuf,
    pub(super) orders: mpsc::Receiver<Order>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) open: Option<PathBuf>,
    pub(super) stick: Stick,
}

impl<I: Installer> Worker<I> {
    /// Works until cancelled, or until nobody listens any more. What RAUC installs goes on.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        stop.run_until_cancelled(self.work()).await;
    }

    async fn work(&mut self) {
        let mut told = false;
        let board = loop {
            match self.installer.compatible().await {
                Ok(board) => break board,
                Err(error) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!("the room cannot be updated until RAUC answers: {error:#}");
                    }
                    tokio::time::sleep(ASK_AGAIN).await;
                }
            }
        };
        if self.events.send(Event::Board(board.clone())).await.is_err() {
            return;
        }
        let mut look = tokio::time::interval(stick::LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let input = tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(order) => self.carry_out(order).await,
                    None => return,
                },
                _ = look.tick(), if self.stick.is_looked_for() => {
                    self.stick.look(&self.installer, &board).await.map(Input::Stick)
                }
            };
            let Some(input) = input else { continue };
            if self.events.send(Event::Input(input)).await.is_err() {
                return;
            }
        }
    }

    async fn carry_out(&mut self, order: Order) -> Option<Input> {
        Some(match order {
            Order::Open { sha256, size, sums } => {
                let (folder, file) = (self.folder.clone(), self.file(sha256));
                self.open = Some(file.clone());
                let reuse_from = self.reuse_from.clone();
                match blocking(move || open(&folder, &file, size, &sums, &reuse_from)).await {
                    Ok(missing) => Input::Opened { missing },
                    Err(error) => disk_failed(error),
                }
            }
            Order::Write { offset, piece } => {
                let file = self.open.clone()?;
                let octets = piece.0.len() as u64;
                match blocking(move || write(&file, offset, &piece.0)).await {
                    Ok(()) => Input::Written { octets },
                    Err(error) => disk_failed(error),
                }
            }
            Order::Copy => self.copy().await,
            Order::Check(sha256) => self.check(sha256).await,
            Order::Install(sha256) => {
                let events = self.events.clone();
                let progress = move |percent| {
                    // One that finds no place is followed by another.
                    let _ = events.try_send(Event::Input(Input::Installing { percent }));
                };
                match self.installer.install(&self.file(sha256), progress).await {
                    Ok(()) => Input::Installed,
                    Err(error) => {
                        tracing::error!("the update was not installed: {error:#}");
                        Input::InstallFailed { detail: format!("{error:#}") }
                    }
                }
            }
            Order::Discard => {
                self.open = None;
                let folder = self.folder.clone();
                if let Err(error) = blocking(move || keep_only(&folder, None)).await {
                    tracing::warn!("old bundles could not be removed: {error:#}");
                }
                return None;
            }
            Order::Mark(mark) => match self.installer.mark(mark).await {
                Ok(()) if mark == Mark::Good => Input::Committed,
                Ok(()) => return None,
                Err(error) => not_done(&error),
            },
            Order::MarkAndRestart(mark) => {
                let marked = self.installer.mark(mark).await;
                match marked.and_then(|()| self.ask_for_restart()) {
                    Ok(()) => return None,
                    Err(error) => not_done(&error),
                }
            }
            Order::Restart => match self.ask_for_restart() {
                Ok(()) => return None,
                Err(error) => not_done(&error),
            },
        })
    }

    fn file(&self, sha256: BundleHash) -> PathBuf {
        file_in(&self.folder, sha256)
    }

    fn ask_for_restart(&self) -> anyhow::Result<()> {
        tracing::warn!("the machine is to restart");
        File::create(&self.restart)
            .with_context(|| format!("{} cannot be made", self.restart.display()))?;
        Ok(())
    }

    async fn copy(&mut self) -> Input {
        self.open = None;
        let Some(from) = self.stick.best() else {
            return disk_failed(anyhow::anyhow!("the stick is gone"));
        };
        let (folder, events) = (self.folder.clone(), self.events.clone());
        let mut told = 0;
        let progress = move |percent| {
            if std::mem::replace(&mut told, percent) != percent {
                // One that finds no place is followed by another.
                let _ = events.try_send(Event::Input(Input::Copying { percent }));
            }
        };
        match blocking(move || stick::copy(&from, &folder, progress)).await {
            Ok((sha256, size)) => Input::Copied { sha256, size },
            Err(error) => disk_failed(error),
        }
    }

    async fn check(&self, sha256: BundleHash) -> Input {
        let file = self.file(sha256);
        let hashed = file.clone();
        match blocking(move || hash(&hashed)).await {
            Err(error) => return disk_failed(error),
            Ok(found) if found != sha256 => {
                let detail = format!("its SHA-256 is {found}");
                return Input::Unfit { fault: UpdateFault::Damaged, detail };
            }
            Ok(_) => {}
        }
        match self.installer.inspect(&file).await {
            Ok(bundle) => Input::Checked(bundle),
            Err(error) => {
                tracing::error!("the installer refuses the update: {error:#}");
                Input::Unfit { fault: UpdateFault::Refused, detail: format!("{error:#}") }
            }
        }
    }
}

/// Where a bundle stands.
pub(super) fn file_in(folder: &Path, sha256: BundleHash) -> PathBuf {
    folder.join(format!("{sha256}.raucb"))
}

fn disk_failed(error: anyhow::Error) -> Input {
    tracing::error!("the update cannot be kept on the disk: {error:#}");
    Input::DiskFailed { detail: format!("{error:#}") }
}

fn not_done(error: &anyhow::Error) -> Input {
    tracing::error!("what the update needs was not done, and is tried again: {error:#}");
    Input::NotDone { detail: format!("{error:#}") }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    Ok(spawn_blocking(work).await??)
}

/// Makes the file as long as it will be, with all that is there already: what came before, and what
/// `reuse_from` has. Says what is missing. Without block sums it is begun anew.
fn open(
    folder: &Path,
    file: &Path,
    size: u64,
    sums: &[u8],
    reuse_from: &[PathBuf],
) -> io::Result<Vec<Range<u64>>> {
    fs::create_dir_all(folder)?;
    keep_only(folder, Some(file))?;
    let mut made = OpenOptions::new()
        .create(true)
        .truncate(sums.is_empty())
        .read(true)
        .write(true)
        .open(file)?;
    let begun = made.metadata()?.len() > 0;
    made.set_len(size)?;
    let search = (!sums.is_empty()).then(|| Search::new(size, sums)).flatten();
    let Some(mut search) = search else { return Ok(vec![Range { start: 0, end: size }]) };
    if begun {
        search.in_place(&mut made, &sha256)?;
    }
    for path in reuse_from {
        let from = match File::open(path) {
            Ok(from) => from,
            // A board has the one or the other; what it has not is fetched.
            Err(error) => {
                tracing::info!(%error, path = %path.display(), "no blocks of the update from here");
                continue;
            }
        };
        let mut put = |at: u64, block: &[u8]| {
            made.seek(SeekFrom::Start(at))?;
            made.write_all(block)
        };
        search.through(&mut &from, &sha256, &mut put)?;
    }
    let missing = search.missing();
    let octets: u64 = missing.iter().map(|range| range.end - range.start).sum();
    tracing::info!(size, missing = octets, "what of the update is here already");
    Ok(missing)
}

fn write(file: &Path, offset: u64, piece: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(file)?;
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(piece)
}

fn sha256(octets: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, octets).as_ref());
    hash
}

fn hash(file: &Path) -> io::Result<BundleHash> {
    let mut file = File::open(file)?;
    // Before it is installed and the file is forgotten, it has to be there for good.
    file.sync_all()?;
    let (mut hash, mut octets) = (digest::Context::new(&digest::SHA256), vec![0; 1 << 16]);
    loop {
        let read = file.read(&mut octets)?;
        if read == 0 {
            break;
        }
        hash.update(&octets[..read]);
    }
    let mut found = BundleHash([0; 32]);
    found.0.copy_from_slice(hash.finish().as_ref());
    Ok(found)
}

/// Removes every bundle but this one.
pub(super) fn keep_only(folder: &Path, file: Option<&Path>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if Some(path.as_path()) != file {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
