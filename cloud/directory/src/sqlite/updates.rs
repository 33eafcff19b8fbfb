//! Releases, rollouts, and what rooms follow, in SQLite.

use super::{SqliteDirectory, parsed, seconds, time, unreadable, violated};
use crate::repository::{
    AddReleaseError, RoomUpdate, StoreError, StoredRelease, StoredRollout, TakenRoom, Updates,
};
use conclave_rollout::{Amount, Plan, Saved, Stage, Standing};
use conclave_types::{Compatible, RoomId, Version};
use rusqlite::{Row, params};
use std::str::FromStr;
use std::time::Duration;

impl Updates for SqliteDirectory {
    fn add_release(&mut self, release: &StoredRelease) -> Result<(), AddReleaseError> {
        let insert = self.write(|connection| {
            connection.execute(
                "INSERT INTO releases (version, compatible, sha256, size, floor, added_at) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
                params![
                    release.version.to_string(),
                    release.compatible.as_str(),
                    release.sha256.to_string(),
                    i64::try_from(release.size).unwrap_or(i64::MAX),
                    release.floor.to_string(),
                    seconds(release.added_at),
                ],
            )
        });
        insert.map(|_| ()).map_err(|error| match violated(&error) {
            Some(words) if words.contains("releases.version") => AddReleaseError::Taken,
            _ => AddReleaseError::Store(error),
        })
    }

    fn remove_release(
        &mut self,
        version: Version,
        compatible: &Compatible,
    ) -> Result<bool, StoreError> {
        self.write(|connection| {
            connection.execute(
                "DELETE FROM releases WHERE version = $1 AND compatible = $2 AND NOT EXISTS \
                 (SELECT 1 FROM rollouts WHERE rollouts.version = releases.version \
                 AND rollouts.compatible = releases.compatible)",
                params![version.to_string(), compatible.as_str()],
            )
        })
        .map(|changed| changed > 0)
    }

    fn releases(&self) -> Result<Vec<StoredRelease>, StoreError> {
        let sql = "SELECT version, compatible, sha256, size, floor, added_at FROM releases";
        let mut found = self.read(sql, [], |row| {
            Ok(StoredRelease {
                version: parsed(row, 0, "version")?,
                compatible: parsed(row, 1, "board")?,
                sha256: parsed(row, 2, "bundle's hash")?,
                size: whole(row, 3, "size")?,
                floor: parsed(row, 4, "version")?,
                added_at: time(row, 5)?,
            })
        })?;
        // By their numbers, which the database does not know.
        found.sort_by(|a, b| (b.version, &a.compatible).cmp(&(a.version, &b.compatible)));
        Ok(found)
    }

    fn keep_room_update(&mut self, update: &RoomUpdate) -> Result<(), StoreError> {
        let (running, compatible) = update.runs.clone().unzip();
        self.write(|connection| {
            connection.execute(
                "INSERT INTO room_updates (room, channel, maintenance, running, compatible) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (room) DO UPDATE SET \
                 channel = excluded.channel, maintenance = excluded.maintenance, \
                 running = excluded.running, compatible = excluded.compatible",
                params![
                    update.room.to_string(),
                    update.channel.as_str(),
                    update.window.to_string(),
                    running.map(|version| version.to_string()),
                    compatible.as_ref().map(Compatible::as_str),
                ],
            )
        })
        .map(|_| ())
    }

    fn room_updates(&self) -> Result<Vec<RoomUpdate>, StoreError> {
        let sql = "SELECT room, channel, maintenance, running, compatible FROM room_updates";
        self.read(sql, [], |row| {
            let said: Option<String> = row.get(3)?;
            Ok(RoomUpdate {
                room: parsed(row, 0, "room id")?,
                channel: parsed(row, 1, "channel")?,
                window: parsed(row, 2, "maintenance window")?,
                runs: match said {
                    Some(_) => Some((parsed(row, 3, "version")?, parsed(row, 4, "board")?)),
                    None => None,
                },
            })
        })
    }

