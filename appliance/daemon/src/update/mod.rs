//! Drives the update's machine: what it wants goes to the link, to the store, or to a worker that has
//! disk and installer.
//!
//! ```text
//! link, panel, media, clock ──> Updater (machine) ──> link: chunks, reports
//!                                     │   ^      └──> store: what outlives a restart
//!                                     v   │
//!                                   worker: files, RAUC, restart
//! ```

mod installer;
mod rauc;
mod stick;
mod worker;

pub(crate) use rauc::Rauc;
pub(crate) use worker::Event;

use crate::config;
use crate::keeper::{Change, Keeper};
use conclave_link_protocol::message::{
    CloudEvent, Response, RoomEvent, UpdateFault, UpdateReport, UpdateStage,
};
use conclave_link_room::{RequestFailure, RequestId, RoomLinkHandle};
use conclave_panel_api::{StickFault, StickStep};
use conclave_room::UpdateNews;
use conclave_types::{Time, Version};
use conclave_update::{
    Facts, Fetched, Input, Kept, Of, Output, Part, State, Stick, Unusable, Update,
};
use installer::{Installer, Mark};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use worker::{Order, QUEUED, Worker};

/// What this start of the machine is, as the system tells it.
#[derive(Debug, Clone)]
pub(crate) struct ThisStart {
    running: Version,
    boot: String,
    up: Duration,
    quiet: Duration,
    proof: Duration,
}

/// The update of this room.
pub(crate) struct Updater {
    start: ThisStart,
    kept: Kept,
    /// None until the installer has said what this board is.
    machine: Option<Update>,
    /// What happened before that, the last of each kind; the machine is told then.
    early: Vec<Input>,
    orders: mpsc::Sender<Order>,
    /// Which chunk each request on the link asks for.
    asked: HashMap<RequestId, (Of, u64)>,
    news: Option<UpdateNews>,
    /// What was said last of a stick.
    stick: Option<StickStep>,
}

/// What an input replaces when it comes again: of parts each has its own.
fn kind(input: &Input) -> (u8, Option<Part>) {
    match input {
        Input::Part(part, _) => (0, Some(*part)),
        Input::LinkUp | Input::LinkDown => (1, None),
        Input::Offer(_) | Input::NoOffer => (2, None),
        Input::Use(_) => (3, None),
        Input::Touched => (4, None),
        Input::Clock(_) => (5, None),
        Input::Stick(_) => (6, None),
        _ => (7, None),
    }
}

/// The version of this system, and which start of the machine this is.
pub(crate) fn this_start(config: &config::Update) -> anyhow::Result<ThisStart> {
    use anyhow::Context;
    let file = &config.os_release;
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    let running = version_in(&text)
        .with_context(|| format!("{} has no version of three numbers", file.display()))?;
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned();
    let uptime = std::fs::read_to_string("/proc/uptime")?;
    let up = uptime.split_whitespace().next().and_then(|seconds| seconds.parse::<f64>().ok());
    let up = up.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let quiet = Duration::from_secs(u64::from(config.quiet_s));
    let proof = Duration::from_secs(u64::from(config.proof_s));
    Ok(ThisStart { running, boot, up: up.unwrap_or_default(), quiet, proof })
}

/// `IMAGE_VERSION` or `VERSION_ID`: os-release(5).
fn version_in(os_release: &str) -> Option<Version> {
    let text = value(os_release, "IMAGE_VERSION").or_else(|| value(os_release, "VERSION_ID"))?;
    text.parse().ok()
}

/// Whether the image is one for development, by its `VARIANT_ID`.
pub(crate) fn is_development(os_release: &Path) -> bool {
    let text = std::fs::read_to_string(os_release).unwrap_or_default();
    value(&text, "VARIANT_ID") == Some("development")
}

fn value<'a>(os_release: &'a str, name: &str) -> Option<&'a str> {
    let line = |line: &'a str| line.strip_prefix(name)?.strip_prefix('=');
    os_release.lines().find_map(line).map(|quoted| quoted.trim_matches(['"', '\'']))
}

