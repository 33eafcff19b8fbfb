//! A room's update in virtual time, with disk, installer and cloud written out by hand.

use super::*;
use crate::{Fetched, MOST_OUTSTANDING, PACE, PROOF, QUIET, Stick};
use conclave_messages::{LONGEST_CHUNK, NoChunk, Piece, Response, SUM};
use conclave_types::{BundleHash, Version};

const NIGHT: u16 = 3 * 60;
const DAY: u16 = 12 * 60;
const OLD: Version = Version(1, 0, 0);
const NEW: Version = Version(1, 1, 0);

fn release(version: Version) -> Release {
    Release {
        version,
        compatible: "conclave-virtual".parse().unwrap(),
        sha256: BundleHash([u8::try_from(version.1).unwrap(); 32]),
        size: u64::from(LONGEST_CHUNK) * 9 + 5,
        floor: Version(0, 9, 0),
    }
}

fn offer(version: Version) -> Input {
    Input::Offer(UpdateOffer { release: release(version), window: MaintenanceWindow::default() })
}

fn facts(running: Version, boot: &str) -> Facts {
    let compatible = "conclave-virtual".parse().unwrap();
    let (boot, up) = (boot.to_owned(), Duration::from_secs(30));
    Facts { running, compatible, boot, up, quiet: QUIET, proof: PROOF }
}

/// One room with a disk, and what its machine said.
struct Bench {
    update: Update,
    now: Time,
    /// Octets from the bundle's beginning that are there before anything is fetched.
    found: u64,
    /// Octets of the bundle that are on the disk.
    disk: u64,
    /// Block sums that the last opening was given.
    sums: usize,
    kept: Kept,
    reports: Vec<UpdateStage>,
    said: Vec<Output>,
    /// Chunks that were asked for and not answered.
    asked: VecDeque<(Of, u64, u32)>,
}

impl Bench {
    fn new(facts: Facts, kept: Kept) -> Bench {
        let now = Time::from_micros(1_000_000);
        let update = Update::new(now, facts, kept.clone());
        let (reports, said, asked) = (vec![], vec![], VecDeque::new());
        let (found, disk, sums) = (0, 0, 0);
        let mut bench = Bench { update, now, found, disk, sums, kept, reports, said, asked };
        bench.drain();
        bench
    }

    /// In the night, linked, everything works, and quiet for long enough.
    fn idle() -> Bench {
        let mut bench = Bench::new(facts(OLD, "boot 1"), Kept::default());
        bench.come_up();
        bench.give(Input::Clock(NIGHT));
        bench.pass(QUIET);
        bench
    }

    fn come_up(&mut self) {
        for part in [Part::Panel, Part::Camera, Part::Microphone] {
            self.give(Input::Part(part, true));
        }
        self.give(Input::LinkUp);
    }

    fn give(&mut self, input: Input) {
        self.update.handle(self.now, input);
        self.drain();
        assert!(self.update.deadline().is_none_or(|at| at > self.now), "{}", self.update.summary());
    }

