//! The machine itself.

use crate::fetch::{Fetch, Step};
use crate::stick::ByHand;
use crate::{
    BEFORE_MEETING, Bundle, Facts, Fetched, Input, Kept, MOST_SEARCHED, Of, Outcome, Output, Part,
    Trial, Use,
};
use conclave_messages::{
    Release, UpdateFault, UpdateOffer, UpdateReport, UpdateStage, sums_length,
};
use conclave_types::{MaintenanceWindow, Time};
use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::time::Duration;

/// Versions that failed here and are remembered. A channel brings a few a year.
const MOST_FAILED: usize = 16;
/// What the boot loader or the machine did not do is wanted again after this.
const RETRY: Duration = Duration::from_secs(20);
/// A restart that has not happened by then is wanted again.
const RESTART_WAIT: Duration = Duration::from_secs(120);
/// How long all parts have to work together before the new system counts as good: a daemon that ends
/// again and again shows a panel in between.
const STEADY: Duration = Duration::from_secs(20);
/// The cloud is told of each such part of a way.
const PERCENT_STEP: u8 = 5;

/// How far the update is.
#[derive(Debug)]
pub enum State {
    /// Nothing is to be done.
    Idle,
    /// A release waits for the window and a quiet moment. What came of it before stays.
    Waiting,
    /// The bundle is on its way.
    Fetching,
    /// The bundle is copied from a stick.
    Copying {
        /// 0 to 100.
        percent: u8,
    },
    /// Hash and signature are looked at.
    Checking,
    /// It is being installed.
    Installing {
        /// 0 to 100.
        percent: u8,
        /// The cloud took it back meanwhile; the installer cannot be stopped.
        withdrawn: bool,
    },
    /// It is installed.
    Ready,
    /// The machine is about to restart.
    Restarting {
        /// When to ask for it again.
        again: Time,
    },
    /// The new system has to show that it works.
    Proving {
        /// Until when.
        until: Time,
        /// Since when everything works.
        since: Option<Time>,
    },
    /// It has, and is being marked as good.
    Committing {
        /// Until when.
        until: Time,
        /// When to ask for it again.
        again: Time,
    },
    /// It has not; the old system is being brought back.
    FallingBack {
        /// When to ask for it again.
        again: Time,
    },
}

/// A bundle on its way.
#[derive(Debug)]
enum Way {
    /// Its block sums are, and this is what came of them.
    Sums(Fetch, Vec<u8>),
    /// The file is being made of what is there.
    Opening,
    /// The rest is.
    Bundle(Fetch),
}

/// One room's update.
#[derive(Debug)]
pub struct Update {
    pub(crate) facts: Facts,
    pub(crate) kept: Kept,
    state: State,
    pub(crate) offer: Option<UpdateOffer>,
    pub(crate) by_hand: ByHand,
    way: Option<Way>,
    /// Some of the bundle was not fetched in this window but found.
    reused: bool,
    /// What was found made no bundle: all of it is fetched.
    anew: bool,
    linked: bool,
    pub(crate) used: Use,
    touched: Option<Time>,
    meeting: Option<Time>,
    minute: Option<u16>,
    working: BTreeSet<Part>,
    /// After trouble with the restart.
    not_before: Time,
    /// The latest moment that was heard of.
    now: Time,
    shown: Option<UpdateReport>,
    told: Option<UpdateReport>,
    outputs: VecDeque<Output>,
}

impl Update {
    /// Takes up what an earlier start left. Its outputs come first: the new system may have to go
    /// back before anything else is tried.
    pub fn new(now: Time, facts: Facts, kept: Kept) -> Update {
        let mut update = Update {
            facts,
            kept,
            state: State::Idle,
            offer: None,
            by_hand: ByHand::default(),
            way: None,
            reused: false,
            anew: false,
            linked: false,
            used: Use::Free,
            // Whoever switched the room on may stand before it.
            touched: Some(now),
            meeting: None,
            minute: None,
            working: BTreeSet::new(),
            not_before: Time::ZERO,
            now,
            shown: None,
            told: None,
            outputs: VecDeque::new(),
        };
        update.begin(now);
        update
    }