/// Starts the worker. Must be called inside a tokio runtime.
pub(crate) fn start<I: Installer>(
    config: config::Update,
    start: ThisStart,
    installer: I,
    data: &Path,
    kept: Kept,
    stop: CancellationToken,
) -> (Updater, mpsc::Receiver<Event>) {
    let (orders, ordered) = mpsc::channel(QUEUED);
    let (events, happened) = mpsc::channel(QUEUED);
    let folder: PathBuf = data.join("update");
    let worker = Worker {
        installer,
        folder,
        reuse_from: config.reuse_from,
        restart: config.restart,
        orders: ordered,
        events,
        open: None,
        stick: stick::Stick::new(config.stick),
    };
    tokio::spawn(worker.run(stop));
    let (machine, early, asked, news) = (None, Vec::new(), HashMap::new(), None);
    let updater = Updater { start, kept, machine, early, orders, asked, news, stick: None };
    (updater, happened)
}

impl Updater {
    /// Whether a new system runs on trial: then the machine is heard before anything else is tried,
    /// for what is tried may be what does not work.
    pub(crate) fn is_on_trial(&self) -> bool {
        let trial = self.kept.trial.as_ref();
        trial.is_some_and(|trial| {
            trial.release.version == self.start.running && trial.boot != self.start.boot
        })
    }

    /// When [`Updater::tick`] is wanted.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.machine.as_ref().and_then(Update::deadline)
    }

    /// How far it is; `None` while the installer does not answer.
    pub(crate) fn report(&self) -> Option<UpdateReport> {
        self.machine.as_ref().map(Update::report)
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Time) {
        if self.deadline().is_some_and(|at| at <= now) {
            self.give(now, Input::Tick);
        }
    }

    /// The worker tells.
    pub(crate) fn heard(&mut self, now: Time, event: Event) {
        match event {
            Event::Board(board) => match board.parse() {
                Ok(compatible) if self.machine.is_none() => {
                    let ThisStart { running, boot, up, quiet, proof } = self.start.clone();
                    tracing::info!(version = %running, board, "the room's system can be updated");
                    let facts = Facts { running, compatible, boot, up, quiet, proof };
                    self.machine = Some(Update::new(now, facts, std::mem::take(&mut self.kept)));
                    for input in std::mem::take(&mut self.early) {
                        self.give(now, input);
                    }
                    self.give(now, Input::Tick);
                }
                Ok(_) => {}
                Err(error) => tracing::error!(%error, board, "RAUC names a board that cannot be"),
            },
            Event::Input(input) => self.give(now, input),
        }
    }

    /// Something that the machine wants to know happened.
    pub(crate) fn give(&mut self, now: Time, input: Input) {
        match &mut self.machine {
            Some(machine) => machine.handle(now, input),
            None => {
                self.early.retain(|earlier| kind(earlier) != kind(&input));
                self.early.push(input);
            }
        }
    }

    /// The cloud says something; `true` when it was about the update.
    pub(crate) fn cloud(&mut self, now: Time, event: &CloudEvent) -> bool {
        let input = Input::of(event);
        let about_it = input.is_some();
        input.into_iter().for_each(|input| self.give(now, input));
        about_it
    }

    /// A request has its answer; gives it back when it was none of the update's.
    pub(crate) fn answered(
        &mut self,
        now: Time,
        id: RequestId,
        result: Result<Response, RequestFailure>,
    ) -> Option<Result<Response, RequestFailure>> {
        let Some((of, offset)) = self.asked.remove(&id) else { return Some(result) };
        let fetched = Fetched::of(offset, result.ok());
        self.give(now, Input::Fetched { of, offset, fetched });
        None
    }

    /// Does what the machine wants; what people in the room should know now, if that has changed.
    pub(crate) fn carry_out(
        &mut self,
        link: Option<&RoomLinkHandle>,
        keeper: &mut Keeper,
    ) -> Option<UpdateNews> {
        let machine = self.machine.as_mut()?;
        while let Some(output) = machine.poll_output() {
            let order = match output {
                Output::Fetch { of, sha256, offset, length } => {
                    if let Some(link) = link {
                        let id = link.request(of.request(sha256, offset, length));
                        self.asked.insert(id, (of, offset));
                    }
                    continue;
                }
                Output::Tell(report) => {
                    if let Some(link) = link {
                        link.event(RoomEvent::Update(*report));
                    }
                    continue;
                }
                Output::Keep(kept) => {
                    keeper.keep(Change::Update(kept));
                    continue;
                }
                Output::Changed => {
                    let report = machine.report();
                    tracing::info!(wanted = ?report.wanted, stage = ?report.stage, "update");
                    continue;
                }
                // What the next start has to know is not on the disk: not now. The machine wants it
                // again later.
                Output::Restart if !keeper.is_kept() => continue,
                other => match order(other) {
                    Some(order) => order,
                    None => continue,
                },
            };
            if let Err(error) = self.orders.try_send(order) {
                tracing::error!(%error, "the update's worker does not keep up");
            }
        }
        let news = match machine.state() {
            State::Restarting { .. }
            | State::Proving { .. }
            | State::Committing { .. }
            | State::FallingBack { .. } => UpdateNews::Updating,
            _ if matches!(machine.report().stage, UpdateStage::FellBack { .. }) => {
                UpdateNews::Failed
            }
            _ => UpdateNews::None,
        };
        (self.news.replace(news) != Some(news)).then_some(news)
    }

    /// What is to be said of a stick, if that has changed.
    pub(crate) fn stick(&mut self) -> Option<Option<StickStep>> {
        let stick = self.machine.as_ref().and_then(Update::stick);
        let step = stick.map(|stick| step(stick, self.start.running));
        (std::mem::replace(&mut self.stick, step) != step).then_some(step)
    }
}

