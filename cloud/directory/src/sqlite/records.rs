//! Records in SQLite.

use super::writing::Writing;
use super::{SqliteDirectory, parsed, seconds, time, unreadable};
use crate::repository::{
    CallRecord, CallTrouble, LeftWhy, RecordEntry, Records, Sight, StoreError,
};
use crate::usage::{Amount, Judged, Usage, Wanted};
use conclave_types::{OrganisationId, RoomId, UnixTime, VmrId};
use rusqlite::types::ValueRef;
use rusqlite::{Row, params};
use std::str::FromStr;

impl Records for SqliteDirectory {
    fn keep(&mut self, entries: &[RecordEntry]) -> Result<(), StoreError> {
        self.write(|connection| entries.iter().try_for_each(|entry| keep_one(connection, entry)))
    }

    fn close_dangling(&mut self, at: UnixTime) -> Result<u32, StoreError> {
        self.write(|connection| {
            let closed = connection.execute(
                // A clock that was set back must not make a call end before it began.
                "UPDATE call_records SET left_at = CASE WHEN joined_at > $1 THEN joined_at ELSE $1 END, \
                 why = $2 WHERE left_at IS NULL",
                params![seconds(at), LeftWhy::CloudStopped.as_str()],
            )?;
            connection.execute(
                "UPDATE meetings SET ended_at = $1 WHERE ended_at IS NULL",
                params![seconds(at)],
            )?;
            Ok(u32::try_from(closed).unwrap_or(u32::MAX))
        })
    }

    fn taken_out(&self, since: UnixTime, most: u32) -> Result<Vec<(VmrId, RoomId)>, StoreError> {
        self.read(
            "SELECT DISTINCT m.vmr, c.room FROM call_records c \
             JOIN meetings m ON m.id = c.meeting JOIN vmrs v ON v.id = m.vmr \
             WHERE v.lobby = 1 AND (c.left_at IS NULL OR (c.why = $1 AND c.left_at >= $2)) \
             ORDER BY m.vmr, c.room LIMIT $3",
            params![LeftWhy::CloudStopped.as_str(), seconds(since), most],
            |row| Ok((parsed(row, 0, "meeting room id")?, parsed(row, 1, "room id")?)),
        )
    }

    fn call_records(
        &self,
        organisation: OrganisationId,
        sight: Sight,
        most: u32,
    ) -> Result<Vec<CallRecord>, StoreError> {
        let (all, person) = eyes(sight);
        self.read(
            "SELECT c.call, c.meeting, \
             CASE WHEN $1 OR m.organiser IS NULL OR m.organiser = $2 THEN m.vmr_number END, \
             CASE WHEN $1 OR m.organiser IS NULL OR m.organiser = $2 THEN m.vmr_name END, \
             c.room, c.participant_name, c.joined_at, c.left_at, c.why, c.troubles \
             FROM call_records c \
             JOIN meetings m ON m.id = c.meeting WHERE m.organisation = $3 \
             AND (m.hidden = 0 OR $1 \
                  OR m.vmr IN (SELECT id FROM vmrs WHERE owner = $2) \
                  OR m.vmr IN (SELECT vmr FROM vmr_moderators WHERE person = $2)) \
             ORDER BY c.joined_at DESC, c.call LIMIT $4",
            params![all, person, organisation.to_string(), most],
            read,
        )
    }