    fn drain(&mut self) {
        while let Some(output) = self.update.poll_output() {
            match output {
                Output::Fetch { of, offset, length, .. } => {
                    self.asked.push_back((of, offset, length));
                }
                Output::Keep(kept) => self.kept = *kept,
                Output::Tell(report) => self.reports.push(report.stage),
                Output::Changed => {}
                Output::Open { size, sums, .. } => {
                    self.sums = sums.len();
                    self.disk = if sums.is_empty() { 0 } else { self.found };
                    let rest = self.disk..size;
                    let missing = if rest.is_empty() { vec![] } else { vec![rest] };
                    self.update.handle(self.now, Input::Opened { missing });
                }
                Output::Write { piece, .. } => {
                    let octets = piece.0.len() as u64;
                    self.disk += octets;
                    self.found = self.found.max(self.disk);
                    self.update.handle(self.now, Input::Written { octets });
                }
                Output::Discard => {
                    (self.disk, self.found) = (0, 0);
                    self.said.push(Output::Discard);
                }
                other => self.said.push(other),
            }
        }
    }

    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(at) = self.update.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.give(Input::Tick);
        }
        self.now = end;
        self.give(Input::Tick);
    }

    fn answer(&mut self) {
        let Some((of, offset, length)) = self.asked.pop_front() else {
            panic!("nothing was asked")
        };
        let fetched = Fetched::Piece(Piece(vec![7; length as usize]));
        self.give(Input::Fetched { of, offset, fetched });
    }

    fn fetch_all(&mut self) {
        for _ in 0..200 {
            while !self.asked.is_empty() {
                self.answer();
            }
            if matches!(self.update.state(), State::Checking) {
                return;
            }
            self.pass(PACE);
        }
        panic!("{}", self.update.summary());
    }

    fn check(&mut self) {
        let version = NEW.to_string();
        self.give(Input::Checked(Bundle { version, compatible: "conclave-virtual".into() }));
    }

    fn stage(&self) -> UpdateStage {
        self.update.report().stage
    }

    fn says(&mut self, wanted: &Output) -> bool {
        let found = self.said.iter().position(|said| said == wanted);
        found.map(|at| self.said.remove(at)).is_some()
    }

    /// From an offer to the restart.
    fn restarted() -> Kept {
        let mut bench = Bench::idle();
        bench.give(offer(NEW));
        bench.fetch_all();
        bench.check();
        bench.give(Input::Installed);
        assert!(bench.says(&Output::Restart), "{:?}", bench.said);
        bench.kept
    }
}

#[test]
fn an_offer_is_fetched_installed_and_proved() {
    let mut bench = Bench::idle();
    bench.give(offer(NEW));
    bench.fetch_all();
    assert!(bench.says(&Output::Check(release(NEW).sha256)));
    bench.check();
    assert!(bench.says(&Output::Install(release(NEW).sha256)));
    bench.give(Input::Installing { percent: 52 });
    bench.give(Input::Installed);
    assert!(bench.says(&Output::Discard) && bench.says(&Output::Restart));
    let told = &bench.reports;
    assert!(told.contains(&UpdateStage::Fetching { percent: 40 }), "{told:?}");
    assert!(told.contains(&UpdateStage::Installing { percent: 50 }), "{told:?}");

    let mut bench = Bench::new(facts(NEW, "boot 2"), bench.kept);
    bench.come_up();
    assert_eq!(bench.stage(), UpdateStage::Proving);
    assert!(!bench.says(&Output::Commit), "it has to last");
    bench.pass(STEADY);
    assert!(bench.says(&Output::Commit));
    bench.give(Input::Committed);
    assert_eq!(bench.stage(), UpdateStage::Committed);
    assert_eq!((bench.kept.trial.clone(), bench.kept.floor), (None, Version(0, 9, 0)));
    // And it is told again with each link, for it may not have been heard.
    bench.give(Input::LinkDown);
    bench.reports.clear();
    bench.give(Input::LinkUp);
    assert_eq!(bench.reports, [UpdateStage::Committed]);
}

#[test]
fn nothing_happens_outside_the_window_in_a_call_or_before_a_meeting() {
    let mut bench = Bench::idle();
    bench.give(Input::Clock(DAY));
    bench.give(offer(NEW));
    assert_eq!(bench.stage(), UpdateStage::Waiting);
    bench.give(Input::Use(Use::Call));
    bench.give(Input::Clock(NIGHT));
    assert_eq!(bench.stage(), UpdateStage::Waiting);
    bench.give(Input::Use(Use::Free));
    assert_eq!(bench.stage(), UpdateStage::Waiting, "whoever hung up may still be there");
    bench.give(Input::NextMeeting(Some(bench.now + QUIET + BEFORE_MEETING)));
    bench.pass(QUIET);
    assert_eq!(bench.stage(), UpdateStage::Waiting);
    bench.give(Input::NextMeeting(None));
    assert_eq!(bench.stage(), UpdateStage::Fetching { percent: 0 });
    // A call stops it at once, and what has come stays.
    bench.answer();
    bench.pass(PACE);
    bench.answer();
    assert_eq!(bench.disk, u64::from(LONGEST_CHUNK), "the sums, then a chunk");
    bench.give(Input::Use(Use::Call));
    assert_eq!(bench.stage(), UpdateStage::Waiting);
    bench.give(Input::Use(Use::Free));
    bench.asked.clear();
    bench.pass(QUIET);
    bench.answer();
    bench.pass(PACE);
    let next = (Of::Bundle, u64::from(LONGEST_CHUNK), LONGEST_CHUNK);
    assert_eq!(bench.asked.front(), Some(&next));
}