    fn begin(&mut self, now: Time) {
        let Some(trial) = self.kept.trial.clone() else { return };
        if trial.boot == self.facts.boot {
            // Only this program was started again.
            self.state = State::Ready;
        } else if trial.release.version == self.facts.running {
            let until = now + self.facts.proof.saturating_sub(self.facts.up);
            self.state = State::Proving { until, since: None };
            match trial.verdict {
                // It had given up, and the machine started it all the same.
                Some((fault, detail)) => self.fall_back(now, fault, detail),
                // Its time is over, and nobody has seen anything: this program ended again and again.
                None if self.facts.up >= self.facts.proof => {
                    let late = self.facts.up.as_secs();
                    let detail = format!("its daemon began {late} s after the machine's start");
                    self.fall_back(now, UpdateFault::NotStarted, detail);
                }
                None => self.prove(now),
            }
        } else if trial.from == self.facts.running {
            let (fault, detail) = trial.verdict.unwrap_or((UpdateFault::NotStarted, String::new()));
            let version = trial.release.version;
            self.kept.trial = None;
            self.kept.failed.retain(|failed| *failed != version);
            self.kept.failed.push(version);
            let much = self.kept.failed.len().saturating_sub(MOST_FAILED);
            self.kept.failed.drain(..much);
            self.end(&trial.release, UpdateStage::FellBack { fault, detail });
        } else {
            // Somebody put a third version on this device by hand.
            self.kept.trial = None;
            self.keep();
        }
    }

    /// How far it is.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What runs, and how far it is with what is wanted.
    pub fn report(&self) -> UpdateReport {
        let wanted = match self.state {
            State::Idle => None,
            State::Waiting | State::Fetching | State::Checking | State::Installing { .. } => {
                self.offer.as_ref().map(|offer| offer.release.version)
            }
            // Its version is told once it is known to be in this file.
            State::Copying { .. } => None,
            State::Ready
            | State::Restarting { .. }
            | State::Proving { .. }
            | State::Committing { .. }
            | State::FallingBack { .. } => {
                self.kept.trial.as_ref().map(|trial| trial.release.version)
            }
        };
        let stage = match self.state {
            State::Idle => UpdateStage::Idle,
            State::Waiting => UpdateStage::Waiting,
            State::Fetching => {
                let percent = match &self.way {
                    Some(Way::Bundle(fetch)) => fetch.percent(),
                    Some(Way::Sums(..) | Way::Opening) | None => 0,
                };
                UpdateStage::Fetching { percent }
            }
            State::Copying { percent } => UpdateStage::Fetching { percent },
            State::Checking => UpdateStage::Checking,
            State::Installing { percent, .. } => UpdateStage::Installing { percent },
            State::Ready => UpdateStage::Ready,
            State::Restarting { .. } | State::FallingBack { .. } => UpdateStage::Restarting,
            State::Proving { .. } | State::Committing { .. } => UpdateStage::Proving,
        };
        let (wanted, stage) = match (&self.state, &self.kept.outcome) {
            (State::Idle, Some(outcome)) => (Some(outcome.version), outcome.stage.clone()),
            _ => (wanted, stage),
        };
        let Facts { running, ref compatible, .. } = self.facts;
        UpdateReport { running, compatible: compatible.clone(), wanted, stage }
    }

    /// What is wanted next; call until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Tick`] is wanted.
    pub fn deadline(&self) -> Option<Time> {
        match &self.state {
            State::Idle | State::Copying { .. } | State::Checking | State::Installing { .. } => {
                None
            }
            // The window is told of by the clock; here is what it does not tell.
            State::Waiting | State::Ready => self.quiet_at().filter(|at| *at > self.now),
            State::Fetching if !self.linked => None,
            State::Fetching => self.fetch().and_then(|fetch| fetch.due()),
            State::Restarting { again } | State::FallingBack { again } => Some(*again),
            State::Proving { until, since } => {
                Some(since.map_or(*until, |since| (*until).min(since + STEADY)))
            }
            State::Committing { until, again } => Some(*until.min(again)),
        }
    }

    /// The state as one line, for logs and support.
    pub fn summary(&self) -> String {
        format!("{} runs, {:?}, {:?}", self.facts.running, self.state, self.report().stage)
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Time, input: Input) {
        self.now = now;
        if let Some(input) = self.put_aside(input) {
            self.take(now, input);
        }
        self.go_on(now);
        self.tell();
    }