    fn usage(&self, wanted: Wanted, sight: Sight) -> Result<Usage, StoreError> {
        let (all, person) = eyes(sight);
        let Wanted { organisation, span, ahead_s, most } = wanted;
        // What of each call lies within the span, with the names as far as they may be read.
        let calls = "WITH calls AS (SELECT c.room, c.participant_name, c.joined_at, \
             c.troubles, m.organiser, m.id AS meeting, \
             CASE WHEN $1 OR m.organiser IS NULL OR m.organiser = $2 THEN m.vmr_number END AS number, \
             CASE WHEN $1 OR m.organiser IS NULL OR m.organiser = $2 THEN m.vmr_name END AS vmr_name, \
             CASE WHEN c.left_at IS NULL OR c.left_at > $3 THEN $3 ELSE c.left_at END \
             - CASE WHEN c.joined_at < $4 THEN $4 ELSE c.joined_at END AS seconds \
             FROM call_records c JOIN meetings m ON m.id = c.meeting \
             WHERE c.joined_at < $3 AND (c.left_at IS NULL OR c.left_at >= $4) AND m.organisation = $5 \
             AND (m.hidden = 0 OR $1 \
                  OR m.vmr IN (SELECT id FROM vmrs WHERE owner = $2) \
                  OR m.vmr IN (SELECT vmr FROM vmr_moderators WHERE person = $2))) ";
        let (until, from) = (seconds(span.until), seconds(span.from));
        let organisation = organisation.to_string();
        let most = i64::from(most);
        let rooms = self.read(
            &format!(
                "{calls} SELECT room, max(participant_name), count(*), sum(seconds), \
                 count(troubles), sum(CASE WHEN troubles = '' THEN 1 ELSE 0 END) FROM calls \
                 GROUP BY room ORDER BY 4 DESC, room LIMIT $6"
            ),
            params![all, person, until, from, organisation, most],
            |row| {
                let name = parsed(row, 1, "participant name")?;
                let Amount { calls, seconds: good } = amount(row, 4)?;
                let judged = Judged { calls, good };
                Ok((parsed(row, 0, "room id")?, name, amount(row, 2)?, judged))
            },
        )?;
        let people = self.read(
            &format!(
                "{calls} SELECT organiser, count(DISTINCT meeting), count(*), sum(seconds) FROM calls \
                 WHERE organiser IS NOT NULL GROUP BY organiser ORDER BY 4 DESC, organiser LIMIT $6"
            ),
            params![all, person, until, from, organisation, most],
            |row| {
                let meetings: i64 = row.get(1)?;
                let meetings = u64::try_from(meetings).unwrap_or(0);
                Ok((parsed(row, 0, "person id")?, meetings, amount(row, 2)?))
            },
        )?;
        let vmrs = self.read(
            &format!(
                "{calls} SELECT number, vmr_name, count(*), sum(seconds) FROM calls \
                 GROUP BY number, vmr_name ORDER BY 4 DESC, number LIMIT $6"
            ),
            params![all, person, until, from, organisation, most],
            |row| {
                let number = may_be(row, 0, "meeting room number")?;
                let name = may_be(row, 1, "meeting room name")?;
                Ok((number.zip(name), amount(row, 2)?))
            },
        )?;
        let days = self.read(
            // Rounded down, before 1970 too.
            &format!(
                "{calls} SELECT (joined_at + $6 - ((joined_at + $6) % 86400 + 86400) % 86400) / 86400 AS day, \
                 count(*), sum(seconds) FROM calls GROUP BY day ORDER BY day LIMIT $7"
            ),
            params![all, person, until, from, organisation, ahead_s, most],
            |row| Ok((row.get(0)?, amount(row, 1)?)),
        )?;
        let all = self.read(
            &format!("{calls} SELECT count(*), coalesce(sum(seconds), 0) FROM calls"),
            params![all, person, until, from, organisation],
            |row| amount(row, 0),
        )?;
        Ok(Usage { all: all.first().copied().unwrap_or_default(), rooms, people, vmrs, days })
    }

    fn remove_records(
        &mut self,
        organisation: Option<OrganisationId>,
        before: UnixTime,
    ) -> Result<u32, StoreError> {
        let (before, whose) = (seconds(before), organisation.map(|id| id.to_string()));
        self.write(|connection| {
            // Asked first: a day on which nothing is old enough adds no change to the list.
            let any = format!(
                "SELECT EXISTS (SELECT 1 FROM call_records WHERE {OVER}) \
                 OR EXISTS (SELECT 1 FROM meetings WHERE {ENDED})"
            );
            if !connection.query_row(&any, params![before, whose], |row| row.get(0))? {
                return Ok(0);
            }
            let removed = connection.execute(
                &format!("DELETE FROM call_records WHERE {OVER}"),
                params![before, whose],
            )?;
            connection.execute(
                &format!(
                    "DELETE FROM meetings WHERE {ENDED} AND NOT EXISTS \
                     (SELECT 1 FROM call_records WHERE call_records.meeting = meetings.id)"
                ),
                params![before, whose],
            )?;
            Ok(u32::try_from(removed).unwrap_or(u32::MAX))
        })
    }
}

/// Calls that ended before $1, of the organisation $2 or of all. By both times: there is an index of the first one.
const OVER: &str = "joined_at < $1 AND left_at < $1 AND ($2 IS NULL OR meeting IN \
                    (SELECT id FROM meetings WHERE organisation = $2))";

