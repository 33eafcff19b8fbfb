//! All decisions of the cloud in one machine without sockets: who may link, who is enrolled, who
//! enters which meeting, who is told what.
//!
//! It is told what happens on links, at the media node and on the control socket, asks the
//! directory at once, and says what is to be done. What takes long (Argon2, opening a leg) is
//! handed out as a job and comes back as an input. Whatever it acknowledges was committed before.
//!
//! - `lobby`: who waits to be let in, and who may do that;
//! - `links`: hello, newcomers and their codes, certificates, losing and ending links;
//! - `joins`: number, PIN, seat, leg, answer; switches and leaving;
//! - `mail`: who is written to, and what became of it;
//! - `marks`: what two people change at the same time;
//! - `meetings`: turns what [`conclave_meeting`] says into messages and records;
//! - `admin`: what the command line asks;
//! - `api_tokens`: with which scripts ask;
//! - `appointments`: meetings that are to be;
//! - `audit`: who did what;
//! - `awaited`: devices that are to be rooms;
//! - `entry`: of whom two factors are wanted, and who may make themselves an account;
//! - `calendars`: the calendars of rooms: which is read when, and who is told of it;
//! - `changes`: what consoles that show it are told;
//! - `listing`: the meeting rooms as panels list them;
//! - `lists`: long lists, a part at a time;
//! - `roster`: the rooms, beside the database;
//! - `search`: one look through all that somebody may see;
//! - `seen`: what rooms said of themselves;
//! - `settings`: how rooms are set, and what they made of it;
//! - `orders`: what rooms are to do once; `parcels`: what they send then;
//! - `organisations`: those that the cloud serves;
//! - `pace`: how often a room may join, or change what it runs;
//! - `passkeys`: keys that somebody's device keeps, and signing in with them;
//! - `people`: who may sign in, and what they may ask;
//! - `refused`: why something is not done;
//! - `updates`: which room runs which release, and who is offered what;
//! - `releases`: what the command line asks about that;
//! - `removal`: old records of calls, and revoked rooms;
//! - `resets`: codes, orders and receipts of factory resets;
//! - `usage`: how much was used;
//! - `vmrs`: meeting rooms, and who sees which;
//! - `tally`: what is counted for the operator.

mod admin;
mod api_tokens;
mod appointments;
mod audit;
mod awaited;
mod calendars;
mod changes;
mod entry;
mod joins;
mod links;
mod listing;
mod lists;
mod lobby;
mod mail;
mod marks;
mod meetings;
mod orders;
mod organisations;
mod pace;
mod parcels;
mod passkeys;
mod people;
mod refused;
mod releases;
mod removal;
mod resets;
mod roster;
mod search;
mod seen;
mod settings;
mod tally;
mod updates;
mod usage;
mod vmrs;
mod webhooks;
mod words;

#[cfg(test)]
mod tests;

pub use changes::Topic;
pub(crate) use releases::words as stage_words;
pub use tally::{Gauges, Tally, Words, kind};
pub use vmrs::MOST_VMRS;
pub use words::{
    BundleFile, CallNote, Caller, Certifier, CloseReason, ControlId, Credential, Input, JobId,
    LinkId, MediaEvent, Output, Peer, PinOutcome, RequestId, Sealer, SignError, SignedCertificate,
};

use conclave_directory::sign_in::SignIns;
use conclave_directory::sign_up::SignUps;
use conclave_directory::wrong_numbers::WrongNumbers;
use conclave_directory::{
    Activation, Directory, KeyFingerprint, RecordEntry, ResetCodes, StoreError, Token, TokenHash,
};
use conclave_link_protocol::message::ResumedCall;
use conclave_meeting::Meetings;
use conclave_types::{
    CallId, DisplayName, OrganisationId, ParticipantId, RoomId, Time, UnixTime, VmrId,
};
use listing::Listing;
use roster::Roster;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;
use tracing::Span;