#[test]
fn it_restarts_only_in_another_quiet_moment() {
    let mut bench = Bench::idle();
    bench.give(offer(NEW));
    bench.fetch_all();
    bench.check();
    bench.give(Input::Use(Use::Call));
    bench.give(Input::Installed);
    bench.pass(QUIET * 3);
    assert_eq!(bench.stage(), UpdateStage::Ready);
    bench.give(Input::Use(Use::Free));
    bench.give(Input::Clock(DAY));
    bench.pass(QUIET * 3);
    assert_eq!(bench.stage(), UpdateStage::Ready);
    bench.give(Input::Clock(NIGHT));
    assert!(bench.says(&Output::Restart));
    // What does not restart the machine is tried again, not for ever in a row.
    bench.give(Input::NotDone { detail: "no".into() });
    assert_eq!(bench.stage(), UpdateStage::Ready);
    bench.pass(RESTART_WAIT);
    assert!(bench.says(&Output::Restart));
}

#[test]
fn the_link_may_break_and_the_daemon_restart_and_nothing_is_fetched_twice() {
    let mut bench = Bench::idle();
    bench.give(offer(NEW));
    bench.answer();
    for _ in 0..20 {
        bench.pass(PACE);
    }
    assert_eq!(bench.asked.len(), MOST_OUTSTANDING, "no more until something comes");
    bench.answer();
    bench.give(Input::LinkDown);
    bench.asked.clear();
    bench.pass(Duration::from_secs(3_600));
    assert!(bench.asked.is_empty(), "there is nobody to ask");
    bench.give(Input::LinkUp);
    bench.fetch_all();
    assert_eq!(bench.disk, release(NEW).size);

    let mut again = Bench::new(facts(OLD, "boot 1"), bench.kept.clone());
    again.found = bench.disk;
    again.come_up();
    again.give(Input::Clock(NIGHT));
    again.pass(QUIET);
    again.give(offer(NEW));
    again.answer();
    assert!(matches!(again.update.state(), State::Checking) && again.asked.is_empty());
}

#[test]
fn only_what_is_not_there_is_fetched_and_a_cloud_without_sums_brings_all_of_it() {
    let size = release(NEW).size;
    for (answer, fetched) in [
        (
            Response::Chunk { offset: 0, piece: Piece(vec![7; SUM * 9]) },
            5 + u64::from(LONGEST_CHUNK),
        ),
        (Response::Unsupported, size),
        (Response::NoChunk(NoChunk::Gone), size),
    ] {
        let mut bench = Bench::idle();
        bench.found = size - 5 - u64::from(LONGEST_CHUNK);
        bench.give(offer(NEW));
        assert_eq!(bench.asked.pop_front(), Some((Of::Sums, 0, 9 * SUM as u32)));
        let fetched_sums = Fetched::of(0, Some(answer));
        bench.give(Input::Fetched { of: Of::Sums, offset: 0, fetched: fetched_sums });
        bench.pass(PACE);
        let (of, first, _) = bench.asked[0];
        assert_eq!((of, size - first, bench.sums > 0), (Of::Bundle, fetched, fetched < size));
        bench.fetch_all();
        assert!(bench.says(&Output::Check(release(NEW).sha256)));
    }
}