    fn take(&mut self, now: Time, input: Input) {
        match input {
            Input::Offer(offer) => self.offered(offer),
            Input::NoOffer => self.withdrawn(),
            Input::LinkUp => {
                self.linked = true;
                self.told = None;
                self.part(now, Part::Link, true);
            }
            Input::LinkDown => {
                self.linked = false;
                if let Some(Way::Sums(fetch, _) | Way::Bundle(fetch)) = &mut self.way {
                    fetch.cut();
                }
                self.part(now, Part::Link, false);
            }
            Input::Use(used) => {
                if self.used == Use::Call && used == Use::Free {
                    self.touched = Some(now);
                }
                self.used = used;
            }
            Input::Touched => self.touched = Some(now),
            Input::NextMeeting(at) => self.meeting = at,
            Input::Clock(minute) => self.minute = Some(minute),
            Input::Part(part, works) => self.part(now, part, works),
            Input::Opened { missing } => self.opened(missing),
            Input::Fetched { of, offset, fetched } => self.fetched(now, of, offset, fetched),
            Input::Written { octets } => {
                if let Some(Way::Bundle(fetch)) = &mut self.way {
                    fetch.kept(octets);
                }
            }
            Input::Stick(brought) => self.brought(brought),
            Input::InstallStick => self.install_stick(),
            Input::Copying { percent } => {
                if let State::Copying { percent: shown } = &mut self.state {
                    *shown = percent.min(100);
                }
            }
            Input::Copied { sha256, size } => self.copied(sha256, size),
            Input::DiskFailed { .. } if matches!(self.state, State::Copying { .. }) => {
                self.stick_failed(UpdateFault::Disk);
            }
            Input::DiskFailed { detail } => {
                if matches!(self.state, State::Fetching | State::Checking) {
                    self.offer_failed(UpdateFault::Disk, detail);
                }
            }
            Input::Checked(bundle) => self.checked(&bundle),
            Input::Unfit { fault, detail } => {
                if !matches!(self.state, State::Checking) {
                } else if fault == UpdateFault::Damaged && self.reused {
                    // What was found is not what it was taken for: once more, all of it.
                    self.anew = true;
                    self.forget_bundle();
                } else {
                    self.offer_failed(fault, detail);
                }
            }
            Input::Installing { percent } => {
                if let State::Installing { percent: shown, .. } = &mut self.state {
                    *shown = percent.min(100);
                }
            }
            Input::Installed => self.installed(),
            Input::InstallFailed { detail } => {
                if matches!(self.state, State::Installing { .. }) {
                    self.offer_failed(UpdateFault::Installing, detail);
                }
            }
            Input::Committed => self.committed(),
            Input::NotDone { .. } => {
                if let State::Restarting { .. } = self.state {
                    self.state = State::Ready;
                    self.not_before = now + RESTART_WAIT;
                }
            }
            Input::Tick => {}
        }
    }

    /// Does what time and circumstances allow.
    fn go_on(&mut self, now: Time) {
        match self.state {
            State::Idle if self.offer.is_some() => self.state = State::Waiting,
            _ => {}
        }
        match self.state {
            State::Waiting if self.may(now, self.window()) => {
                if self.by_hand.under_way {
                    return self.check_again();
                }
                self.start_fetching();
                self.keep_fetching(now);
            }
            State::Ready if self.may(now, self.window()) => self.restart(now),
            State::Fetching => self.keep_fetching(now),
            State::Restarting { again } if now >= again => {
                self.state = State::Ready;
                self.not_before = now + RESTART_WAIT;
            }
            State::Proving { until, .. } if now >= until => self.not_proved(now),
            State::Proving { .. } => self.prove(now),
            State::Committing { until, .. } if now >= until => {
                let detail = "the boot loader did not take the mark".to_owned();
                self.fall_back(now, UpdateFault::Committing, detail);
            }
            State::Committing { until, again } if now >= again => {
                self.state = State::Committing { until, again: now + RETRY };
                self.want(Output::Commit);
            }
            State::FallingBack { again } if now >= again => {
                self.state = State::FallingBack { again: now + RETRY };
                self.want(Output::FallBack);
            }
            _ => {}
        }
    }

    fn window(&self) -> MaintenanceWindow {
        self.offer.as_ref().map(|offer| offer.window).unwrap_or_default()
    }

