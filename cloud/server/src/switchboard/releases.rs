//! What the command line asks about releases, rollouts and channels.

use super::admin::Answered;
use super::refused::Refused;
use super::updates::Live;
use super::{Output, Switchboard};
use crate::control::{
    ChannelLine, ControlAnswer, ControlRequest, ReleaseLine, RolloutChange, RolloutLine,
    RolloutRoomLine, RoomUpdateLine,
};
use conclave_directory::{Room, RoomStatus, RoomUpdate, StoredRelease, StoredRollout};
use conclave_rollout::{Amount, Input, Plan, Rollout, Stage, Standing};
use conclave_types::{BundleHash, Channel, Compatible, MaintenanceWindow, OrganisationId, Version};
use std::collections::BTreeMap;
use std::time::Duration;

impl Switchboard {
    pub(super) fn release_control(
        &mut self,
        whose: OrganisationId,
        request: ControlRequest,
    ) -> Answered {
        match request {
            ControlRequest::ReleaseAdd { version, compatible, sha256, size, floor } => {
                let added_at = self.wall;
                self.add_release(StoredRelease {
                    version,
                    compatible,
                    sha256,
                    size,
                    floor,
                    added_at,
                })
            }
            ControlRequest::ReleaseList => {
                let releases = self.updates.releases.iter().map(release_line).collect();
                Ok(ControlAnswer::Releases { releases })
            }
            ControlRequest::ReleaseRemove { version, compatible } => {
                self.remove_release(version, &compatible)
            }
            ControlRequest::RolloutStart {
                version,
                channel,
                waves,
                enough,
                most_failed,
                rest_minutes,
            } => {
                let rest = Duration::from_secs(u64::from(rest_minutes) * 60);
                let plan = Plan::new(waves, enough, most_failed, rest)?;
                self.start_rollouts(version, &channel, &plan)
            }
            ControlRequest::RolloutList => {
                let rollouts = self.updates.rollouts.values().rev().map(rollout_line).collect();
                Ok(ControlAnswer::Rollouts { rollouts })
            }
            ControlRequest::RolloutStatus { rollout } => self.rollout_status(rollout),
            ControlRequest::RolloutSet { rollout, to } => self.change_rollout(rollout, to),
            ControlRequest::RoomFollow { room, channel, window } => {
                self.follow(whose, &room, channel, window)
            }
            ControlRequest::RoomUpdates => {
                let mut rooms = self.active_rooms();
                rooms.retain(|room| room.organisation == whose);
                let rooms = rooms.into_iter().map(|room| self.room_update_line(room)).collect();
                Ok(ControlAnswer::RoomUpdates { rooms })
            }
            ControlRequest::RoomUpdateShow { room } => {
                let room = self.find_room(whose, &room)?;
                Ok(ControlAnswer::RoomUpdates { rooms: vec![self.room_update_line(room)] })
            }
            ControlRequest::ChannelList => self.channels(),
            request => self.audit_control(whose, request),
        }
    }

    /// Adds it, or has its bundle forgotten, unless another release is of the same.
    fn add_release(&mut self, release: StoredRelease) -> Answered {
        let sha256 = release.sha256;
        let added = self.try_add_release(release);
        if added.is_err() {
            self.forget_unused(sha256);
        }
        added
    }

    fn forget_unused(&mut self, sha256: BundleHash) {
        if !self.updates.releases.iter().any(|release| release.sha256 == sha256) {
            self.outputs.push_back(Output::ForgetBundle(sha256));
        }
    }

    fn try_add_release(&mut self, release: StoredRelease) -> Answered {
        if release.floor > release.version {
            return Err(Refused::because(format!(
                "the floor {} lies above the release {}: a room could not keep what it installs",
                release.floor, release.version
            )));
        }
        let named = format!("{} for {}", release.version, release.compatible);
        self.audit_installation("release.add", named, "", release.sha256);
        self.parts.directory.add_release(&release)?;
        let StoredRelease { version, compatible: board, .. } = &release;
        tracing::info!(%version, %board, "release added");
        self.updates.releases = self.parts.directory.releases()?;
        Ok(ControlAnswer::ReleaseAdded { release: release_line(&release) })
    }

