//! Factory resets in SQLite.

use super::{SqliteDirectory, parsed, seconds, time, unreadable};
use crate::activation::KeyFingerprint;
use crate::repository::{Reset, ResetOutcome, ResetWay, Resets, StoreError};
use conclave_types::{OrganisationId, ResetNumber, RoomId, UnixTime};
use rusqlite::{Row, params};

const SELECT: &str = "SELECT number, room, name, serial, spki_sha256, way, asked_at, told_at, \
                      outcome, organisation FROM resets";

impl Resets for SqliteDirectory {
    fn add_reset(&mut self, reset: &Reset) -> Result<(), StoreError> {
        let (told_at, outcome) = reset.told.unzip();
        self.write(|connection| {
            connection.execute(
                "INSERT INTO resets (number, room, name, serial, spki_sha256, way, asked_at, \
                 told_at, outcome, organisation) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                params![
                    reset.number.to_string(),
                    reset.room.to_string(),
                    reset.name.as_str(),
                    reset.serial,
                    reset.key.to_string(),
                    reset.way.as_str(),
                    seconds(reset.asked_at),
                    told_at.map(seconds),
                    outcome.map(ResetOutcome::as_str),
                    reset.organisation.to_string(),
                ],
            )
        })
        .map(|_| ())
    }

    fn reset(&self, number: ResetNumber) -> Result<Option<Reset>, StoreError> {
        let sql = format!("{SELECT} WHERE number = $1");
        Ok(self.read(&sql, params![number.to_string()], read)?.pop())
    }

    fn ordered_reset(&self, room: RoomId) -> Result<Option<Reset>, StoreError> {
        let sql = format!("{SELECT} WHERE room = $1 AND told_at IS NULL AND way = 'cloud'");
        Ok(self.read(&sql, params![room.to_string()], read)?.pop())
    }

    fn withdraw_reset(&mut self, room: RoomId) -> Result<bool, StoreError> {
        self.write(|connection| {
            connection.execute(
                "DELETE FROM resets WHERE room = $1 AND told_at IS NULL AND way = 'cloud'",
                params![room.to_string()],
            )
        })
        .map(|changed| changed > 0)
    }

    fn reset_told(
        &mut self,
        number: ResetNumber,
        outcome: ResetOutcome,
        at: UnixTime,
    ) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute(
                "UPDATE resets SET told_at = $1, outcome = $2 WHERE number = $3",
                params![seconds(at), outcome.as_str(), number.to_string()],
            )?;
            if outcome == ResetOutcome::NotErased {
                return Ok(());
            }
            // In the same transaction: no receipt for a room that may still link.
            connection
                .execute(
                    "UPDATE rooms SET status = 'revoked', revoked_at = $1 WHERE status = 'active' \
                     AND id = (SELECT room FROM resets WHERE number = $2)",
                    params![seconds(at), number.to_string()],
                )
                .map(|_| ())
        })
    }

    fn resets(&self, organisation: OrganisationId, most: u32) -> Result<Vec<Reset>, StoreError> {
        let sql =
            format!("{SELECT} WHERE organisation = $1 ORDER BY asked_at DESC, number LIMIT $2");
        self.read(&sql, params![organisation.to_string(), most], read)
    }
}

fn read(row: &Row<'_>) -> Result<Reset, rusqlite::Error> {
    let key: String = row.get(4)?;
    let (way, outcome): (String, Option<String>) = (row.get(5)?, row.get(8)?);
    let told = match outcome {
        None => None,
        Some(outcome) => {
            let outcome = ResetOutcome::from_str(&outcome);
            Some((time(row, 7)?, outcome.ok_or_else(|| unreadable(8, "outcome of a reset"))?))
        }
    };
    Ok(Reset {
        number: parsed(row, 0, "number of a reset")?,
        organisation: parsed(row, 9, "organisation id")?,
        room: parsed(row, 1, "room id")?,
        name: parsed(row, 2, "room name")?,
        serial: row.get(3)?,
        key: KeyFingerprint::from_hex(&key).ok_or_else(|| unreadable(4, "key fingerprint"))?,
        way: ResetWay::from_str(&way).ok_or_else(|| unreadable(5, "way of a reset"))?,
        asked_at: time(row, 6)?,
        told,
    })
}