    /// In the window, nobody there, none expected.
    fn may(&self, now: Time, window: MaintenanceWindow) -> bool {
        // Who brought it stands there and has said yes.
        if self.by_hand.under_way {
            return self.used == Use::Free && self.not_before <= now;
        }
        self.minute.is_some_and(|minute| window.contains(minute))
            && self.used == Use::Free
            && self.quiet_at().is_none_or(|at| at <= now)
            && self.meeting.is_none_or(|at| at > now + BEFORE_MEETING || at < now)
    }

    /// When the room will have been quiet for long enough, as things stand.
    fn quiet_at(&self) -> Option<Time> {
        let touched = self.touched.map(|at| at + self.facts.quiet);
        let touched = touched.filter(|_| !self.by_hand.under_way);
        let all = [touched, Some(self.not_before)];
        match self.used {
            Use::Free => all.into_iter().flatten().max(),
            Use::Call => None,
        }
    }

    fn offered(&mut self, offer: UpdateOffer) {
        let release = &offer.release;
        if release.version == self.facts.running {
            return self.withdrawn();
        }
        let fault = if release.compatible != self.facts.compatible {
            Some((UpdateFault::WrongBoard, format!("this board is {}", self.facts.compatible)))
        } else if release.version < self.kept.floor {
            Some((UpdateFault::BelowFloor, format!("the floor is {}", self.kept.floor)))
        } else if self.kept.failed.contains(&release.version) {
            Some((UpdateFault::TriedBefore, String::new()))
        } else {
            None
        };
        match self.state {
            // What runs on trial is decided first; the cloud offers again after that.
            State::Proving { .. }
            | State::Committing { .. }
            | State::FallingBack { .. }
            | State::Restarting { .. } => return,
            State::Installing { ref mut withdrawn, .. } => {
                let same = self.offer.as_ref().is_some_and(|known| known.release == offer.release);
                *withdrawn = !same;
                if same {
                    self.offer = Some(offer);
                }
                return;
            }
            State::Ready => {
                let ready = self.kept.trial.as_ref().map(|trial| &trial.release);
                if ready == Some(&offer.release) {
                    self.offer = Some(offer);
                    return;
                }
                self.undo();
            }
            State::Idle
            | State::Waiting
            | State::Fetching
            | State::Copying { .. }
            | State::Checking => {}
        }
        if let Some((fault, detail)) = fault {
            self.offer = Some(offer);
            return self.offer_failed(fault, detail);
        }
        let same = self.offer.as_ref().is_some_and(|known| known.release == offer.release);
        if !same {
            (self.way, self.anew) = (None, false);
            self.state = State::Waiting;
        }
        self.offer = Some(offer);
        self.kept.outcome = None;
    }

    fn withdrawn(&mut self) {
        self.offer = None;
        match &mut self.state {
            State::Idle
            | State::Restarting { .. }
            | State::Proving { .. }
            | State::Committing { .. }
            | State::FallingBack { .. } => {}
            State::Waiting | State::Fetching | State::Copying { .. } | State::Checking => {
                self.forget_bundle();
            }
            State::Installing { withdrawn, .. } => *withdrawn = true,
            State::Ready => {
                self.undo();
                self.forget_bundle();
            }
        }
    }

    /// What was installed is not started.
    fn undo(&mut self) {
        self.want(Output::Undo);
        self.kept.trial = None;
        self.keep();
        self.state = State::Idle;
    }

    fn forget_bundle(&mut self) {
        self.way = None;
        self.state = State::Idle;
        self.want(Output::Discard);
    }

    pub(crate) fn go_idle(&mut self) {
        (self.way, self.anew) = (None, false);
        self.state = State::Idle;
    }

    pub(crate) fn begin_copying(&mut self) {
        self.go_idle();
        self.state = State::Copying { percent: 0 };
        self.want(Output::Copy);
    }

    /// What was copied is looked at like anything that was fetched.
    pub(crate) fn check(&mut self, offer: UpdateOffer) {
        let sha256 = offer.release.sha256;
        self.offer = Some(offer);
        self.state = State::Checking;
        self.want(Output::Check(sha256));
    }

    /// A call came between; what was copied is there all the same.
    fn check_again(&mut self) {
        if let Some(offer) = self.offer.take() {
            self.check(offer);
        }
    }

    fn fetch(&self) -> Option<&Fetch> {
        match &self.way {
            Some(Way::Sums(fetch, _) | Way::Bundle(fetch)) => Some(fetch),
            Some(Way::Opening) | None => None,
        }
    }

