//! How one release reaches the rooms of a channel: in waves that stop by themselves.
//!
//! A machine without sockets, database or clock. The flow:
//! 1. Rooms that want the release say so ([`Input::Here`]); a wave takes as many as its [`Plan`] says,
//!    those that are there first. The others wait.
//! 2. When enough rooms of a wave run the release for good and the wave has rested, the next begins.
//! 3. When more rooms failed than the plan bears, it stops by itself: whoever has not installed the
//!    release yet hears that it is offered no more. A person looks, and resumes it or withdraws it.
//!
//! The last wave never ends: a room that comes later is still taken.
//!
//! Waves take hours and outlive the cloud's process, so time here is the calendar's. Everything that
//! has to outlive it is handed out as [`Output::Keep`].

#![forbid(unsafe_code)]

mod plan;

pub use plan::{Amount, Plan, PlanError};

use conclave_types::{RoomId, UnixTime};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How one room stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It was taken into a wave.
    Offered,
    /// It runs the release for good.
    Committed,
    /// It does not run it, and said why.
    Failed,
    /// It failed before somebody resumed the rollout: it counts no more, and is not asked again.
    Forgiven,
}

/// Whether rooms are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// They are.
    Running,
    /// Too many failed.
    StoppedByFailures,
    /// Somebody stopped it.
    StoppedByPerson,
    /// Somebody withdrew it, for good.
    Withdrawn,
}

/// What has to outlive the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saved {
    /// Whether rooms are taken.
    pub stage: Stage,
    /// Which wave is on, from 0.
    pub wave: usize,
    /// Since when enough rooms of this wave run the release.
    pub rests_since: Option<UnixTime>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// So many rooms are meant to get the release.
    Pool(u32),
    /// A room is there and does not run the release.
    Here(RoomId),
    /// A room is not there any more; it keeps its place.
    Left(RoomId),
    /// A room is none of ours any more: it was revoked, or follows another channel.
    Gone(RoomId),
    /// A room runs the release for good.
    Committed(RoomId),
    /// A room does not, and will not by itself.
    Failed(RoomId),
    /// Somebody stops it.
    Stop,
    /// Somebody has looked at the failures and goes on.
    Resume,
    /// Somebody ends it for good.
    Withdraw,
    /// The deadline has passed.
    Tick,
}

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Offer the release to a room.
    Offer(RoomId),
    /// Take the offer back.
    TakeBack(RoomId),
    /// Keep how a room stands; `None` forgets it.
    Room(RoomId, Option<Standing>),
    /// Keep this.
    Keep(Saved),
}

/// The rollout of one release on one channel.
#[derive(Debug)]
pub struct Rollout {
    plan: Plan,
    saved: Saved,
    pool: u32,
    rooms: BTreeMap<RoomId, Standing>,
    /// There, and not taken.
    waiting: BTreeSet<RoomId>,
    outputs: VecDeque<Output>,
}

impl Rollout {
    /// A rollout that begins with its first wave.
    pub fn new(plan: Plan) -> Rollout {
        let saved = Saved { stage: Stage::Running, wave: 0, rests_since: None };
        Rollout::restored(plan, saved, BTreeMap::new())
    }

    /// A rollout as an earlier run kept it.
    pub fn restored(plan: Plan, saved: Saved, rooms: BTreeMap<RoomId, Standing>) -> Rollout {
        let saved = Saved { wave: saved.wave.min(plan.waves().len() - 1), ..saved };
        let (waiting, outputs) = (BTreeSet::new(), VecDeque::new());
        Rollout { plan, saved, pool: 0, rooms, waiting, outputs }
    }

    /// Says how many rooms there are, and decides nothing yet: for a rollout that was just restored.
    pub fn set_pool(&mut self, pool: u32) {
        self.pool = pool;
    }

    /// How it stands.
    pub fn saved(&self) -> Saved {
        self.saved
    }

    /// How it is meant to go.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How a room stands, if it was taken.
    pub fn standing(&self, room: RoomId) -> Option<Standing> {
        self.rooms.get(&room).copied()
    }

    /// How many rooms stand so.
    pub fn count(&self, standing: Standing) -> u32 {
        let all = self.rooms.values().filter(|found| **found == standing).count();
        u32::try_from(all).unwrap_or(u32::MAX)
    }

    /// How many rooms the present wave takes, with those of the waves before it.
    pub fn target(&self) -> u32 {
        let pool = self.pool.saturating_sub(self.count(Standing::Forgiven));
        self.plan.waves()[self.saved.wave].of(pool).min(pool)
    }

