//! PIN tries in SQLite.

use super::writing::Writing;
use super::{SqliteDirectory, seconds, time, unreadable};
use crate::pin_tries::{self, FREE_TRIES, STRANGER_MEMORY, Standing, Tries, Verdict};
use crate::repository::{PinTries, StoreError};
use conclave_types::{RoomId, UnixTime, VmrId};
use rusqlite::{OptionalExtension, Row, params};

impl PinTries for SqliteDirectory {
    fn begin_try(
        &mut self,
        room: RoomId,
        vmr: VmrId,
        now: UnixTime,
    ) -> Result<Verdict, StoreError> {
        // One transaction from look to count: two tries at once cannot both see the old count.
        self.write(|connection| {
            bring_back(connection, vmr, now)?;
            let before = connection
                .query_row(
                    "SELECT failures, last_at, entered FROM pin_tries \
                     WHERE room = $1 AND vmr = $2",
                    params![room.to_string(), vmr.to_string()],
                    read,
                )
                .optional()?;
            let verdict = pin_tries::judge(now, before, others(connection, room, vmr, now)?);
            if let Verdict::Try { counted, .. } = verdict {
                store(connection, room, vmr, counted)?;
            }
            Ok(verdict)
        })
    }

    fn entered(&mut self, room: RoomId, vmr: VmrId, now: UnixTime) -> Result<(), StoreError> {
        self.write(|connection| store(connection, room, vmr, pin_tries::entered(now)))
    }
}

/// A try that lies in the future was noted by a clock that was ahead, and has been set back since:
/// it counts as one of now, or its waiting would last until the clock is there again.
fn bring_back(connection: &Writing<'_>, vmr: VmrId, now: UnixTime) -> Result<(), rusqlite::Error> {
    const AHEAD: &str = "SELECT count(*) > 0 FROM pin_tries WHERE vmr = $1 AND last_at > $2";
    let of = params![vmr.to_string(), seconds(now)];
    if connection.query_row(AHEAD, of, |row| row.get(0))? {
        connection.execute(
            "UPDATE pin_tries SET last_at = $1 WHERE vmr = $2 AND last_at > $1",
            params![seconds(now), vmr.to_string()],
        )?;
    }
    Ok(())
}

/// How many other rooms count as strangers who failed here: the words of
/// [`pin_tries::counts_as_failed_stranger`].
fn others(
    connection: &Writing<'_>,
    room: RoomId,
    vmr: VmrId,
    now: UnixTime,
) -> Result<u32, rusqlite::Error> {
    let since = seconds(now).saturating_sub_unsigned(STRANGER_MEMORY.as_secs());
    connection.query_row(
        "SELECT count(*) FROM pin_tries WHERE vmr = $1 AND room <> $2 AND entered = 0 \
         AND failures >= $3 AND last_at > $4",
        params![vmr.to_string(), room.to_string(), FREE_TRIES, since],
        |row| row.get(0),
    )
}

fn store(
    connection: &Writing<'_>,
    room: RoomId,
    vmr: VmrId,
    tries: Tries,
) -> Result<(), rusqlite::Error> {
    connection
        .execute(
            "INSERT INTO pin_tries (room, vmr, failures, last_at, entered) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (room, vmr) DO UPDATE SET \
             failures = excluded.failures, last_at = excluded.last_at, entered = excluded.entered",
            params![
                room.to_string(),
                vmr.to_string(),
                tries.failures,
                seconds(tries.last),
                i64::from(tries.standing == Standing::Known),
            ],
        )
        .map(|_| ())
}

fn read(row: &Row<'_>) -> Result<Tries, rusqlite::Error> {
    let standing = match row.get(2)? {
        0_i64 => Standing::Stranger,
        1 => Standing::Known,
        _ => return Err(unreadable(2, "standing of a room")),
    };
    Ok(Tries { failures: row.get(0)?, last: time(row, 1)?, standing })
}