    fn start_fetching(&mut self) {
        let Some(offer) = &self.offer else { return };
        let size = offer.release.size;
        self.state = State::Fetching;
        let length = sums_length(size);
        if self.anew || size > MOST_SEARCHED || length == 0 {
            self.open(Vec::new());
        } else {
            let all = Range { start: 0, end: length };
            let octets = usize::try_from(length).unwrap_or(0);
            self.way = Some(Way::Sums(Fetch::new(length, vec![all]), vec![0; octets]));
        }
    }

    /// What came before the last window closed is in the file; what is on its way would come twice.
    fn open(&mut self, sums: Vec<u8>) {
        let Some(offer) = &self.offer else { return };
        let (sha256, size) = (offer.release.sha256, offer.release.size);
        self.way = Some(Way::Opening);
        self.want(Output::Open { sha256, size, sums });
    }

    fn opened(&mut self, missing: Vec<Range<u64>>) {
        let (Some(Way::Opening), Some(offer)) = (&self.way, &self.offer) else { return };
        let size = offer.release.size;
        let all = missing.first().is_some_and(|first| *first == Range { start: 0, end: size });
        self.reused = !all;
        self.way = Some(Way::Bundle(Fetch::new(size, missing)));
    }

    fn fetched(&mut self, now: Time, of: Of, offset: u64, fetched: Fetched) {
        match (of, &mut self.way) {
            (Of::Sums, Some(Way::Sums(fetch, sums))) => match fetch.came(now, offset, fetched) {
                Step::Keep(piece) => {
                    let octets = piece.0.len();
                    let from = usize::try_from(offset).unwrap_or(usize::MAX);
                    let to = from.saturating_add(octets);
                    if let Some(place) = sums.get_mut(from..to) {
                        place.copy_from_slice(&piece.0);
                    }
                    fetch.kept(octets as u64);
                    if fetch.is_whole() {
                        let sums = std::mem::take(sums);
                        self.open(sums);
                    }
                }
                // A cloud that lost the sums has the bundle all the same.
                Step::Gone => self.open(Vec::new()),
                Step::Wait => {}
            },
            (Of::Bundle, Some(Way::Bundle(fetch))) => match fetch.came(now, offset, fetched) {
                Step::Keep(piece) => self.want(Output::Write { offset, piece }),
                Step::Gone => {
                    self.offer = None;
                    self.forget_bundle();
                }
                Step::Wait => {}
            },
            _ => {}
        }
    }

    fn keep_fetching(&mut self, now: Time) {
        let open = self.minute.is_some_and(|minute| self.window().contains(minute));
        if self.used == Use::Call || !open {
            self.state = State::Waiting;
            self.way = None;
            return;
        }
        let (Some(offer), Some(way)) = (&self.offer, &mut self.way) else { return };
        let sha256 = offer.release.sha256;
        let (of, fetch) = match way {
            Way::Sums(fetch, _) => (Of::Sums, fetch),
            Way::Bundle(fetch) if fetch.is_whole() => {
                self.state = State::Checking;
                return self.want(Output::Check(sha256));
            }
            Way::Bundle(fetch) => (Of::Bundle, fetch),
            Way::Opening => return,
        };
        if self.linked
            && let Some((offset, length)) = fetch.ask(now)
        {
            self.want(Output::Fetch { of, sha256, offset, length });
        }
    }

    fn checked(&mut self, bundle: &Bundle) {
        let (State::Checking, Some(offer)) = (&self.state, &self.offer) else { return };
        let release = offer.release.clone();
        if bundle.compatible != release.compatible.as_str() {
            let detail = format!("the bundle is for {}", bundle.compatible);
            self.offer_failed(UpdateFault::WrongBoard, detail);
        } else if bundle.version != release.version.to_string() {
            let detail = format!("the bundle is of version {}", bundle.version);
            self.offer_failed(UpdateFault::Damaged, detail);
        } else if self.used == Use::Call {
            // It takes the disk and the processor that a call needs.
            self.state = State::Waiting;
        } else {
            self.state = State::Installing { percent: 0, withdrawn: false };
            self.want(Output::Install(release.sha256));
        }
    }

