//! Runs a cloud: gives the switchboard its sockets, its clock and its randomness.
//!
//! One task owns the switchboard. Hub, media node, control socket and jobs send it what happened;
//! after each input it does what comes out and sleeps until the next input or deadline:
//!
//! ```text
//! hub ──────────┐                       ┌──> hub
//! media node ───┤                       ├──> media node
//! control ──────┼──> Switchboard ───────┼──> control
//! jobs done ────┤    handle, poll       ├──> jobs (Argon2, legs)
//! scrapes ──────┤                       ├──> log of calls
//! deadline ─────┘                       └──> SQLite, inside
//! ```
//!
//! That task and all links share one thread, so that what a room asks is answered without changing
//! threads. What calculates (handshakes, media, Argon2) has threads of its own.
//!
//! A stop, by SIGTERM or Ctrl-C: records are closed, rooms are told, links end, files that only a
//! running cloud has are removed. A kill loses nothing that was acknowledged; the next start
//! closes the records that were left open.

mod browsers;
mod certificate;
mod files;
mod jobs;
mod link;
mod plugs;
mod timed;
mod wall;

use crate::accounts::AccountAnswer;
use crate::bundles::Bundles;
use crate::calendars::Read;
use crate::calendars::reading::Reader;
use crate::calls::file::CallFile;
use crate::calls::{CallLog, KEPT, LOOK, Look};
use crate::config::{Config, MediaConfig};
use crate::console::vault::Vault;
use crate::console::{Ask, Changed, Desk};
use crate::control::{ControlAnswer, ControlLine, ControlRequest, RefusalCode};
use crate::control_socket::{self, Asked};
use crate::data_folder::{DataFolder, LockedFolder, Run};
use crate::hooks::{self, Teller};
use crate::mail::{self, Mailer};
use crate::metrics::requests::RequestTimes;
use crate::metrics::{self, Histogram};
use crate::outgoing::Outgoing;
use crate::parcel_files::ParcelFiles;
use crate::switchboard::{Caller, ControlId, Input, MediaEvent, Output, Parts, Switchboard};
use anyhow::Context;
use certificate::Certificate;
use conclave_directory::SqliteDirectory;
use conclave_link_cloud::Authority;
use conclave_media_node::{Limits, MediaNode, MediaNodeConfig, MediaNodeEvent, MediaNodeHandle};
use conclave_types::{OrganisationId, Time, UnixMillis, UnixTime};
use jobs::{Done, Jobs};
use link::Links;
use ring::rand::{SecureRandom, SystemRandom};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use timed::{Commits, Timed};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a stopping cloud waits for its links and tasks to end. Rooms on a slow line get their
/// last word; a service manager that asks twice is not kept waiting.
const STOPPING: Duration = Duration::from_secs(5);

/// Runs a cloud until it is told to stop.
pub fn serve(folder: &DataFolder, config: &Config) -> anyhow::Result<()> {
    let locked = Arc::new(folder.lock()?);
    locked.clear_traces();
    let most_links = files::most_links();
    let workers = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let run = run(locked.clone(), config.clone(), most_links, workers.handle().clone());
    // A task like the links' own: what wakes `block_on` itself costs a look at all sockets besides.
    let served = runtime.block_on(async { runtime.spawn(run).await });
    locked.clear_traces();
    served.context("the cloud stopped by a fault of its own")?
}

/// The pins of the link's keys, which go into each room's configuration. Makes the keys when the
/// folder has none yet.
pub fn pins(folder: &DataFolder) -> anyhow::Result<Vec<String>> {
    link::pins(folder, Clock::wall())
}