    fn remove_release(&mut self, version: Version, compatible: &Compatible) -> Answered {
        let found = self.updates.release(version, compatible).cloned();
        let release = found.ok_or_else(|| no_release(version))?;
        let named = format!("{version} for {compatible}");
        self.audit_installation("release.remove", named, release.sha256, "");
        if !self.parts.directory.remove_release(version, compatible)? {
            return Err(Refused::because(format!(
                "{version} was rolled out: it stays, so that what rooms run can be explained"
            )));
        }
        tracing::info!(%version, board = %compatible, "release removed");
        self.updates.releases = self.parts.directory.releases()?;
        self.forget_unused(release.sha256);
        Ok(ControlAnswer::ReleaseRemoved { release: release_line(&release) })
    }

    fn start_rollouts(&mut self, version: Version, channel: &Channel, plan: &Plan) -> Answered {
        let releases = self.updates.releases.iter().filter(|release| release.version == version);
        let boards: Vec<Compatible> = releases.map(|release| release.compatible.clone()).collect();
        if boards.is_empty() {
            return Err(no_release(version));
        }
        for compatible in &boards {
            if let Some(id) = self.updates.rollout_for(channel, compatible)
                && self.updates.rollouts.get(&id).is_some_and(|live| live.stored.version == version)
            {
                return Err(Refused::because(format!(
                    "rollout {id} brings {version} to '{channel}' already: see 'conclave-cloud \
                     rollout status {id}'"
                )));
            }
        }
        self.audit_installation("rollout.start", version, "", channel);
        let mut begun = Vec::new();
        for compatible in boards {
            if let Some(earlier) = self.updates.rollout_for(channel, &compatible) {
                self.roll(earlier, Input::Withdraw, None)?;
            }
            let id = self.updates.rollouts.keys().next_back().map_or(1, |last| last + 1);
            let rollout = Rollout::new(plan.clone());
            let stored = StoredRollout {
                id,
                channel: channel.clone(),
                version,
                compatible,
                plan: plan.clone(),
                saved: rollout.saved(),
                started_at: self.wall,
            };
            self.parts.directory.add_rollout(&stored)?;
            tracing::info!(rollout = id, %version, %channel, "rollout begins");
            self.updates.rollouts.insert(id, Live { stored, rollout, taken: BTreeMap::new() });
            self.gather(id)?;
            begun.push(id);
        }
        let line = |id: &u32| self.updates.rollouts.get(id).map(rollout_line);
        Ok(ControlAnswer::RolloutStarted { rollouts: begun.iter().filter_map(line).collect() })
    }

    fn change_rollout(&mut self, id: u32, to: RolloutChange) -> Answered {
        let stage = self.live(id)?.rollout.saved().stage;
        let stopped = matches!(stage, Stage::StoppedByFailures | Stage::StoppedByPerson);
        let (input, may) = match to {
            RolloutChange::Stop => (Input::Stop, stage == Stage::Running),
            RolloutChange::Resume => (Input::Resume, stopped),
            RolloutChange::Withdraw => (Input::Withdraw, stage != Stage::Withdrawn),
        };
        if !may {
            return Err(Refused::because(format!("rollout {id} is {} already", words(stage))));
        }
        let wanted = match to {
            RolloutChange::Stop => "stopped",
            RolloutChange::Resume => "resumed",
            RolloutChange::Withdraw => "withdrawn",
        };
        self.audit_installation("rollout.set", id, words(stage), wanted);
        self.roll(id, input, None)?;
        Ok(ControlAnswer::RolloutChanged { rollout: Box::new(rollout_line(self.live(id)?)) })
    }

    fn rollout_status(&self, id: u32) -> Answered {
        let live = self.live(id)?;
        let rooms = self.active_rooms().into_iter().filter_map(|room| {
            let taken = live.taken.get(&room.id)?;
            Some(RolloutRoomLine {
                room: room.id,
                name: room.name,
                standing: taken.standing,
                why: taken.why.clone(),
                stage: self.updates.said.get(&room.id).map(|report| report.stage.clone()),
                since: taken.at,
            })
        });
        let rollout = Box::new(rollout_line(live));
        Ok(ControlAnswer::Rollout { rollout, rooms: rooms.collect() })
    }