    fn installed(&mut self) {
        let State::Installing { withdrawn, .. } = self.state else { return };
        let Some(offer) = &self.offer else {
            self.want(Output::Undo);
            return self.forget_bundle();
        };
        let trial = Trial {
            release: offer.release.clone(),
            from: self.facts.running,
            boot: self.facts.boot.clone(),
            before: self.working.clone(),
            verdict: None,
        };
        self.kept.trial = Some(trial);
        self.keep();
        self.way = None;
        self.want(Output::Discard);
        self.state = State::Ready;
        if withdrawn {
            self.undo();
        }
    }

    fn restart(&mut self, now: Time) {
        if let Some(trial) = &mut self.kept.trial {
            trial.before.clone_from(&self.working);
            self.keep();
            self.state = State::Restarting { again: now + RESTART_WAIT };
            self.want(Output::Restart);
        } else {
            self.state = State::Idle;
        }
    }

    fn part(&mut self, now: Time, part: Part, works: bool) {
        if works {
            self.working.insert(part);
        } else {
            self.working.remove(&part);
        }
        self.prove(now);
    }

    /// All that worked before works, and has for a while: the new system is good.
    fn prove(&mut self, now: Time) {
        let (State::Proving { until, since }, Some(trial)) = (&mut self.state, &self.kept.trial)
        else {
            return;
        };
        let until = *until;
        if now >= until || !trial.before.is_subset(&self.working) {
            *since = None;
        } else if now >= *since.get_or_insert(now) + STEADY {
            self.state = State::Committing { until, again: now + RETRY };
            self.want(Output::Commit);
        }
    }

    fn not_proved(&mut self, now: Time) {
        let before = self.kept.trial.as_ref().map(|trial| trial.before.clone());
        let missing: Vec<Part> =
            before.unwrap_or_default().difference(&self.working).copied().collect();
        let fault = match missing.first() {
            Some(Part::Panel) => UpdateFault::Panel,
            Some(Part::Camera) => UpdateFault::Camera,
            Some(Part::Microphone) => UpdateFault::Microphone,
            Some(Part::Link) => UpdateFault::Link,
            // All of it works, and has not for long enough.
            None => UpdateFault::NotStarted,
        };
        let detail =
            format!("{missing:?} did not work {} s after the start", self.facts.proof.as_secs());
        self.fall_back(now, fault, detail);
    }

    fn fall_back(&mut self, now: Time, fault: UpdateFault, detail: String) {
        if let Some(trial) = &mut self.kept.trial {
            trial.verdict = Some((fault, detail));
        }
        self.keep();
        self.state = State::FallingBack { again: now + RETRY };
        self.want(Output::FallBack);
    }

    fn committed(&mut self) {
        if !matches!(self.state, State::Committing { .. }) {
            return;
        }
        if let Some(trial) = self.kept.trial.take() {
            self.kept.floor = self.kept.floor.max(trial.release.floor);
            self.end(&trial.release, UpdateStage::Committed);
        }
        self.state = State::Idle;
    }

    /// The release that is offered cannot be installed here.
    fn offer_failed(&mut self, fault: UpdateFault, detail: String) {
        if let Some(UpdateOffer { release, .. }) = self.offer.take() {
            // Why it failed then says more than that it did.
            let known = self.kept.outcome.as_ref().is_some_and(|o| o.version == release.version);
            if fault != UpdateFault::TriedBefore || !known {
                self.end(&release, UpdateStage::NotInstalled { fault, detail });
            }
        }
        self.told = None;
        if self.by_hand.under_way {
            self.stick_failed(fault);
        } else {
            self.forget_bundle();
        }
    }

    fn end(&mut self, release: &Release, stage: UpdateStage) {
        self.kept.outcome = Some(Outcome { version: release.version, stage });
        self.keep();
    }

    fn keep(&mut self) {
        self.want(Output::Keep(Box::new(self.kept.clone())));
    }

    pub(crate) fn want(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    /// Tells the cloud what has changed; of a way, some steps only.
    fn tell(&mut self) {
        let mut report = self.report();
        if let UpdateStage::Fetching { percent } | UpdateStage::Installing { percent } =
            &mut report.stage
        {
            *percent -= *percent % PERCENT_STEP;
        }
        if self.shown.as_ref() != Some(&report) {
            self.shown = Some(report.clone());
            self.want(Output::Changed);
        }
        if self.linked && self.told.as_ref() != Some(&report) {
            self.told = Some(report.clone());
            self.want(Output::Tell(Box::new(report)));
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