    fn add_rollout(&mut self, rollout: &StoredRollout) -> Result<(), StoreError> {
        let StoredRollout { plan, saved, .. } = rollout;
        let waves: Vec<String> = plan.waves().iter().map(Amount::to_string).collect();
        self.write(|connection| {
            connection.execute(
                "INSERT INTO rollouts (id, channel, version, compatible, waves, enough, \
                 most_failed, rest, stage, wave, rests_since, started_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                params![
                    rollout.id,
                    rollout.channel.as_str(),
                    rollout.version.to_string(),
                    rollout.compatible.as_str(),
                    waves.join(","),
                    plan.enough().to_string(),
                    plan.most_failed().to_string(),
                    i64::try_from(plan.rest().as_secs()).unwrap_or(i64::MAX),
                    stage_word(saved.stage),
                    i64::try_from(saved.wave).unwrap_or(0),
                    saved.rests_since.map(seconds),
                    seconds(rollout.started_at),
                ],
            )
        })
        .map(|_| ())
    }

    fn keep_rollout(&mut self, id: u32, saved: Saved) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute(
                "UPDATE rollouts SET stage = $1, wave = $2, rests_since = $3 WHERE id = $4",
                params![
                    stage_word(saved.stage),
                    i64::try_from(saved.wave).unwrap_or(0),
                    saved.rests_since.map(seconds),
                    id
                ],
            )
        })
        .map(|_| ())
    }

    fn keep_taken(&mut self, id: u32, taken: &TakenRoom) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute(
                "INSERT INTO rollout_rooms (rollout, room, standing, why, at) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (rollout, room) DO UPDATE SET \
                 standing = excluded.standing, why = excluded.why, at = excluded.at",
                params![
                    id,
                    taken.room.to_string(),
                    standing_word(taken.standing),
                    taken.why,
                    seconds(taken.at)
                ],
            )
        })
        .map(|_| ())
    }

    fn forget_taken(&mut self, id: u32, room: RoomId) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute(
                "DELETE FROM rollout_rooms WHERE rollout = $1 AND room = $2",
                params![id, room.to_string()],
            )
        })
        .map(|_| ())
    }

    fn rollouts(&self) -> Result<Vec<StoredRollout>, StoreError> {
        let sql = "SELECT id, channel, version, compatible, waves, enough, most_failed, rest, \
                   stage, wave, rests_since, started_at FROM rollouts ORDER BY id";
        self.read(sql, [], read_rollout)
    }

    fn taken(&self, id: u32) -> Result<Vec<TakenRoom>, StoreError> {
        let sql = "SELECT room, standing, why, at FROM rollout_rooms WHERE rollout = $1";
        self.read(sql, params![id], |row| {
            let standing: String = row.get(1)?;
            let found = STANDINGS.iter().find(|(_, word)| *word == standing);
            Ok(TakenRoom {
                room: parsed(row, 0, "room id")?,
                standing: found.ok_or_else(|| unreadable(1, "standing of a room"))?.0,
                why: row.get(2)?,
                at: time(row, 3)?,
            })
        })
    }
}

fn read_rollout(row: &Row<'_>) -> Result<StoredRollout, rusqlite::Error> {
    let waves: String = row.get(4)?;
    let waves: Result<Vec<Amount>, _> = waves.split(',').map(Amount::from_str).collect();
    let waves = waves.map_err(|_| unreadable(4, "wave"))?;
    let rest = Duration::from_secs(whole(row, 7, "rest")?);
    let plan = Plan::new(waves, parsed(row, 5, "amount")?, parsed(row, 6, "amount")?, rest);
    let stage: String = row.get(8)?;
    let stage = STAGES.iter().find(|(_, word)| *word == stage);
    let since: Option<i64> = row.get(10)?;
    let wave: u64 = whole(row, 9, "wave")?;
    Ok(StoredRollout {
        id: row.get(0)?,
        channel: parsed(row, 1, "channel")?,
        version: parsed(row, 2, "version")?,
        compatible: parsed(row, 3, "board")?,
        plan: plan.map_err(|_| unreadable(4, "plan"))?,
        saved: Saved {
            stage: stage.ok_or_else(|| unreadable(8, "stage"))?.0,
            wave: usize::try_from(wave).unwrap_or(0),
            rests_since: since.map(|_| time(row, 10)).transpose()?,
        },
        started_at: time(row, 11)?,
    })
}

const STAGES: [(Stage, &str); 4] = [
    (Stage::Running, "running"),
    (Stage::StoppedByFailures, "stopped_by_failures"),
    (Stage::StoppedByPerson, "stopped_by_person"),
    (Stage::Withdrawn, "withdrawn"),
];

const STANDINGS: [(Standing, &str); 4] = [
    (Standing::Offered, "offered"),
    (Standing::Committed, "committed"),
    (Standing::Failed, "failed"),
    (Standing::Forgiven, "forgiven"),
];

fn stage_word(stage: Stage) -> &'static str {
    STAGES.iter().find(|(found, _)| *found == stage).map_or("", |(_, word)| word)
}

fn standing_word(standing: Standing) -> &'static str {
    STANDINGS.iter().find(|(found, _)| *found == standing).map_or("", |(_, word)| word)
}

fn whole(row: &Row<'_>, column: usize, what: &'static str) -> Result<u64, rusqlite::Error> {
    u64::try_from(row.get::<_, i64>(column)?).map_err(|_| unreadable(column, what))
}