    /// What is wanted next; call until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Tick`] is wanted.
    pub fn deadline(&self) -> Option<UnixTime> {
        let last = self.saved.wave + 1 == self.plan.waves().len();
        let rests = self.saved.rests_since.filter(|_| self.saved.stage == Stage::Running && !last);
        rests.map(|since| since.after(self.plan.rest()))
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: UnixTime, input: Input) {
        match input {
            Input::Pool(pool) => self.pool = pool,
            Input::Here(room) => self.here(room),
            Input::Left(room) => {
                self.waiting.remove(&room);
            }
            Input::Gone(room) => {
                self.waiting.remove(&room);
                if self.rooms.remove(&room).is_some() {
                    self.outputs.push_back(Output::Room(room, None));
                }
            }
            Input::Committed(room) => self.stands(room, Standing::Committed),
            Input::Failed(room) => {
                // A room that says it again, or was forgiven, has failed once.
                if !matches!(self.standing(room), Some(Standing::Failed | Standing::Forgiven)) {
                    self.stands(room, Standing::Failed);
                }
            }
            Input::Stop if self.saved.stage == Stage::Running => {
                self.stop(Stage::StoppedByPerson);
            }
            Input::Resume
                if matches!(
                    self.saved.stage,
                    Stage::StoppedByFailures | Stage::StoppedByPerson
                ) =>
            {
                self.resume();
            }
            Input::Withdraw if self.saved.stage != Stage::Withdrawn => {
                self.stop(Stage::Withdrawn);
            }
            Input::Stop | Input::Resume | Input::Withdraw | Input::Tick => {}
        }
        self.go_on(now);
    }

    fn here(&mut self, room: RoomId) {
        match (self.saved.stage, self.standing(room)) {
            (Stage::Running, Some(Standing::Offered)) => {
                self.outputs.push_back(Output::Offer(room));
            }
            // It ran the release for good and does not any more: put back by hand. It waits its turn.
            (Stage::Running, None | Some(Standing::Committed)) => {
                self.rooms.remove(&room);
                self.waiting.insert(room);
                if !self.has_place() {
                    self.outputs.push_back(Output::TakeBack(room));
                }
            }
            (_, standing) => {
                if standing.is_none() {
                    self.waiting.insert(room);
                }
                self.outputs.push_back(Output::TakeBack(room));
            }
        }
    }

    fn stands(&mut self, room: RoomId, standing: Standing) {
        self.waiting.remove(&room);
        if self.rooms.insert(room, standing) != Some(standing) {
            self.outputs.push_back(Output::Room(room, Some(standing)));
        }
    }

    fn stop(&mut self, stage: Stage) {
        self.saved.stage = stage;
        self.saved.rests_since = None;
        self.outputs.push_back(Output::Keep(self.saved));
        let offered = self.rooms.iter().filter(|(_, standing)| **standing == Standing::Offered);
        self.outputs.extend(offered.map(|(room, _)| Output::TakeBack(*room)));
    }

    fn resume(&mut self) {
        self.saved.stage = Stage::Running;
        self.outputs.push_back(Output::Keep(self.saved));
        for (room, standing) in &mut self.rooms {
            match standing {
                Standing::Failed => {
                    *standing = Standing::Forgiven;
                    self.outputs.push_back(Output::Room(*room, Some(Standing::Forgiven)));
                }
                Standing::Offered => self.outputs.push_back(Output::Offer(*room)),
                Standing::Committed | Standing::Forgiven => {}
            }
        }
    }

    /// Stops, takes rooms, or begins the next wave, as the numbers say.
    fn go_on(&mut self, now: UnixTime) {
        if self.saved.stage != Stage::Running {
            return;
        }
        if self.count(Standing::Failed) > self.plan.most_failed().of(self.target()) {
            return self.stop(Stage::StoppedByFailures);
        }
        loop {
            while self.has_place()
                && let Some(room) = self.waiting.pop_first()
            {
                self.stands(room, Standing::Offered);
                self.outputs.push_back(Output::Offer(room));
            }
            let enough = self.plan.enough().of(self.target()).max(1);
            let since = match (self.count(Standing::Committed) >= enough, self.saved.rests_since) {
                (false, None) => return,
                (false, Some(_)) => {
                    self.saved.rests_since = None;
                    return self.outputs.push_back(Output::Keep(self.saved));
                }
                (true, Some(since)) => since,
                (true, None) => {
                    self.saved.rests_since = Some(now);
                    self.outputs.push_back(Output::Keep(self.saved));
                    now
                }
            };
            let last = self.saved.wave + 1 == self.plan.waves().len();
            if last || now < since.after(self.plan.rest()) {
                return;
            }
            self.saved.wave += 1;
            self.saved.rests_since = None;
            self.outputs.push_back(Output::Keep(self.saved));
        }
    }

    fn has_place(&self) -> bool {
        let taken = self.rooms.values().filter(|found| **found != Standing::Forgiven).count();
        taken < self.target() as usize
    }
}

#[cfg(test)]
mod tests;