#[test]
fn answers_out_of_order_short_or_late_do_no_harm() {
    let mut bench = Bench::idle();
    bench.give(offer(NEW));
    bench.answer();
    for _ in 0..20 {
        bench.pass(PACE);
    }
    bench.asked.make_contiguous().reverse();
    let (of, offset, length) = bench.asked.pop_front().unwrap();
    bench.give(Input::Fetched { of, offset, fetched: Fetched::Piece(Piece(vec![1; 3])) });
    bench.give(Input::Fetched { of, offset: 999, fetched: Fetched::Piece(Piece(vec![1; 3])) });
    let sums = Fetched::Piece(Piece(vec![1; length as usize]));
    bench.give(Input::Fetched { of: Of::Sums, offset, fetched: sums });
    let (of, offset, _) = bench.asked.pop_front().unwrap();
    let retry_after = Duration::from_secs(30);
    bench.give(Input::Fetched { of, offset, fetched: Fetched::Busy { retry_after } });
    assert_eq!(bench.disk, 0);
    let before = bench.asked.len();
    bench.pass(Duration::from_secs(29));
    assert_eq!(bench.asked.len(), before, "it was asked to wait");
    bench.pass(Duration::from_secs(2));
    bench.fetch_all();
    assert_eq!(bench.disk, release(NEW).size);
}

#[test]
fn what_does_not_work_after_the_restart_sends_it_back_and_is_said() {
    for (missing, fault) in [
        (Part::Panel, UpdateFault::Panel),
        (Part::Camera, UpdateFault::Camera),
        (Part::Microphone, UpdateFault::Microphone),
        (Part::Link, UpdateFault::Link),
    ] {
        let mut bench = Bench::new(facts(NEW, "boot 2"), Bench::restarted());
        bench.come_up();
        match missing {
            Part::Link => bench.give(Input::LinkDown),
            part => bench.give(Input::Part(part, false)),
        }
        bench.pass(PROOF);
        assert!(bench.says(&Output::FallBack), "{missing:?}");
        let told = bench.kept.trial.as_ref().and_then(|trial| trial.verdict.clone());
        assert_eq!(told.map(|(fault, _)| fault), Some(fault));

        let mut bench = Bench::new(facts(OLD, "boot 3"), bench.kept);
        bench.come_up();
        let said = bench.reports.last().cloned();
        assert!(
            matches!(said, Some(UpdateStage::FellBack { fault: f, .. }) if f == fault),
            "{said:?}"
        );
        // By itself it is not tried again, and why it failed stays to be read.
        bench.give(offer(NEW));
        assert!(matches!(bench.stage(), UpdateStage::FellBack { .. }), "{:?}", bench.stage());
        assert_eq!(bench.kept.failed, [NEW]);
        bench.give(offer(Version(1, 2, 0)));
        assert_eq!(bench.stage(), UpdateStage::Waiting);
    }
}

#[test]
fn what_did_not_work_before_is_not_asked_of_the_new_system() {
    let mut bench = Bench::idle();
    bench.give(Input::Part(Part::Camera, false));
    bench.give(offer(NEW));
    bench.fetch_all();
    bench.check();
    bench.give(Input::Installed);
    let mut bench = Bench::new(facts(NEW, "boot 2"), bench.kept);
    bench.come_up();
    bench.give(Input::Part(Part::Camera, false));
    bench.pass(STEADY);
    assert!(bench.says(&Output::Commit));
}

#[test]
fn a_system_that_never_came_up_is_told_by_the_old_one() {
    let mut bench = Bench::new(facts(OLD, "boot 3"), Bench::restarted());
    bench.come_up();
    let fault = UpdateFault::NotStarted;
    assert_eq!(bench.stage(), UpdateStage::FellBack { fault, detail: String::new() });
    assert_eq!(bench.kept.trial, None);
}

#[test]
fn a_daemon_that_ends_again_and_again_goes_back_in_time() {
    let late = Facts { up: PROOF + Duration::from_secs(1), ..facts(NEW, "boot 2") };
    let bench = Bench::new(late, Bench::restarted());
    assert!(bench.said.contains(&Output::FallBack), "{:?}", bench.said);
    let verdict = bench.kept.trial.and_then(|trial| trial.verdict);
    assert!(matches!(verdict, Some((UpdateFault::NotStarted, _))), "{verdict:?}");
}