async fn run(
    locked: Arc<LockedFolder>,
    config: Config,
    most_links: usize,
    workers: Handle,
) -> anyhow::Result<()> {
    let folder = locked.folder();
    let clock = Clock::start();
    let (directory, commits) = Timed::new(SqliteDirectory::open(&folder.database())?);
    let authority = link::authority(folder, Clock::wall())?;
    let random = SystemRandom::new();
    let no_vault = || format!("{} cannot be used", folder.vault_key().display());
    let parts = Parts {
        directory: Box::new(directory),
        certifier: Box::new(link::Signer::new(authority.clone())),
        random: Box::new(move || random_bits(&random)),
        keep_records: config.records.keep_days.as_time(),
        keep_audit: config.audit.keep_days.as_time(),
        sealer: Box::new(Vault::open(folder).with_context(no_vault)?),
        mail: config.mail.server.is_some(),
    };
    let mut board = Switchboard::new(parts, Clock::wall())?;
    let parcels = ParcelFiles::fresh(folder);
    let tasks = TaskTracker::new();
    let stop = CancellationToken::new();
    let (node, node_events) = {
        let _workers = workers.enter();
        MediaNode::start(node_config(&config.media))
    };
    let shared = config.shared().map_err(anyhow::Error::msg)?;
    let listen = (&config.link.listen[..], shared);
    let (links, shared) = Links::listen(listen, authority.clone(), most_links, &workers).await?;
    let owner = nix::unistd::geteuid().as_raw();
    let control = folder.control_socket();
    let asked = control_socket::listen(&control, owner, &tasks, stop.clone())?;
    let (jobs, done) = Jobs::new(tasks.clone(), node.clone());
    let (scrapes, metrics) = scraped(config.metrics.listen, &tasks, &stop).await?;
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (desk, browsers) = Desk::new(folder).with_context(no_vault)?;
    let (changes, vault) = (desk.changes(), desk.vault());
    let around = (&tasks, &stop, &workers);
    let open = browsers::open(folder, &config.console, shared, desk, around).await?;
    let certificate = {
        let _workers = workers.enter();
        let of = |open| Certificate::of(open, &config, folder, &tasks, &stop);
        open.as_ref().map(of).transpose()?
    };
    let console = open.map(|open| open.url);
    let pid = std::process::id();
    let run = Run { link: links.addresses().to_vec(), control, metrics, console, pid };
    let (mailer, fates) = {
        let _workers = workers.enter();
        Mailer::start(&config.mail, run.console.as_deref(), &tasks, stop.clone())?
    };
    let around = (&tasks, &stop, &workers);
    let outgoing = Outgoing::new(&config.outgoing, "outgoing.roots")?;
    let (teller, answers) = Teller::new(outgoing.clone(), vault, around);
    let (reader, calendars) = Reader::new(outgoing, tasks.clone(), workers.clone(), stop.clone());
    locked.announce(&run)?;
    tracing::info!(link = ?run.link, ?metrics, console = run.console, data = %folder.path().display(), "the cloud is running");

    if let Some(console) = &run.console {
        browsers::offer_set_up(&mut board, console)?;
    }

    let (file, kept) = CallFile::open(&folder.calls());
    let mut shell = Shell {
        board,
        clock,
        links,
        jobs,
        node: node.clone(),
        authority,
        bundles: Bundles::at(folder),
        parcels,
        calls: CallLog::new(kept),
        file,
        look: Looking::Rests { since: Time::ZERO },
        requests: RequestTimes::default(),
        busy: Histogram::of_seconds(),
        commits,
        watch: wall::Watch::default(),
        answers: BTreeMap::new(),
        accounts: BTreeMap::new(),
        changes,
        mailer,
        teller,
        certificate,
        reader,
        asked: 0,
    };
    let stopped = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let outcome = shell
        .run((node_events, asked, browsers, done, scrapes, fates, answers, calendars), stopped)
        .await;
    tracing::info!("the cloud stops");
    let ending = async {
        shell.say_goodbye().await;
        stop.cancel();
        tasks.close();
        shell.links.shutdown().await;
        tasks.wait().await;
        node.shutdown().await;
    };
    if tokio::time::timeout(STOPPING, ending).await.is_err() {
        tracing::warn!("some links did not end in time");
    }
    outcome
}

/// The task that owns the switchboard.
struct Shell {
    board: Switchboard,
    clock: Clock,
    links: Links,
    jobs: Jobs,
    node: MediaNodeHandle,
    authority: Arc<Authority>,
    bundles: Bundles,
    parcels: ParcelFiles,
    calls: CallLog,
    file: CallFile,
    look: Looking,
    requests: RequestTimes,
    /// Seconds that the switchboard took for each input.
    busy: Histogram,
    /// Seconds that the database took for each change.
    commits: Commits,
    /// Whether the clock that rooms go by was set.
    watch: wall::Watch,
    /// Command lines that wait for an answer; as many as the control socket takes connections.
    answers: BTreeMap<ControlId, oneshot::Sender<ControlAnswer>>,
    /// The same for browsers that sign in or out.
    accounts: BTreeMap<ControlId, oneshot::Sender<AccountAnswer>>,
    /// Browsers that show what may change.
    changes: broadcast::Sender<Changed>,
    mailer: Option<Mailer>,
    teller: Teller,
    certificate: Option<Certificate>,
    reader: Reader,
    asked: u64,
}

