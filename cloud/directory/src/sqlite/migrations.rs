//! How a database of any earlier version becomes one of this version.
//!
//! Each migration is a numbered file in `migrations/`, compiled in, run once, in a transaction
//! together with the line in `schema_version` that says so. A file that has shipped never changes.

use super::writing::Writing;
use super::{OpenError, SqliteDirectory};
use conclave_types::UnixTime;
use rusqlite::params;
use std::time::{SystemTime, UNIX_EPOCH};

/// The migrations, the first one at version 1.
pub(super) const ALL: &[&str] = &[
    include_str!("../../migrations/0001_rooms_meeting_rooms_records.sql"),
    include_str!("../../migrations/0002_pin_tries.sql"),
    include_str!("../../migrations/0003_updates.sql"),
    include_str!("../../migrations/0004_resets.sql"),
    include_str!("../../migrations/0005_removing_records.sql"),
    include_str!("../../migrations/0006_organisations.sql"),
    include_str!("../../migrations/0007_audit.sql"),
    include_str!("../../migrations/0008_people.sql"),
    include_str!("../../migrations/0009_hidden_meeting_rooms.sql"),
    include_str!("../../migrations/0010_settings.sql"),
    include_str!("../../migrations/0011_appointments.sql"),
    include_str!("../../migrations/0012_api_tokens.sql"),
    include_str!("../../migrations/0013_second_factors.sql"),
    include_str!("../../migrations/0014_room_calendars.sql"),
    include_str!("../../migrations/0015_passkeys_and_sign_up.sql"),
    include_str!("../../migrations/0016_webhooks.sql"),
    include_str!("../../migrations/0017_lobby.sql"),
    include_str!("../../migrations/0018_awaited_devices_tags_quality.sql"),
];

/// Brings the database to the version of the last of these migrations.
pub(super) fn migrate(directory: &mut SqliteDirectory, all: &[&str]) -> Result<(), OpenError> {
    let known = u32::try_from(all.len()).unwrap_or(u32::MAX);
    let found = directory.write(|connection| {
        // Asked first: a start that changes nothing writes nothing.
        if !connection.query_row(HAS_VERSIONS, [], |row| row.get(0))? {
            connection.execute_batch(
                "CREATE TABLE schema_version (
                     version BIGINT PRIMARY KEY, applied_at BIGINT NOT NULL
                 )",
            )?;
        }
        version(connection)
    })?;
    if found > known {
        return Err(OpenError::Newer { file: directory.file.clone(), found, known });
    }
    for (sql, version) in all.iter().zip(1..).skip(found as usize) {
        let run = directory.write(|connection| {
            connection.execute_batch(sql)?;
            connection.execute(
                "INSERT INTO schema_version (version, applied_at) VALUES ($1, $2)",
                params![version, super::seconds(wall_clock())],
            )
        });
        if let Err(source) = run {
            return Err(OpenError::Migration { file: directory.file.clone(), version, source });
        }
    }
    Ok(())
}

const HAS_VERSIONS: &str =
    "SELECT count(*) > 0 FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'";

fn version(connection: &Writing<'_>) -> Result<u32, rusqlite::Error> {
    connection
        .query_row("SELECT coalesce(max(version), 0) FROM schema_version", [], |row| row.get(0))
}

/// For the note beside the version only; no rule reads it.
fn wall_clock() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}
