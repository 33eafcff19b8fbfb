//! The audit log in SQLite.

use super::writing::Writing;
use super::{SqliteDirectory, parsed, seconds, time, unreadable};
use crate::audit::{AuditEntry, AuditHash, AuditRow, Chain};
use crate::repository::{Audit, AuditCheck, StoreError};
use conclave_types::{OrganisationId, Redacted, UnixTime};
use rusqlite::{Row, params};

const SELECT: &str = "SELECT number, at, organisation, who, source, act, subject, before, after, hash \
                      FROM audit";

/// Where the chain begins, and where it has got to.
const BEGIN: &str = "SELECT number, hash FROM audit_begin";
const END: &str = "SELECT number, hash FROM audit UNION ALL SELECT number, hash FROM audit_begin \
                   ORDER BY number DESC LIMIT 1";

/// Rows that are read at a time when all of them are checked.
const PIECE: u32 = 1_000;

impl Audit for SqliteDirectory {
    fn stage(&mut self, entry: AuditEntry) {
        self.staged = Some(entry);
    }

    fn drop_staged(&mut self) {
        self.staged = None;
    }

    fn keep_staged(&mut self) -> Result<(), StoreError> {
        let Some(entry) = self.staged.take() else { return Ok(()) };
        let row = self.write(|connection| add(connection, entry))?;
        said(&row);
        Ok(())
    }

    fn audit_rows(
        &self,
        organisation: Option<OrganisationId>,
        below: u64,
        most: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let whose = organisation.map(|id| id.to_string());
        let sql = format!(
            "{SELECT} WHERE organisation IS $1 AND number < $2 ORDER BY number DESC LIMIT $3"
        );
        self.read(&sql, params![whose, signed(below), most], read)
    }

    fn check_audit(&self) -> Result<AuditCheck, StoreError> {
        let begin = self.read(BEGIN, [], chain)?.pop().unwrap_or(Chain::BEGIN);
        let mut check =
            AuditCheck { first: begin.number + 1, rows: 0, end: begin, wrong: Vec::new() };
        let sql = format!("{SELECT} WHERE number > $1 ORDER BY number LIMIT $2");
        loop {
            let rows = self.read(&sql, params![signed(check.end.number), PIECE], read)?;
            if rows.is_empty() {
                return Ok(check);
            }
            for row in rows {
                check.rows += 1;
                if !check.end.takes(&row) {
                    check.wrong.push(row.number);
                }
            }
        }
    }

    fn remove_audit(&mut self, before: UnixTime) -> Result<u32, StoreError> {
        self.write(|connection| {
            // By number, not by time: a clock that was set back must not tear a hole.
            let last: Option<i64> = connection.query_row(
                "SELECT max(number) FROM audit WHERE number < coalesce(\
                 (SELECT min(number) FROM audit WHERE at >= $1), 9223372036854775807)",
                params![seconds(before)],
                |row| row.get(0),
            )?;
            let Some(last) = last else { return Ok(0) };
            connection.execute(
                "UPDATE audit_begin SET number = $1, hash = (SELECT hash FROM audit WHERE number = $1)",
                params![last],
            )?;
            let removed =
                connection.execute("DELETE FROM audit WHERE number <= $1", params![last])?;
            Ok(u32::try_from(removed).unwrap_or(u32::MAX))
        })
    }
}

/// Adds a row behind the last one.
pub(super) fn add(
    connection: &Writing<'_>,
    entry: AuditEntry,
) -> Result<AuditRow, rusqlite::Error> {
    let mut end = connection.query_row(END, [], chain)?;
    let row = end.add(entry);
    let AuditRow { number, entry, hash } = &row;
    connection.execute(
        "INSERT INTO audit (number, at, organisation, who, source, act, subject, before, after, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        params![
            signed(*number),
            seconds(entry.at),
            entry.organisation.map(|id| id.to_string()),
            entry.who,
            entry.source.0,
            entry.act,
            entry.subject,
            entry.before.0,
            entry.after.0,
            hash.to_string(),
        ],
    )?;
    Ok(row)
}

/// A row is kept: the log of the cloud has its hash too, where nobody who changes the database gets at it.
pub(super) fn said(row: &AuditRow) {
    let AuditRow { number, entry, hash } = row;
    tracing::info!(number, %hash, act = entry.act, subject = entry.subject, "audit");
}

fn chain(row: &Row<'_>) -> Result<Chain, rusqlite::Error> {
    Ok(Chain { number: number_of(row)?, hash: hash_of(row, 1)? })
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number_of(row: &Row<'_>) -> Result<u64, rusqlite::Error> {
    let number: i64 = row.get(0)?;
    u64::try_from(number).map_err(|_| unreadable(0, "number of an audit row"))
}

fn hash_of(row: &Row<'_>, column: usize) -> Result<AuditHash, rusqlite::Error> {
    let text: String = row.get(column)?;
    AuditHash::from_hex(&text).ok_or_else(|| unreadable(column, "hash of an audit row"))
}

fn read(row: &Row<'_>) -> Result<AuditRow, rusqlite::Error> {
    let organisation: Option<String> = row.get(2)?;
    Ok(AuditRow {
        number: number_of(row)?,
        entry: AuditEntry {
            at: time(row, 1)?,
            organisation: match organisation {
                Some(_) => Some(parsed(row, 2, "organisation id")?),
                None => None,
            },
            who: row.get(3)?,
            source: Redacted(row.get(4)?),
            act: row.get(5)?,
            subject: row.get(6)?,
            before: Redacted(row.get(7)?),
            after: Redacted(row.get(8)?),
        },
        hash: hash_of(row, 9)?,
    })
}