#[test]
fn a_boot_loader_that_takes_no_mark_sends_it_back_and_a_way_back_is_tried_again() {
    let mut bench = Bench::new(facts(NEW, "boot 2"), Bench::restarted());
    bench.come_up();
    bench.pass(STEADY);
    bench.give(Input::NotDone { detail: "no".into() });
    bench.pass(RETRY);
    let commits = bench.said.iter().filter(|said| **said == Output::Commit).count();
    assert_eq!(commits, 2);
    bench.pass(PROOF);
    assert!(bench.says(&Output::FallBack));
    bench.pass(RETRY);
    assert!(bench.says(&Output::FallBack));
}

#[test]
fn only_the_daemon_restarted_and_the_installed_version_still_waits() {
    let mut bench = Bench::new(facts(OLD, "boot 1"), Bench::restarted());
    bench.come_up();
    assert_eq!(bench.stage(), UpdateStage::Ready);
    bench.give(Input::NoOffer);
    assert!(bench.says(&Output::Undo));
    assert_eq!((bench.stage(), bench.kept.trial.clone()), (UpdateStage::Idle, None));
}

#[test]
fn what_is_taken_back_is_forgotten_and_what_installs_is_undone_after_it() {
    let mut bench = Bench::idle();
    bench.give(offer(NEW));
    bench.answer();
    bench.give(Input::NoOffer);
    assert!(bench.says(&Output::Discard));
    assert_eq!((bench.stage(), bench.disk), (UpdateStage::Idle, 0));
    bench.asked.clear();
    bench.give(offer(NEW));
    bench.fetch_all();
    bench.check();
    bench.give(Input::NoOffer);
    bench.give(Input::Installed);
    assert!(bench.says(&Output::Undo) && !bench.says(&Output::Restart));
    assert_eq!(bench.stage(), UpdateStage::Idle);
}

#[test]
fn what_may_not_be_installed_is_refused_with_its_reason() {
    let other_board = UpdateOffer {
        release: Release { compatible: "other".parse().unwrap(), ..release(NEW) },
        window: MaintenanceWindow::default(),
    };
    let mut bench = Bench::idle();
    let refused = |bench: &Bench| match bench.stage() {
        UpdateStage::NotInstalled { fault, .. } => Some(fault),
        _ => None,
    };
    bench.give(Input::Offer(other_board));
    assert_eq!(refused(&bench), Some(UpdateFault::WrongBoard));
    bench.update.kept.floor = Version(0, 9, 0);
    bench.give(offer(Version(0, 8, 9)));
    assert_eq!(refused(&bench), Some(UpdateFault::BelowFloor));
    bench.give(offer(Version(0, 9, 1)));
    assert_eq!(bench.stage(), UpdateStage::Fetching { percent: 0 }, "older, and above the floor");
    bench.give(Input::NoOffer);
    bench.asked.clear();

    bench.give(offer(NEW));
    bench.fetch_all();
    let unfit = Input::Unfit { fault: UpdateFault::Damaged, detail: "another hash".into() };
    bench.give(unfit);
    assert_eq!((refused(&bench), bench.disk), (Some(UpdateFault::Damaged), 0));
    bench.give(offer(NEW));
    bench.fetch_all();
    bench.give(Input::Checked(Bundle {
        version: "9.9.9".into(),
        compatible: "conclave-virtual".into(),
    }));
    assert_eq!(refused(&bench), Some(UpdateFault::Damaged));
    bench.give(offer(NEW));
    bench.fetch_all();
    bench.check();
    bench.give(Input::InstallFailed { detail: "slot".into() });
    assert_eq!(refused(&bench), Some(UpdateFault::Installing));
    bench.give(offer(OLD));
    assert_eq!(refused(&bench), Some(UpdateFault::Installing), "it runs that already");
}