/// A stick as the panel shows it.
fn step(stick: Stick, running: Version) -> StickStep {
    let why = match stick {
        Stick::Usable(version) => return StickStep::Ask { running, version },
        Stick::Copying { percent } => return StickStep::Copying { percent },
        Stick::Installing { percent } => return StickStep::Installing { percent },
        Stick::Restarting => return StickStep::Restarting,
        Stick::Unusable(Unusable::NotSigned) => StickFault::NotSigned,
        Stick::Unusable(Unusable::WrongBoard) => StickFault::WrongBoard,
        Stick::Unusable(Unusable::NotNewer | Unusable::BelowFloor) => StickFault::NotNewer,
        Stick::Unusable(Unusable::TriedBefore) => StickFault::TriedBefore,
        Stick::Failed(UpdateFault::Disk) => StickFault::Copy,
        // What was copied is not what was asked about, or its signature does not hold.
        Stick::Failed(UpdateFault::Refused | UpdateFault::Damaged) => StickFault::NotSigned,
        Stick::Failed(UpdateFault::WrongBoard) => StickFault::WrongBoard,
        Stick::Failed(_) => StickFault::Install,
    };
    StickStep::Unusable { why }
}

/// What the worker does; `None` of what is not for it.
fn order(output: Output) -> Option<Order> {
    Some(match output {
        Output::Open { sha256, size, sums } => Order::Open { sha256, size, sums },
        Output::Write { offset, piece } => Order::Write { offset, piece },
        Output::Copy => Order::Copy,
        Output::Check(sha256) => Order::Check(sha256),
        Output::Install(sha256) => Order::Install(sha256),
        Output::Discard => Order::Discard,
        Output::Undo => Order::Mark(Mark::Undo),
        Output::Restart => Order::Restart,
        Output::Commit => Order::Mark(Mark::Good),
        Output::FallBack => Order::MarkAndRestart(Mark::FallBack),
        Output::Fetch { .. } | Output::Tell(_) | Output::Keep(_) | Output::Changed => return None,
    })
}

#[cfg(test)]
mod tests;