/// When records could not be kept, they are tried again after this. Five seconds: soon after
/// somebody made room on the disk, and no load while nobody has.
const RECORD_RETRY: Duration = Duration::from_secs(5);

/// What the switchboard stands on.
pub struct Parts {
    /// Rooms, VMRs, records.
    pub directory: Box<dyn Directory + Send>,
    /// Signs rooms' keys.
    pub certifier: Box<dyn Certifier + Send>,
    /// 128 random bits at each call, from a generator fit for secrets.
    pub random: Box<dyn FnMut() -> u128 + Send>,
    /// How long a record of a call is kept after the call ended.
    pub keep_records: Duration,
    /// How long a row of the audit log is kept.
    pub keep_audit: Duration,
    /// Seals what the directory must not give away alone.
    pub sealer: Box<dyn Sealer + Send>,
    /// Whether letters are sent.
    pub mail: bool,
}

/// The machine.
pub struct Switchboard {
    parts: Parts,
    now: Time,
    wall: UnixTime,
    activation: Activation,
    reset_codes: ResetCodes,
    meetings: Meetings,
    links: BTreeMap<LinkId, Party>,
    rooms: BTreeMap<RoomId, LinkId>,
    newcomers: BTreeMap<KeyFingerprint, LinkId>,
    /// PINs that are being looked at.
    checks: BTreeMap<JobId, joins::Check>,
    /// Rooms that passed the door and wait for their leg.
    arrivals: BTreeMap<CallId, joins::Arrival>,
    /// Rooms that wait in a lobby.
    lobby: BTreeMap<CallId, joins::Arrival>,
    opening: BTreeMap<ParticipantId, CallId>,
    /// Who asks right now; nobody between two requests.
    asking: Option<Caller>,
    /// Who may make the first administrator.
    set_up: Option<TokenHash>,
    sign_ins: SignIns,
    sign_ups: SignUps,
    /// Administrators who wait for a hash.
    hashing: BTreeMap<JobId, admin::Waiting>,
    next_job: u64,
    unrecorded: VecDeque<RecordEntry>,
    /// Whether some of them were never tried.
    new_records: bool,
    /// Calls whose line is among those.
    new_calls: Vec<CallId>,
    /// Meeting rooms for one meeting that have had theirs.
    used_up: Vec<VmrId>,
    retry_records_at: Option<Time>,
    removal: removal::Removal,
    /// The records that the last stop left open are still to be closed.
    dangling: bool,
    /// Calls whose joining could not be recorded.
    unrecorded_calls: BTreeSet<CallId>,
    resumed: Vec<ResumedCall>,
    still_waiting: Vec<CallId>,
    listing: Listing,
    roster: Roster,
    seen: seen::AllSeen,
    settings: settings::AllSettings,
    orders: orders::Orders,
    awaited: awaited::AllAwaited,
    parcels: parcels::Parcels,
    appointments: appointments::Appointments,
    calendars: calendars::Calendars,
    wrong_numbers: WrongNumbers,
    post: mail::Post,
    hooks: webhooks::Hooks,
    changes_shown: changes::Changes,
    paces: pace::Paces,
    /// How often rooms said that they run another system.
    changes: pace::Paces,
    updates: updates::Updates,
    /// A span per call that is on or coming, so that every line about it bears its ids.
    spans: BTreeMap<CallId, Span>,
    tally: Tally,
    stage: Stage,
    outputs: VecDeque<Output>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Running,
    Stopping,
}

/// Who is at the other end of a link.
#[derive(Debug)]
enum Party {
    Room {
        room: RoomId,
        organisation: OrganisationId,
        name: DisplayName,
        spki_der: Vec<u8>,
        span: Span,
    },
    Newcomer {
        key: KeyFingerprint,
        spki_der: Vec<u8>,
        serial: String,
    },
    /// It was refused or is ended: nothing that it says counts.
    Leaving,
}