    fn follow(
        &mut self,
        whose: OrganisationId,
        room: &str,
        channel: Option<Channel>,
        window: Option<MaintenanceWindow>,
    ) -> Answered {
        let room = self.find_room(whose, room)?;
        let before = self.updates.of_room(room.id);
        let mut update = before.clone();
        update.channel = channel.unwrap_or(update.channel);
        update.window = window.unwrap_or(update.window);
        let hours = |update: &RoomUpdate| format!("{}, {}", update.channel, update.window);
        self.audit("room.follow", room.id, hours(&before), hours(&update));
        self.parts.directory.keep_room_update(&update)?;
        let RoomUpdate { channel, window, .. } = &update;
        tracing::info!(room = %room.id, %channel, %window, "room follows");
        self.updates.rooms.insert(room.id, update.clone());
        let id = room.id;
        let line = self.room_update_line(room);
        if update.channel != before.channel
            && let Some((_, board)) = &before.runs
            && let Some(left) = self.updates.rollout_for(&before.channel, board)
        {
            self.roll(left, Input::Gone(id), None)?;
        }
        self.count_pools();
        // It hears at once what it is offered now, by the new hours.
        if let Some(report) = self.updates.said.remove(&id) {
            self.take_back(id);
            self.updated(id, report);
        }
        Ok(ControlAnswer::RoomFollows { room: Box::new(line) })
    }

    fn channels(&self) -> Answered {
        let mut channels: BTreeMap<Channel, ChannelLine> = BTreeMap::new();
        let of_rooms =
            self.active_rooms().into_iter().map(|room| (self.updates.of_room(room.id).channel, 1));
        let live = |live: &&Live| live.rollout.saved().stage != Stage::Withdrawn;
        let live: Vec<&Live> = self.updates.rollouts.values().filter(live).collect();
        let of_rollouts = live.iter().map(|live| (live.stored.channel.clone(), 0));
        for (channel, rooms) in of_rooms.chain(of_rollouts).chain([(Channel::default(), 0)]) {
            let line = ChannelLine { channel: channel.clone(), rooms: 0, rollouts: Vec::new() };
            channels.entry(channel).or_insert(line).rooms += rooms;
        }
        for live in live {
            if let Some(line) = channels.get_mut(&live.stored.channel) {
                line.rollouts.push(rollout_line(live));
            }
        }
        Ok(ControlAnswer::Channels { channels: channels.into_values().collect() })
    }

    fn live(&self, id: u32) -> Result<&Live, Refused> {
        self.updates.rollouts.get(&id).ok_or_else(|| {
            Refused::because(format!("there is no rollout {id}: see 'conclave-cloud rollout list'"))
        })
    }

    fn active_rooms(&self) -> Vec<Room> {
        self.roster.all().filter(|room| room.status == RoomStatus::Active).cloned().collect()
    }

    fn room_update_line(&self, room: Room) -> RoomUpdateLine {
        let update = self.updates.of_room(room.id);
        let (running, compatible) = update.runs.unzip();
        let brings = compatible.as_ref().and_then(|board| {
            let id = self.updates.rollout_for(&update.channel, board)?;
            self.updates.rollouts.get(&id)
        });
        RoomUpdateLine {
            room: room.id,
            name: room.name,
            channel: update.channel,
            window: update.window,
            running,
            compatible,
            stage: self.updates.said.get(&room.id).map(|report| report.stage.clone()),
            brought: brings.map(|live| live.stored.version),
            rollout: brings.map(|live| live.rollout.saved().stage),
        }
    }
}

fn no_release(version: Version) -> Refused {
    Refused::because(format!("there is no release {version}: see 'conclave-cloud release list'"))
}

/// How a rollout is, for people.
pub(crate) fn words(stage: Stage) -> &'static str {
    match stage {
        Stage::Running => "running",
        Stage::StoppedByFailures => "stopped by failures",
        Stage::StoppedByPerson => "stopped",
        Stage::Withdrawn => "withdrawn",
    }
}

fn release_line(release: &StoredRelease) -> ReleaseLine {
    let StoredRelease { version, compatible, sha256, size, floor, added_at } = release.clone();
    ReleaseLine { version, compatible, sha256, size, floor, added_at }
}

fn rollout_line(live: &Live) -> RolloutLine {
    let Live { stored, rollout, .. } = live;
    let saved = rollout.saved();
    let waves: Vec<Amount> = rollout.plan().waves().to_vec();
    RolloutLine {
        rollout: stored.id,
        channel: stored.channel.clone(),
        version: stored.version,
        compatible: stored.compatible.clone(),
        stage: saved.stage,
        wave: u32::try_from(saved.wave + 1).unwrap_or(u32::MAX),
        waves,
        target: rollout.target(),
        offered: rollout.count(Standing::Offered),
        committed: rollout.count(Standing::Committed),
        failed: rollout.count(Standing::Failed),
        forgiven: rollout.count(Standing::Forgiven),
        started_at: stored.started_at,
    }
}