/// Where the looking at legs stands. One look at a time: a node that is slow to answer is not asked
/// again meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looking {
    /// A look is under way.
    Looks,
    /// The last one ended then.
    Rests { since: Time },
}

/// What the shell hears besides its links: the media node, command lines, browsers, jobs, scrapes of metrics, letters, webhooks,
/// calendars.
type Heard = (
    mpsc::Receiver<MediaNodeEvent>,
    mpsc::Receiver<Asked>,
    mpsc::Receiver<Ask>,
    mpsc::Receiver<Done>,
    mpsc::Receiver<metrics::http::Scrape>,
    mail::Fates,
    hooks::Answers,
    mpsc::Receiver<Read>,
);

impl Shell {
    async fn run(
        &mut self,
        (
            mut node,
            mut asked,
            mut browsers,
            mut done,
            mut scrapes,
            mut fates,
            mut answers,
            mut calendars,
        ): Heard,
        stopped: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        tokio::pin!(stopped);
        loop {
            let deadline = [self.board.deadline(), self.next_look()];
            let deadline = deadline.into_iter().flatten().min().map(|at| self.clock.instant(at));
            let wake = async {
                match deadline {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            let input = tokio::select! {
                () = &mut stopped => return Ok(()),
                input = self.links.next() => input.context("the link hub ended by itself")?,
                Some(event) = node.recv() => Input::Media(media_event(event)),
                Some(done) = done.recv() => match done {
                    Done::Input(input) => input,
                    Done::Answer(id, answer) => {
                        self.reply(id, answer);
                        continue;
                    }
                    done => {
                        self.looked(done);
                        continue;
                    }
                },
                Some(reply) = scrapes.recv() => {
                    // A scraper that did not wait needs no page.
                    let _ = reply.send(self.page());
                    continue;
                }
                Some((line, reply)) = asked.recv() => {
                    let ControlLine { organisation, request } = line;
                    let whose = self.board.organisation_called(organisation.as_deref());
                    let answered = match &whose {
                        Ok(_) => self.answer(&request),
                        Err(reason) => Some(refused(reason.clone())),
                    };
                    if let Some(answer) = answered {
                        // A command line that did not wait needs no answer.
                        let _ = reply.send(answer);
                        continue;
                    }
                    self.asked += 1;
                    let id = ControlId(self.asked);
                    self.answers.insert(id, reply);
                    let by = Caller::command_line(whose.unwrap_or(OrganisationId::FIRST));
                    Input::Control { id, by, request }
                }
                Some(ask) = browsers.recv() => self.ask(ask),
                Some((letter, fate)) = fates.recv() => Input::Mailed { letter, fate },
                Some((delivery, answer)) = answers.recv() => Input::Delivered { delivery, answer },
                Some(read) = calendars.recv() => Input::CalendarRead(Box::new(read)),
                () = wake => Input::Wake,
            };
            self.give(input);
            if self.next_look().is_some_and(|at| at <= self.clock.now()) {
                self.look = Looking::Looks;
                self.jobs.look_at(self.calls.legs());
            }
        }
    }

    /// A browser asks: where the answer goes is remembered.
    fn ask(&mut self, ask: Ask) -> Input {
        self.asked += 1;
        let id = ControlId(self.asked);
        match ask {
            Ask::Console { by, source, request, reply } => {
                self.answers.insert(id, reply);
                Input::Console { id, by, source, request }
            }
            Ask::Account { request, reply } => {
                self.accounts.insert(id, reply);
                Input::Account { id, request }
            }
        }
    }

    /// When the legs are looked at next; `None` while there is nothing to look at.
    fn next_look(&self) -> Option<Time> {
        match self.look {
            Looking::Rests { since } if self.calls.live() > 0 => Some(since + LOOK),
            _ => None,
        }
    }

    fn looked(&mut self, done: Done) {
        let now = self.clock.now();
        let (looked, look) = match done {
            Done::Looked(looked) => {
                self.look = Looking::Rests { since: now };
                (looked, Look::Passing)
            }
            Done::Closed(participant, sample) => (vec![(participant, sample)], Look::Last),
            Done::Input(_) | Done::Answer(..) => return,
        };
        for line in self.calls.looked(now, &looked, look) {
            self.file.keep(&line, || self.calls.recent(KEPT));
        }
        for judged in self.calls.judged() {
            self.give(Input::Judged(judged));
        }
    }

    fn reply(&mut self, id: ControlId, answer: ControlAnswer) {
        if let Some(reply) = self.answers.remove(&id) {
            // Whoever did not wait needs no answer.
            let _ = reply.send(answer);
        }
    }

    /// Answers an administrator what is not the switchboard's.
    fn answer(&mut self, request: &ControlRequest) -> Option<ControlAnswer> {
        match request {
            ControlRequest::CallList { most } => {
                let most = usize::try_from(*most).unwrap_or(usize::MAX);
                Some(ControlAnswer::Calls { calls: self.calls.recent(most) })
            }
            ControlRequest::PromoteBackup => {
                Some(match self.authority.promote_backup(Clock::wall()) {
                    Ok(()) => {
                        tracing::warn!("the backup took the place of the link's key");
                        let by = Caller::command_line(OrganisationId::FIRST);
                        self.board.note(by, "key.promote_backup", "");
                        let pins = link::words_of_pins(&self.authority);
                        ControlAnswer::BackupPromoted { pins }
                    }
                    Err(error) => {
                        let error = anyhow::Error::from(error);
                        refused(format!("{error:#}"))
                    }
                })
            }
            ControlRequest::CertificateShow => Some(match &self.certificate {
                Some(certificate) => ControlAnswer::Certificate { certificate: certificate.line() },
                None => refused(
                    "there is no console: set 'listen' in [console] of the configuration".into(),
                ),
            }),
            // What the switchboard promises to rooms has to be there.
            ControlRequest::ReleaseAdd { sha256, size, .. }
                if !self.bundles.holds(*sha256, *size) =>
            {
                let reason = "the bundle did not arrive in the cloud's data folder: try again";
                Some(refused(reason.into()))
            }
            _ => None,
        }
    }

    fn page(&self) -> String {
        let commits = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        metrics::page(&metrics::Snapshot {
            up: self.clock.now().since(Time::ZERO),
            tally: self.board.tally(),
            gauges: self.board.gauges(),
            legs: (self.calls.live(), self.calls.flowing()),
            media: self.calls.media(),
            requests: &self.requests,
            commits: &commits,
            busy: &self.busy,
            links: plugs::link_totals(self.links.hub()),
            node: plugs::node_totals(&self.node),
            certificate: self.certificate.as_ref().map(Certificate::totals),
        })
    }

    /// Closes records, tells rooms, and waits until every link has ended: the hub's own shutdown
    /// does not wait for words that are still on their way.
    async fn say_goodbye(&mut self) {
        self.give(Input::Stop);
        for line in self.calls.finish_all(self.clock.now()) {
            self.file.keep(&line, || self.calls.recent(KEPT));
        }
        while self.board.has_links() {
            let Some(input) = self.links.next().await else { return };
            self.give(input);
        }
    }

    fn give(&mut self, input: Input) {
        let begun = self.clock.now();
        self.requests.told(begun, &input);
        let wall = Clock::wall();
        if let Some(by_s) = self.watch.look(begun, wall) {
            tracing::warn!(
                by_s,
                "the clock of this machine was set while the cloud runs, and rooms set theirs by it: look \
                 whether it is right, and whether something keeps it so (timedatectl, NTP)"
            );
        }
        self.board.handle(begun, wall, input);
        let handled = self.clock.now();
        self.busy.observe(handled.since(begun).as_secs_f64());
        while let Some(output) = self.board.poll_output() {
            self.requests.says(handled, &output);
            match output {
                Output::Note(note) => self.calls.note(*note),
                Output::Mail(letter) => {
                    let at_once = self.mailer.as_ref().and_then(|mailer| mailer.send(*letter));
                    if let Some((letter, fate)) = at_once {
                        let wall = Clock::wall();
                        self.board.handle(self.clock.now(), wall, Input::Mailed { letter, fate });
                    }
                }
                Output::Deliver(outgoing) => self.teller.send(*outgoing),
                Output::ReadCalendar(errand) => self.reader.read(*errand),
                Output::CheckPin { job, pin, hash } => self.jobs.check_pin(job, pin, hash),
                Output::HashPin { job, pin, salt } => self.jobs.hash_pin(job, pin, salt),
                Output::OpenLeg { meeting, participant, profiles } => {
                    self.jobs.open_leg(meeting, participant, profiles);
                }
                Output::CloseLeg { meeting, participant } => {
                    self.jobs.close_leg(meeting, participant);
                }
                Output::ReadChunk { link, id, file, offset, length } => {
                    self.jobs.read_chunk(self.bundles.file(file), (link, id), offset, length);
                }
                Output::ForgetBundle(sha256) => self.bundles.remove(sha256),
                Output::KeepParcel { room, what, number, octets } => {
                    self.jobs.keep_parcel(self.parcels.clone(), (room, what), number, octets);
                }
                Output::AnswerParcel { id, room, parcel } => {
                    self.jobs.answer_parcel(self.parcels.clone(), id, room, parcel);
                }
                Output::DropParcel { room, what } => self.parcels.remove(room, what),
                Output::Answer { id, answer } => self.reply(id, answer),
                Output::AccountAnswer { id, answer } => {
                    if let Some(reply) = self.accounts.remove(&id) {
                        // A browser that did not wait needs no answer.
                        let _ = reply.send(answer);
                    }
                }
                Output::Changed { organisation, topics } => {
                    // Nobody looks, most of the time.
                    let _ = self.changes.send(Changed { organisation, topics });
                }
                output => self.links.perform(output),
            }
        }
        tracing::debug!(state = self.board.summary());
    }
}

/// Serves metrics, where they are wanted. A receiver that never gets anything where they are not.
async fn scraped(
    listen: Option<SocketAddr>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> anyhow::Result<(mpsc::Receiver<metrics::http::Scrape>, Option<SocketAddr>)> {
    let Some(listen) = listen else { return Ok((mpsc::channel(1).1, None)) };
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!(
            "cannot serve metrics on {listen}: stop what uses that port, or set another one with \
             'metrics.listen'"
        )
    })?;
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "everybody who reaches this address can read the metrics");
    }
    Ok((metrics::http::serve(listener, tasks, stop.clone()), Some(address)))
}