impl Switchboard {
    /// Takes over a directory. Calls that its records show as going on ended when the cloud
    /// stopped; they are closed now.
    ///
    /// A disk that does not take that now gets it later, before any other record: a full disk keeps
    /// no cloud from starting.
    pub fn new(parts: Parts, wall: UnixTime) -> Result<Switchboard, StoreError> {
        let mut vmrs = parts.directory.vmrs()?;
        let appointments = appointments::Appointments::of(&parts, &mut vmrs)?;
        let listing = Listing::of(vmrs);
        let roster = Roster::of(parts.directory.rooms()?);
        let updates = updates::Updates::of(parts.directory.as_ref())?;
        let removal = removal::Removal::of(&parts);
        let settings = settings::AllSettings::of(&parts)?;
        let awaited = awaited::AllAwaited::of(&parts)?;
        let calendars = calendars::Calendars::of(&parts)?;
        let post = mail::Post::new(parts.mail);
        let hooks = webhooks::Hooks::of(&parts)?;
        let mut board = Switchboard {
            parts,
            now: Time::ZERO,
            wall,
            activation: Activation::new(),
            reset_codes: ResetCodes::default(),
            meetings: Meetings::new(),
            links: BTreeMap::new(),
            rooms: BTreeMap::new(),
            newcomers: BTreeMap::new(),
            checks: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            lobby: BTreeMap::new(),
            opening: BTreeMap::new(),
            asking: None,
            set_up: None,
            sign_ins: SignIns::default(),
            sign_ups: SignUps::default(),
            hashing: BTreeMap::new(),
            next_job: 0,
            unrecorded: VecDeque::new(),
            new_records: false,
            new_calls: Vec::new(),
            used_up: Vec::new(),
            retry_records_at: None,
            removal,
            dangling: true,
            unrecorded_calls: BTreeSet::new(),
            resumed: Vec::new(),
            still_waiting: Vec::new(),
            listing,
            roster,
            seen: BTreeMap::new(),
            settings,
            orders: orders::Orders::default(),
            awaited,
            parcels: parcels::Parcels::default(),
            appointments,
            calendars,
            wrong_numbers: WrongNumbers::default(),
            post,
            hooks,
            changes_shown: changes::Changes::default(),
            paces: pace::Paces::default(),
            changes: pace::Paces::default(),
            updates,
            spans: BTreeMap::new(),
            tally: Tally::new(),
            stage: Stage::Running,
            outputs: VecDeque::new(),
        };
        board.expect_back()?;
        match board.close_dangling() {
            Ok(()) => {}
            Err(error @ (StoreError::DiskFull | StoreError::ReadOnly { .. })) => {
                tracing::error!(
                    %error,
                    "the cloud starts all the same; calls and changes are refused until it is mended"
                );
                board.retry_records_at = Some(Time::ZERO + RECORD_RETRY);
            }
            Err(error) => return Err(error),
        }
        Ok(board)
    }

    /// Takes in what happened at `now`, which is `wall` on the calendar.
    pub fn handle(&mut self, now: Time, wall: UnixTime, input: Input) {
        (self.now, self.wall) = (now, wall);
        self.on_time();
        let span = self.span_of(&input);
        let _within = span.enter();
        match input {
            Input::Wake => {}
            Input::Hello { link, peer, hello } => self.hello(link, peer, hello),
            Input::Request { link, id, request } => self.request(link, id, request),
            Input::Event { link, event } => self.event(link, event),
            Input::Closed { link } => self.closed(link),
            Input::PinChecked { job, outcome } => self.pin_checked(job, outcome),
            Input::PinHashed { job, hash } => self.pin_hashed(job, hash),
            Input::LegOpened { participant, leg } => self.leg_opened(participant, leg),
            Input::ChunkRead { link, id, offset, piece } => {
                self.chunk_read(link, id, offset, piece);
            }
            Input::Media(event) => self.media(event),
            Input::Control { id, by, request } => self.control(id, by, request),
            Input::Console { id, by, source, request } => {
                self.console(id, by, source, request);
            }
            Input::Judged(judged) => self.call_judged(judged),
            Input::CalendarRead(read) => self.calendar_read(*read),
            Input::ParcelKept { room, what, number, size } => {
                self.parcel_kept((room, what), number, size);
            }
            Input::Mailed { letter, fate } => self.mailed(letter, fate),
            Input::Delivered { delivery, answer } => self.delivered(delivery, answer),
            Input::Account { id, request } => self.account(id, request),
            Input::Stop => self.stop(),
        }
        self.send_deliveries();
        self.read_calendars();
        self.tell_changes();
    }

