//! Which room runs which release, and who is offered what.
//!
//! 1. A room tells what it runs. That is kept, and the rollout of its channel and board hears of it.
//! 2. [`conclave_rollout`] decides; what it says becomes offers on links and lines in the directory.
//! 3. A room that was offered a release asks for its bundle, piece by piece. Pieces are read off the
//!    main task; only a few rooms fetch at once, for calls go over the same network.

use super::{BundleFile, LinkId, Output, RequestId, Switchboard};
use conclave_directory::{
    Directory, RoomUpdate, StoreError, StoredRelease, StoredRollout, TakenRoom,
};
use conclave_link_protocol::message::{
    CloudEvent, LONGEST_CHUNK, NoChunk, Piece, Release, Response, UpdateOffer, UpdateReport,
    UpdateStage, sums_length,
};
use conclave_rollout::{Input, Output as Wants, Rollout, Stage, Standing};
use conclave_types::{
    BundleHash, Channel, Compatible, MaintenanceWindow, RoomId, Time, UnixTime, Version,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Rooms that fetch at once. At 640 kB a second each they take 10 MB; more would crowd out the calls
/// of a cloud with a line of 100 Mbit/s, fewer would make a night too short for a thousand rooms.
const MOST_FETCHING: usize = 16;
/// A room that has not asked for so long does not fetch any more.
const FETCHING: Duration = Duration::from_secs(10);
/// When a room that found no place asks again.
const RETRY_S: u32 = 30;
/// Pieces that are being read at once: those of all rooms that fetch.
const MOST_READING: usize = MOST_FETCHING * 4;
/// Letters of a room's reason that are kept.
const LONGEST_WHY: usize = 200;

/// Releases, rollouts and rooms.
pub(super) struct Updates {
    pub(super) releases: Vec<StoredRelease>,
    pub(super) rollouts: BTreeMap<u32, Live>,
    pub(super) rooms: BTreeMap<RoomId, RoomUpdate>,
    /// What linked rooms said last.
    pub(super) said: BTreeMap<RoomId, UpdateReport>,
    fetching: BTreeMap<RoomId, Time>,
    reading: usize,
}

/// A rollout with what is known of it besides.
pub(super) struct Live {
    pub(super) stored: StoredRollout,
    pub(super) rollout: Rollout,
    pub(super) taken: BTreeMap<RoomId, TakenRoom>,
}

impl Updates {
    /// As the directory has it.
    pub(super) fn of(directory: &(dyn Directory + Send)) -> Result<Updates, StoreError> {
        let mut rollouts = BTreeMap::new();
        for stored in directory.rollouts()? {
            let taken = directory.taken(stored.id)?;
            let standings = taken.iter().map(|taken| (taken.room, taken.standing)).collect();
            let rollout = Rollout::restored(stored.plan.clone(), stored.saved, standings);
            let taken = taken.into_iter().map(|taken| (taken.room, taken)).collect();
            rollouts.insert(stored.id, Live { stored, rollout, taken });
        }
        let rooms = directory.room_updates()?;
        let mut updates = Updates {
            releases: directory.releases()?,
            rollouts,
            rooms: rooms.into_iter().map(|update| (update.room, update)).collect(),
            said: BTreeMap::new(),
            fetching: BTreeMap::new(),
            reading: 0,
        };
        for live in updates.rollouts.values_mut() {
            let pool = pool(&updates.rooms, &live.stored.channel, &live.stored.compatible);
            // Nothing is decided before rooms are heard.
            live.rollout.set_pool(pool);
        }
        Ok(updates)
    }

    pub(super) fn deadline(&self) -> Option<UnixTime> {
        self.rollouts.values().filter_map(|live| live.rollout.deadline()).min()
    }

    /// What a room follows, whether it ever said anything or not.
    pub(super) fn of_room(&self, room: RoomId) -> RoomUpdate {
        self.rooms.get(&room).cloned().unwrap_or_else(|| RoomUpdate {
            room,
            channel: Channel::default(),
            window: MaintenanceWindow::default(),
            runs: None,
        })
    }

    /// The rollout that counts for a channel and a board: the newest that is not withdrawn.
    pub(super) fn rollout_for(&self, channel: &Channel, compatible: &Compatible) -> Option<u32> {
        let fits = |live: &&Live| {
            live.stored.channel == *channel
                && live.stored.compatible == *compatible
                && live.rollout.saved().stage != Stage::Withdrawn
        };
        self.rollouts.values().rev().find(fits).map(|live| live.stored.id)
    }

    pub(super) fn release(&self, version: Version, board: &Compatible) -> Option<&StoredRelease> {
        let fits =
            |release: &&StoredRelease| release.version == version && release.compatible == *board;
        self.releases.iter().find(fits)
    }

    /// The bundle's length, when this room was offered it.
    fn offered(&self, room: RoomId, sha256: BundleHash) -> Option<u64> {
        let live = self.rollouts.values().filter(|live| {
            live.rollout.saved().stage == Stage::Running
                && live.rollout.standing(room) == Some(Standing::Offered)
        });
        let mut releases =
            live.filter_map(|live| self.release(live.stored.version, &live.stored.compatible));
        releases.find(|release| release.sha256 == sha256).map(|release| release.size)
    }

    fn may_fetch(&mut self, now: Time, room: RoomId) -> bool {
        self.fetching.retain(|_, at| now.since(*at) < FETCHING);
        let may = self.reading < MOST_READING
            && (self.fetching.contains_key(&room) || self.fetching.len() < MOST_FETCHING);
        if may {
            self.fetching.insert(room, now);
        }
        may
    }
}

/// Rooms that follow this channel on this board.
fn pool(rooms: &BTreeMap<RoomId, RoomUpdate>, channel: &Channel, compatible: &Compatible) -> u32 {
    let fits = |room: &&RoomUpdate| {
        room.channel == *channel && room.runs.as_ref().is_some_and(|(_, of)| of == compatible)
    };
    u32::try_from(rooms.values().filter(fits).count()).unwrap_or(u32::MAX)
}

impl Switchboard {
    /// A room tells what it runs and how far it is.
    pub(super) fn updated(&mut self, room: RoomId, report: UpdateReport) {
        let before = self.updates.of_room(room);
        let runs = Some((report.running, report.compatible.clone()));
        let changed = before.runs != runs || !self.updates.rooms.contains_key(&room);
        if changed && !self.changes.may(self.now, room) {
            tracing::warn!(%room, "a room changes its system more often than it can start: ignored");
            return;
        }
        let first = self.updates.said.insert(room, report.clone()).is_none();
        if changed {
            tracing::info!(%room, version = %report.running, board = %report.compatible, "runs");
            let update = RoomUpdate { runs, ..before.clone() };
            let kept = self.parts.directory.keep_room_update(&update);
            logged(kept);
            self.updates.rooms.insert(room, update);
            self.count_pools();
        }
        match self.updates.rollout_for(&before.channel, &report.compatible) {
            Some(id) => {
                let done = self.report_to(id, room, &report, first);
                logged(done);
            }
            // What it still holds of a rollout that is over.
            None if first && report.stage != UpdateStage::Idle => {
                self.tell_room(room, CloudEvent::NoOffer);
            }
            None => {}
        }
    }

    /// Tells a rollout what a room said. `first` on its link: it has to hear what it is offered.
    fn report_to(
        &mut self,
        id: u32,
        room: RoomId,
        report: &UpdateReport,
        first: bool,
    ) -> Result<(), StoreError> {
        let Some(live) = self.updates.rollouts.get(&id) else { return Ok(()) };
        let version = live.stored.version;
        let about_it = report.wanted == Some(version);
        let (input, why) = match &report.stage {
            UpdateStage::NotInstalled { fault, detail }
            | UpdateStage::FellBack { fault, detail }
                if about_it =>
            {
                (Input::Failed(room), Some(cleaned(&format!("{fault} {detail}"))))
            }
            UpdateStage::Proving | UpdateStage::Restarting => return Ok(()),
            UpdateStage::Idle | UpdateStage::Committed if report.running == version => {
                (Input::Committed(room), None)
            }
            _ if report.running == version => return Ok(()),
            UpdateStage::Idle
            | UpdateStage::Committed
            | UpdateStage::NotInstalled { .. }
            | UpdateStage::FellBack { .. } => (Input::Here(room), None),
            _ if first => (Input::Here(room), None),
            _ => return Ok(()),
        };
        self.roll(id, input, why)
    }

    /// Gives a rollout an input and does what comes out; the first trouble with the directory is
    /// told, and nothing waits for it.
    pub(super) fn roll(
        &mut self,
        id: u32,
        input: Input,
        why: Option<String>,
    ) -> Result<(), StoreError> {
        let now = self.wall;
        let Some(live) = self.updates.rollouts.get_mut(&id) else { return Ok(()) };
        live.rollout.handle(now, input);
        let wanted: Vec<Wants> = std::iter::from_fn(|| live.rollout.poll_output()).collect();
        let (mut kept, mut failed) = (Ok(()), Vec::new());
        for wants in wanted {
            let Some(live) = self.updates.rollouts.get_mut(&id) else { return kept };
            let done = match wants {
                Wants::Keep(saved) => {
                    let rollout = id;
                    tracing::info!(rollout, stage = ?saved.stage, wave = saved.wave + 1, "rollout");
                    live.stored.saved = saved;
                    self.parts.directory.keep_rollout(id, saved)
                }
                Wants::Room(room, Some(standing)) => {
                    let why = why.clone().filter(|_| standing == Standing::Failed);
                    let earlier = live.taken.get(&room).and_then(|taken| taken.why.clone());
                    let why = why.or(earlier.filter(|_| standing == Standing::Forgiven));
                    if standing == Standing::Failed {
                        tracing::warn!(%room, version = %live.stored.version, why, "an update failed");
                        failed.push((room, live.stored.version, why.clone()));
                    }
                    let taken = TakenRoom { room, standing, why, at: now };
                    live.taken.insert(room, taken.clone());
                    self.parts.directory.keep_taken(id, &taken)
                }
                Wants::Room(room, None) => {
                    live.taken.remove(&room);
                    self.parts.directory.forget_taken(id, room)
                }
                Wants::Offer(room) => {
                    self.offer(id, room);
                    Ok(())
                }
                Wants::TakeBack(room) => {
                    self.tell_room(room, CloudEvent::NoOffer);
                    Ok(())
                }
            };
            kept = kept.and(done);
        }
        for (room, version, why) in failed {
            self.tell_of_failed_update(room, version, why);
        }
        kept
    }

    fn offer(&mut self, id: u32, room: RoomId) {
        let Some(live) = self.updates.rollouts.get(&id) else { return };
        let Some(release) = self.updates.release(live.stored.version, &live.stored.compatible)
        else {
            return;
        };
        let StoredRelease { version, compatible, sha256, size, floor, .. } = release.clone();
        let release = Release { version, compatible, sha256, size, floor };
        let window = self.updates.of_room(room).window;
        self.tell_room(room, CloudEvent::Offer(UpdateOffer { release, window }));
    }

    fn tell_room(&mut self, room: RoomId, event: CloudEvent) {
        if let Some(link) = self.rooms.get(&room).copied() {
            self.outputs.push_back(Output::Send { link, event });
        }
    }

    /// Nothing is offered to a room until something is again.
    pub(super) fn take_back(&mut self, room: RoomId) {
        self.tell_room(room, CloudEvent::NoOffer);
    }

    /// Tells all rollouts how many rooms they are for.
    pub(super) fn count_pools(&mut self) {
        for id in self.updates.rollouts.keys().copied().collect::<Vec<_>>() {
            let Some(live) = self.updates.rollouts.get(&id) else { continue };
            let StoredRollout { channel, compatible, .. } = &live.stored;
            let pool = pool(&self.updates.rooms, channel, compatible);
            let done = self.roll(id, Input::Pool(pool), None);
            logged(done);
        }
    }

    pub(super) fn rollouts_tick(&mut self) {
        for id in self.updates.rollouts.keys().copied().collect::<Vec<_>>() {
            let done = self.roll(id, Input::Tick, None);
            logged(done);
        }
    }

    pub(super) fn update_link_lost(&mut self, room: RoomId) {
        self.updates.said.remove(&room);
        for id in self.updates.rollouts.keys().copied().collect::<Vec<_>>() {
            let done = self.roll(id, Input::Left(room), None);
            logged(done);
        }
    }

    /// The room was revoked.
    pub(super) fn update_room_gone(&mut self, room: RoomId) {
        self.updates.rooms.remove(&room);
        for id in self.updates.rollouts.keys().copied().collect::<Vec<_>>() {
            let done = self.roll(id, Input::Gone(room), None);
            logged(done);
        }
        self.count_pools();
    }

    /// A room asks for a piece of a bundle or of its block sums: which, from where, how long.
    pub(super) fn chunk(
        &mut self,
        link: LinkId,
        id: RequestId,
        room: RoomId,
        (file, offset, length): (BundleFile, u64, u32),
    ) {
        let size = match file {
            BundleFile::Bundle(sha256) => self.updates.offered(room, sha256),
            BundleFile::Sums(sha256) => self.updates.offered(room, sha256).map(sums_length),
        };
        let inside = size.is_some_and(|size| {
            (1..=LONGEST_CHUNK).contains(&length)
                && offset.checked_add(u64::from(length)).is_some_and(|end| end <= size)
        });
        if !inside {
            self.respond(link, id, Response::NoChunk(NoChunk::Gone));
        } else if self.updates.may_fetch(self.now, room) {
            self.updates.reading += 1;
            self.outputs.push_back(Output::ReadChunk { link, id, file, offset, length });
        } else {
            let busy = NoChunk::Busy { retry_after_s: RETRY_S };
            self.respond(link, id, Response::NoChunk(busy));
        }
    }

    pub(super) fn chunk_read(
        &mut self,
        link: LinkId,
        id: RequestId,
        offset: u64,
        piece: Option<Piece>,
    ) {
        self.updates.reading = self.updates.reading.saturating_sub(1);
        let response = match piece {
            Some(piece) => Response::Chunk { offset, piece },
            None => Response::NoChunk(NoChunk::Gone),
        };
        self.respond(link, id, response);
    }

    /// Has a rollout hear of every room that it is for, as if each had just said what it said last.
    pub(super) fn gather(&mut self, id: u32) -> Result<(), StoreError> {
        let Some(live) = self.updates.rollouts.get(&id) else { return Ok(()) };
        let StoredRollout { channel, compatible, version, .. } = live.stored.clone();
        let for_it = |(room, update): (&RoomId, &RoomUpdate)| {
            let (running, of) = update.runs.as_ref()?;
            (update.channel == channel && *of == compatible).then_some((*room, *running))
        };
        let rooms: BTreeSet<(RoomId, Version)> =
            self.updates.rooms.iter().filter_map(for_it).collect();
        let count = u32::try_from(rooms.len()).unwrap_or(u32::MAX);
        let mut kept = self.roll(id, Input::Pool(count), None);
        for (room, running) in rooms {
            let done = match self.updates.said.get(&room).cloned() {
                Some(report) => self.report_to(id, room, &report, true),
                None if running == version => self.roll(id, Input::Committed(room), None),
                None => Ok(()),
            };
            kept = kept.and(done);
        }
        kept
    }
}

/// What could not be kept holds until the cloud's next start. A room says it again with each link.
fn logged(done: Result<(), StoreError>) {
    if let Err(error) = done {
        let error = &error as &dyn std::error::Error;
        tracing::error!(error, "how an update goes could not be kept");
    }
}

fn cleaned(why: &str) -> String {
    why.trim().chars().filter(|c| !c.is_control()).take(LONGEST_WHY).collect()
}