/// Meetings that ended before $1, of the organisation $2 or of all.
const ENDED: &str = "ended_at < $1 AND ($2 IS NULL OR organisation = $2)";

fn keep_one(connection: &Writing<'_>, entry: &RecordEntry) -> Result<(), rusqlite::Error> {
    match entry {
        RecordEntry::Started {
            meeting,
            organisation,
            vmr,
            number,
            name,
            hidden,
            organiser,
            at,
        } => connection.execute(
            "INSERT INTO meetings \
                 (id, vmr, vmr_number, vmr_name, started_at, organisation, hidden, organiser) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            params![
                meeting.to_string(),
                vmr.to_string(),
                number.as_str(),
                name.as_str(),
                seconds(*at),
                organisation.to_string(),
                hidden,
                organiser.map(|person| person.to_string()),
            ],
        ),
        RecordEntry::Joined { call, meeting, room, name, at } => connection.execute(
            "INSERT INTO call_records (call, meeting, room, participant_name, joined_at) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            params![
                call.to_string(),
                meeting.to_string(),
                room.to_string(),
                name.as_str(),
                seconds(*at)
            ],
        ),
        RecordEntry::Left { call, why, at } => connection.execute(
            "UPDATE call_records SET left_at = $1, why = $2 \
             WHERE call = $3 AND left_at IS NULL",
            params![seconds(*at), why.as_str(), call.to_string()],
        ),
        RecordEntry::Judged { call, troubles } => {
            let words: Vec<&str> = troubles.iter().map(|trouble| trouble.as_str()).collect();
            connection.execute(
                "UPDATE call_records SET troubles = $1 WHERE call = $2",
                params![words.join(","), call.to_string()],
            )
        }
        RecordEntry::Ended { meeting, at } => connection.execute(
            "UPDATE meetings SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL",
            params![seconds(*at), meeting.to_string()],
        ),
    }
    .map(|_| ())
}

fn read(row: &Row<'_>) -> Result<CallRecord, rusqlite::Error> {
    let left_at: Option<i64> = row.get(7)?;
    let left = match left_at {
        None => None,
        Some(_) => {
            let why: String = row.get(8)?;
            let why = LeftWhy::from_str(&why).ok_or_else(|| unreadable(8, "reason"))?;
            Some((time(row, 7)?, why))
        }
    };
    Ok(CallRecord {
        call: parsed(row, 0, "call id")?,
        meeting: parsed(row, 1, "meeting id")?,
        vmr_number: may_be(row, 2, "meeting room number")?,
        vmr_name: may_be(row, 3, "meeting room name")?,
        room: parsed(row, 4, "room id")?,
        name: parsed(row, 5, "participant name")?,
        joined_at: time(row, 6)?,
        left,
        troubles: troubles(row, 9)?,
    })
}

fn troubles(row: &Row<'_>, column: usize) -> Result<Option<Vec<CallTrouble>>, rusqlite::Error> {
    let Some(text) = row.get::<_, Option<String>>(column)? else { return Ok(None) };
    let words = text.split(',').filter(|word| !word.is_empty());
    let read = |word| CallTrouble::from_str(word).ok_or_else(|| unreadable(column, "trouble"));
    words.map(read).collect::<Result<_, _>>().map(Some)
}

fn may_be<T: FromStr>(
    row: &Row<'_>,
    column: usize,
    what: &'static str,
) -> Result<Option<T>, rusqlite::Error> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        _ => parsed(row, column, what).map(Some),
    }
}

/// Whether everything is seen, and whose eyes they are.
fn eyes(sight: Sight) -> (bool, Option<String>) {
    match sight {
        Sight::All => (true, None),
        Sight::Plain => (false, None),
        Sight::Of(person) => (false, Some(person.to_string())),
    }
}

/// How often, and how long: two columns. A clock that was set back makes no call shorter than nothing.
fn amount(row: &Row<'_>, column: usize) -> Result<Amount, rusqlite::Error> {
    let (calls, seconds): (i64, i64) = (row.get(column)?, row.get(column + 1)?);
    let whole = |number| u64::try_from(number).unwrap_or(0);
    Ok(Amount { calls: whole(calls), seconds: whole(seconds) })
}