#[test]
fn what_was_found_and_makes_no_bundle_is_fetched_once_whole() {
    let mut bench = Bench::idle();
    bench.found = u64::from(LONGEST_CHUNK);
    bench.give(offer(NEW));
    bench.fetch_all();
    let unfit = Input::Unfit { fault: UpdateFault::Damaged, detail: String::new() };
    bench.give(unfit.clone());
    assert_eq!(bench.stage(), UpdateStage::Fetching { percent: 0 });
    bench.fetch_all();
    assert_eq!((bench.sums, bench.disk), (0, release(NEW).size), "nothing was looked for");
    bench.give(unfit);
    assert!(matches!(bench.stage(), UpdateStage::NotInstalled { .. }), "what came is damaged");
}

/// Whatever comes in whatever order: no restart and no installing in a call or in the day, no commit
/// without proof, and every installed version is kept before the restart.
#[test]
fn no_order_of_events_restarts_a_room_in_a_call_or_outside_its_window() {
    for seed in 1_u64..1_500 {
        let mut chance = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut draw = move |end: u64| {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            chance % end
        };
        let mut update = Update::new(Time::ZERO, facts(OLD, "boot 1"), Kept::default());
        let (mut now, mut used, mut minute, mut log) = (Time::ZERO, Use::Free, None, vec![]);
        let mut kept = Kept::default();
        for _ in 0..400 {
            let input = match draw(30) {
                0 => offer(NEW),
                1 => offer(Version(1, 2, 0)),
                2 => Input::NoOffer,
                3 => Input::LinkUp,
                4 => Input::LinkDown,
                5 => Input::Use(Use::Call),
                6 | 7 => Input::Use(Use::Free),
                8 => Input::Touched,
                9 => Input::Clock(DAY),
                10..=12 => Input::Clock(NIGHT),
                13 => {
                    let from = draw(release(NEW).size + 1);
                    let rest = from..release(NEW).size;
                    Input::Opened { missing: if rest.is_empty() { vec![] } else { vec![rest] } }
                }
                14 => {
                    let of = if draw(2) == 0 { Of::Sums } else { Of::Bundle };
                    let piece = Fetched::Piece(Piece(vec![0; draw(3) as usize * SUM * 9]));
                    let fetched = if draw(2) == 0 { Fetched::Lost } else { piece };
                    Input::Fetched { of, offset: 0, fetched }
                }
                15 => Input::Written { octets: release(NEW).size },
                16 => Input::Checked(Bundle {
                    version: NEW.to_string(),
                    compatible: "conclave-virtual".into(),
                }),
                17 => Input::Installing { percent: draw(200) as u8 },
                18 => Input::Installed,
                19 => Input::Committed,
                20 => Input::NotDone { detail: String::new() },
                21 => Input::Part(Part::Camera, draw(2) == 0),
                22 => Input::Stick(Some(stick::brings(Version(1, draw(3) as u16, 0)))),
                23 => Input::Stick(None),
                24 => Input::InstallStick,
                25 => Input::Copied { sha256: BundleHash([9; 32]), size: 5 },
                26 => Input::DiskFailed { detail: String::new() },
                _ => Input::Tick,
            };
            now = now + Duration::from_secs(draw(900));
            match &input {
                Input::Use(new) => used = *new,
                Input::Clock(new) => minute = Some(*new),
                _ => {}
            }
            log.push(input.clone());
            update.handle(now, input);
            let by_hand = update.stick() == Some(Stick::Restarting);
            while let Some(output) = update.poll_output() {
                let told = || format!("seed {seed} {output:?} {log:?}");
                match &output {
                    Output::Keep(new) => kept = (**new).clone(),
                    Output::Restart => {
                        let open = minute == Some(NIGHT) || by_hand;
                        assert!(used == Use::Free && open, "{}", told());
                        assert!(kept.trial.is_some(), "{}", told());
                    }
                    Output::Install(_) | Output::Copy => assert!(used == Use::Free, "{}", told()),
                    Output::Commit | Output::FallBack => panic!("{}", told()),
                    _ => {}
                }
            }
            assert!(update.deadline().is_none_or(|at| at > now), "seed {seed} {log:?}");
        }
    }
}

#[path = "stick_tests.rs"]
mod stick;
