//! A room's system in the simulation: two slots, a disk that forgets nothing, and the update's
//! machine on them. Everything that a worker does is done at once; a restart takes half a minute.

use conclave_link_protocol::message::{CloudEvent, Response, RoomEvent, RoomRequest, UpdateReport};
use conclave_types::{Time, Version};
use conclave_update::{
    Bundle, Facts, Fetched, Input, Kept, Of, Output, PROOF, Part, QUIET, Update, Use,
};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

/// How long a restart takes.
const RESTART: Duration = Duration::from_secs(30);

/// The board of every room here.
pub const BOARD: &str = "conclave-sim";
/// What every room runs at first.
pub const FIRST: Version = Version(1, 0, 0);

/// How a new system is, in one room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fate {
    /// It works.
    #[default]
    Works,
    /// Its camera gives no pictures.
    NoCamera,
    /// It does not start: the boot loader goes back by itself.
    DoesNotStart,
}

/// What the system wants of the room.
pub(crate) enum Wants {
    Ask { of: Of, offset: u64, request: RoomRequest },
    Tell(RoomEvent),
}

/// One room's system.
pub(crate) struct System {
    machine: Update,
    kept: Kept,
    running: Version,
    /// What is started next.
    next: Version,
    old: Version,
    /// The pieces of the bundle that came: where each begins, and its octets.
    disk: BTreeMap<u64, u64>,
    installing: Option<Version>,
    pub(crate) fate: Fate,
    pub(crate) minute: u16,
    used: Use,
    starts: u32,
    restart_at: Option<Time>,
}

impl System {
    pub(crate) fn new(now: Time) -> System {
        let kept = Kept::default();
        let mut system = System {
            machine: Update::new(now, facts(FIRST, 0), kept.clone()),
            kept,
            running: FIRST,
            next: FIRST,
            old: FIRST,
            disk: BTreeMap::new(),
            installing: None,
            fate: Fate::Works,
            minute: 12 * 60,
            used: Use::Free,
            starts: 0,
            restart_at: None,
        };
        system.come_up(now);
        system
    }

    /// The machine starts with what the boot loader finds.
    pub(crate) fn start(&mut self, now: Time) {
        self.restart_at = None;
        self.starts += 1;
        if self.next != self.running && self.fate == Fate::DoesNotStart {
            self.next = self.old;
        }
        self.running = self.next;
        self.machine = Update::new(now, facts(self.running, self.starts), self.kept.clone());
        self.come_up(now);
    }

    fn come_up(&mut self, now: Time) {
        let broken = self.running != FIRST && self.fate == Fate::NoCamera;
        for part in [Part::Panel, Part::Camera, Part::Microphone] {
            self.machine.handle(now, Input::Part(part, part != Part::Camera || !broken));
        }
        self.machine.handle(now, Input::Clock(self.minute));
    }

    pub(crate) fn running(&self) -> Version {
        self.running
    }

    pub(crate) fn report(&self) -> UpdateReport {
        self.machine.report()
    }

    pub(crate) fn summary(&self) -> String {
        self.machine.summary()
    }

    pub(crate) fn restart_at(&self) -> Option<Time> {
        self.restart_at
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        // A machine that restarts does nothing meanwhile.
        self.restart_at.or_else(|| self.machine.deadline())
    }

    pub(crate) fn give(&mut self, now: Time, input: Input) {
        self.machine.handle(now, input);
    }

    pub(crate) fn tick(&mut self, now: Time, used: Use) {
        if self.used != used {
            self.used = used;
            self.give(now, Input::Use(used));
        }
        if self.machine.deadline().is_some_and(|at| at <= now) {
            self.give(now, Input::Tick);
        }
    }

    /// The cloud says something; `true` when it was about the update.
    pub(crate) fn cloud(&mut self, now: Time, event: &CloudEvent) -> bool {
        let input = Input::of(event);
        let about_it = input.is_some();
        input.into_iter().for_each(|input| self.give(now, input));
        about_it
    }

    pub(crate) fn answered(&mut self, now: Time, of: Of, offset: u64, answer: Option<Response>) {
        self.give(now, Input::Fetched { of, offset, fetched: Fetched::of(offset, answer) });
    }

    /// Does what the machine wants; what is for the link is handed out.
    pub(crate) fn poll(&mut self, now: Time) -> Option<Wants> {
        while let Some(output) = self.machine.poll_output() {
            let input = match output {
                Output::Fetch { of, sha256, offset, length } => {
                    let request = of.request(sha256, offset, length);
                    return Some(Wants::Ask { of, offset, request });
                }
                Output::Tell(report) => return Some(Wants::Tell(RoomEvent::Update(*report))),
                Output::Keep(kept) => {
                    self.kept = *kept;
                    continue;
                }
                Output::Open { size, sums, .. } => {
                    if sums.is_empty() {
                        self.disk.clear();
                    }
                    Input::Opened { missing: missing(&self.disk, size) }
                }
                Output::Write { offset, piece } => {
                    let octets = piece.0.len() as u64;
                    assert!(self.disk.insert(offset, octets).is_none(), "fetched once");
                    Input::Written { octets }
                }
                Output::Check(_) => {
                    let wanted = self.machine.report().wanted.expect("a release is checked");
                    self.installing = Some(wanted);
                    let version = wanted.to_string();
                    Input::Checked(Bundle { version, compatible: BOARD.to_owned() })
                }
                Output::Install(_) => {
                    assert_eq!(self.used, Use::Free, "nothing is installed in a call");
                    self.old = self.running;
                    self.next = self.installing.expect("it was checked");
                    Input::Installed
                }
                Output::Discard => {
                    self.disk.clear();
                    continue;
                }
                Output::Undo => {
                    self.next = self.running;
                    continue;
                }
                Output::Restart => {
                    assert_eq!(self.used, Use::Free, "nobody is thrown out of a call");
                    assert!((120..300).contains(&self.minute), "not outside the window");
                    self.restart_at = Some(now + RESTART);
                    continue;
                }
                Output::FallBack => {
                    self.next = self.old;
                    self.restart_at = Some(now + RESTART);
                    continue;
                }
                Output::Commit => {
                    self.old = self.running;
                    Input::Committed
                }
                // Nobody comes with a stick here.
                Output::Changed | Output::Copy => continue,
            };
            self.machine.handle(now, input);
        }
        None
    }
}

fn missing(disk: &BTreeMap<u64, u64>, size: u64) -> Vec<Range<u64>> {
    let (mut missing, mut at) = (Vec::new(), 0);
    for (offset, octets) in
        disk.iter().map(|(offset, octets)| (*offset, *octets)).chain([(size, 0)])
    {
        if at < offset {
            missing.push(at..offset);
        }
        at = offset + octets;
    }
    missing
}

fn facts(running: Version, starts: u32) -> Facts {
    let compatible = BOARD.parse().expect("a board's name");
    let (boot, up) = (format!("start {starts}"), Duration::from_secs(20));
    Facts { running, compatible, boot, up, quiet: QUIET, proof: PROOF }
}