    /// The next thing to do, if any.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back with [`Input::Wake`] if nothing happens before.
    pub fn deadline(&self) -> Option<Time> {
        let rollouts = self.updates.deadline().map(|at| self.now + self.wall.until(at));
        let refresh = self.appointments.next_refresh;
        let activation = self.activation.deadline();
        let hooks = self.hooks_deadline();
        let own =
            [hooks, self.parcels.deadline(), self.orders.deadline(), self.calendars.deadline()];
        let all = [self.meetings.deadline(), activation, self.retry_records_at, refresh];
        let all = all.into_iter().chain(own);
        all.chain([rollouts, Some(self.removal.next)]).flatten().min()
    }

    /// Whether any link has not ended yet.
    pub fn has_links(&self) -> bool {
        !self.links.is_empty()
    }

    /// The state as one line, for logs and support.
    pub fn summary(&self) -> String {
        format!(
            "{:?}: {} links, {} rooms, {} newcomers, {} meetings with {} participants, {} arriving, \
             {} in lobbies, {} records waiting",
            self.stage,
            self.links.len(),
            self.rooms.len(),
            self.newcomers.len(),
            self.meetings.len(),
            self.meetings.participants(),
            self.arrivals.len(),
            self.lobby.len(),
            self.unrecorded.len(),
        )
    }

    /// The span of the link that an input came on, so that every line says whose it is.
    fn span_of(&self, input: &Input) -> Span {
        let link = match input {
            Input::Request { link, .. } | Input::Event { link, .. } | Input::Closed { link } => {
                link
            }
            _ => return Span::none(),
        };
        match self.links.get(link) {
            Some(Party::Room { span, .. }) => span.clone(),
            _ => Span::none(),
        }
    }

    fn on_time(&mut self) {
        if self.activation.deadline().is_some_and(|at| at <= self.now) {
            self.renew_codes();
        }
        if self.retry_records_at.is_some_and(|at| at <= self.now) {
            self.write_records();
        }
        if self.removal.next <= self.now {
            self.remove_old_records();
        }
        if self.meetings.deadline().is_some_and(|at| at <= self.now) {
            self.meet(conclave_meeting::Input::Wake);
        }
        if self.appointments.next_refresh.is_some_and(|at| at <= self.now) {
            self.refresh_agendas();
        }
        if self.orders.deadline().is_some_and(|at| at <= self.now) {
            self.give_orders_up();
        }
        if self.parcels.deadline().is_some_and(|at| at <= self.now) {
            self.drop_old_parcels();
        }
        if self.updates.deadline().is_some_and(|at| at <= self.wall) {
            self.rollouts_tick();
        }
    }

    fn stop(&mut self) {
        self.stage = Stage::Stopping;
        self.meet(conclave_meeting::Input::Stopping);
        self.checks.clear();
        for link in self.links.keys().copied().collect::<Vec<_>>() {
            self.end_link(link, CloseReason::Stopping);
        }
    }

    fn job(&mut self) -> JobId {
        self.next_job += 1;
        JobId(self.next_job)
    }

    fn random(&mut self) -> u128 {
        (self.parts.random)()
    }

    fn random_token(&mut self) -> Token {
        let mut octets = [0; 32];
        for half in octets.chunks_exact_mut(16) {
            half.copy_from_slice(&self.random().to_be_bytes());
        }
        Token::from_random(octets)
    }
}