fn refused(reason: String) -> ControlAnswer {
    ControlAnswer::Refused { code: RefusalCode::Other, reason }
}

fn media_event(event: MediaNodeEvent) -> MediaEvent {
    match event {
        MediaNodeEvent::Speaking { meeting, participant } => {
            MediaEvent::Loudest { meeting, participant }
        }
        MediaNodeEvent::Silent { meeting, participant } => {
            MediaEvent::Silent { meeting, participant }
        }
        MediaNodeEvent::Flowing { meeting, participant } => {
            MediaEvent::Flowing { meeting, participant }
        }
    }
}

fn node_config(config: &MediaConfig) -> MediaNodeConfig {
    MediaNodeConfig {
        bind: config.bind,
        ports: config.ports.as_ref().map(|ports| ports.0.clone()),
        address: config.address,
        limits: Limits::default(),
    }
}

fn random_bits(random: &SystemRandom) -> u128 {
    let mut octets = [0; 16];
    loop {
        // The system's generator fails only before it is seeded, early at boot; ids that are
        // not random would be worse than waiting.
        if random.fill(&mut octets).is_ok() {
            return u128::from_ne_bytes(octets);
        }
        tracing::error!("the system gives no random numbers; waiting for it");
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// The shell's clocks: one that only measures, one that a calendar knows.
#[derive(Debug, Clone, Copy)]
struct Clock {
    start: Instant,
}

impl Clock {
    fn start() -> Clock {
        Clock { start: Instant::now() }
    }

    fn now(&self) -> Time {
        Time::ZERO + self.start.elapsed()
    }

    fn instant(&self, at: Time) -> Instant {
        self.start + at.since(Time::ZERO)
    }

    fn wall() -> UnixTime {
        UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }

    /// What rooms set their clocks by.
    fn to_the_millisecond() -> UnixMillis {
        UnixMillis::since_1970(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}
