//! The directory on one SQLite file.
//!
//! Durability: write-ahead log with `synchronous = FULL`, so a commit is on the disk when it
//! returns. Each change also stands in a list beside the database before it is committed, and good
//! copies are taken ([`safety`]), so that a damaged file costs nothing that was acknowledged. The
//! statements are plain SQL with `$1` parameters, so that PostgreSQL can serve the
//! same ones later. SQLite takes `$1` for a name and numbers parameters by their first appearance:
//! in each statement they have to appear first in the order of their figures.

mod api_tokens;
mod appointments;
mod audit;
mod awaited;
mod calendars;
mod changes;
mod entries;
mod migrations;
mod organisations;
mod passkeys;
mod people;
mod records;
mod resets;
mod rooms;
mod safety;
mod second_factors;
mod settings;
mod tries;
mod updates;
mod vmrs;
mod webhooks;
mod writing;

#[cfg(test)]
mod tests;

use crate::audit::{AuditEntry, AuditRow};
use crate::repository::StoreError;
use conclave_types::UnixTime;
use rusqlite::{Connection, ErrorCode, Row, TransactionBehavior};
use safety::Safety;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use writing::Writing;

/// How long to wait for another program that reads or copies the file. Five seconds: longer than a
/// backup holds a lock, shorter than people wait for an answer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The directory on one SQLite file, or in memory for tests.
pub struct SqliteDirectory {
    connection: Connection,
    file: PathBuf,
    /// Lists of changes and copies; none for a directory in memory.
    safety: Option<Safety>,
    /// The audit row that the next change carries.
    staged: Option<AuditEntry>,
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be created or its rights not be set.
    #[error("the database {file} cannot be created: check that the folder is there and writable")]
    File {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A newer build wrote it.
    #[error(
        "the database {file} is of version {found}, this conclave-cloud knows version {known} at \
         most: install the newer conclave-cloud again, or restore the backup made before it"
    )]
    Newer {
        /// Which file.
        file: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version of this build.
        known: u32,
    },
    /// A migration failed; the file is as it was before it.
    #[error("the database {file} could not be brought to version {version}")]
    Migration {
        /// Which file.
        file: PathBuf,
        /// The version that was not reached.
        version: u32,
        /// What went wrong.
        #[source]
        source: StoreError,
    },
    /// The file cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SqliteDirectory {
    /// Opens a database file, creates it (mode 0600) when it is not there, and brings it to the
    /// newest version. A damaged one, or one that is gone, is built anew from its last good copy and
    /// the changes since; that is said in the log.
    pub fn open(file: &Path) -> Result<SqliteDirectory, OpenError> {
        // An empty file is a database to SQLite; to us it is one that was lost.
        let there = std::fs::metadata(file).is_ok_and(|found| found.len() > 0);
        if !there && safety::has_copies(file) {
            return SqliteDirectory::open_anew(file, "it is gone or empty");
        }
        match SqliteDirectory::open_as_it_is(file) {
            Err(OpenError::Store(StoreError::Damaged { .. })) => {
                SqliteDirectory::open_anew(file, "it is damaged")
            }
            other => other,
        }
    }

    fn open_as_it_is(file: &Path) -> Result<SqliteDirectory, OpenError> {
        let no_file = |source| OpenError::File { file: file.to_owned(), source };
        let made = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(file);
        match made {
            Ok(opened) => {
                // One that was copied here with wider rights is narrowed; SQLite gives its
                // companions (-wal, -shm) the same mode.
                opened.set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(no_file)?;
            }
            Err(error)
                if file.exists()
                    && matches!(
                        error.kind(),
                        std::io::ErrorKind::PermissionDenied
                            | std::io::ErrorKind::ReadOnlyFilesystem
                    ) =>
            {
                return Err(StoreError::ReadOnly { file: file.to_owned() }.into());
            }
            Err(source) => return Err(no_file(source)),
        }
        let mut connection = Connection::open(file).map_err(|e| store_error(file, e))?;
        configure(&connection).map_err(|e| store_error(file, e))?;
        let put_back = safety::roll_forward(&mut connection, file)?;
        if put_back > 0 {
            tracing::warn!(
                put_back,
                database = %file.display(),
                "the database lacked its newest changes; they were put back from the list beside it. \
                 If you went back to a backup on purpose: stop the cloud, remove the files \
                 '.changes-…' and '.copy-…' beside the database, and put the backup there again"
            );
        }
        let last = safety::last_change(&connection).map_err(|e| store_error(file, e))?;
        let safety = Some(Safety::start(file, last));
        SqliteDirectory::set_up(connection, file, safety)
    }

    fn open_anew(file: &Path, what: &'static str) -> Result<SqliteDirectory, OpenError> {
        let Some(rebuilt) = safety::rebuild(file)? else {
            return Err(StoreError::Damaged { file: file.to_owned() }.into());
        };
        let shown = |path: &Option<PathBuf>, none: &str| {
            path.as_ref().map_or(none.to_owned(), |path| path.display().to_string())
        };
        let since = |at: std::time::SystemTime| at.duration_since(std::time::UNIX_EPOCH).ok();
        let taken = rebuilt.taken.and_then(since).map(|since| safety::stamp(since.as_secs()));
        let missing = if rebuilt.torn {
            "a list of changes ended in what cannot be read: compare rooms and meeting rooms with \
             what you know, the last ones may be missing"
        } else {
            "nothing that was acknowledged is missing"
        };
        tracing::error!(
            found = what,
            database = %file.display(),
            set_aside = shown(&rebuilt.aside, "no file was there"),
            copy = shown(&rebuilt.copy, "none, from the first change on"),
            copy_taken = taken.unwrap_or_default(),
            changes_made_again = rebuilt.again,
            missing,
            "the database was built anew from its last good copy. What to do: look at the disk \
             (its log, its SMART values) before it damages more; keep what was set aside until you \
             know that nothing is missing, then remove it"
        );
        SqliteDirectory::open_as_it_is(file)
    }

    /// An empty directory that lives as long as the value: for tests and simulations.
    pub fn in_memory() -> Result<SqliteDirectory, OpenError> {
        let file = Path::new("in memory");
        let connection = Connection::open_in_memory().map_err(|e| store_error(file, e))?;
        configure(&connection).map_err(|e| store_error(file, e))?;
        SqliteDirectory::set_up(connection, file, None)
    }

    fn set_up(
        connection: Connection,
        file: &Path,
        safety: Option<Safety>,
    ) -> Result<SqliteDirectory, OpenError> {
        let mut directory =
            SqliteDirectory { connection, file: file.to_owned(), safety, staged: None };
        migrations::migrate(&mut directory, migrations::ALL)?;
        Ok(directory)
    }

    fn error(&self, error: rusqlite::Error) -> StoreError {
        store_error(&self.file, error)
    }

    /// Runs something in one transaction that holds the write lock from its beginning. What it
    /// changes is in the list of changes before it is committed.
    fn write<T>(
        &mut self,
        work: impl FnOnce(&Writing<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<T, StoreError> {
        let file = &self.file;
        let sql = |error| store_error(file, error);
        let io = |error| StoreError::from_io(file, error);
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(sql)?;
        let writing = Writing::new(&transaction);
        let done = work(&writing).map_err(sql)?;
        let carried = match &self.staged {
            Some(entry) if writing.changes() => {
                Some(audit::add(&writing, entry.clone()).map_err(sql)?)
            }
            _ => None,
        };
        let text = writing.into_text();
        let Some(safety) = self.safety.as_ref().filter(|_| !text.is_empty()) else {
            transaction.commit().map_err(sql)?;
            self.carried(carried);
            return Ok(done);
        };
        let last = safety::last_change(&transaction).map_err(sql)?;
        let number = last.wrapping_add(1);
        safety::set_last_change(&transaction, number).map_err(sql)?;
        let mut list = safety.list(last).map_err(io)?;
        list.append(number, &text).map_err(io)?;
        if let Err(error) = transaction.commit() {
            list.take_back(&text);
            return Err(sql(error));
        }
        drop(list);
        safety.changed();
        self.carried(carried);
        Ok(done)
    }

    /// A change was kept, and an audit row with it.
    fn carried(&mut self, row: Option<AuditRow>) {
        if let Some(row) = row {
            audit::said(&row);
            self.staged = None;
        }
    }

    /// Runs a query and reads each row.
    fn read<T>(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        mut each: impl FnMut(&Row<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<Vec<T>, StoreError> {
        let run = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query(parameters)?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(each(row)?);
            }
            Ok(found)
        };
        run().map_err(|e| self.error(e))
    }
}

fn configure(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    overwrite_what_is_deleted(connection)?;
    // Read once at the start, so that damage is found now and not in the middle of a call.
    match safety::damage(connection)? {
        None => Ok(()),
        Some(found) => {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            Err(rusqlite::Error::SqliteFailure(code, Some(found)))
        }
    }
}

/// Names and hashes of PINs would otherwise stay in the file where they stood, until something else
/// needs the place.
fn overwrite_what_is_deleted(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.pragma_update_and_check(None, "secure_delete", "ON", |_| Ok(()))
}

/// Sorts a failure by what somebody can do about it.
fn store_error(file: &Path, error: rusqlite::Error) -> StoreError {
    if let rusqlite::Error::FromSqlConversionFailure(_, _, source) = &error
        && let Some(Unreadable(what)) = source.downcast_ref()
    {
        return StoreError::BadValue { what };
    }
    let file = file.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::DiskFull,
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            StoreError::ReadOnly { file }
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged { file },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked,
        _ => StoreError::Other(error),
    }
}

/// Which constraint a change ran into, if it was one: SQLite's words, `table.column` among them.
fn violated(error: &StoreError) -> Option<&str> {
    match error {
        StoreError::Other(rusqlite::Error::SqliteFailure(code, Some(words)))
            if code.code == ErrorCode::ConstraintViolation =>
        {
            Some(words)
        }
        _ => None,
    }
}

/// A value that is not what its column should hold.
#[derive(Debug, thiserror::Error)]
#[error("not a {0}")]
struct Unreadable(&'static str);

fn unreadable(column: usize, what: &'static str) -> rusqlite::Error {
    let kind = rusqlite::types::Type::Text;
    rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(Unreadable(what)))
}

/// Reads a column of text into a checked type.
fn parsed<T: FromStr>(
    row: &Row<'_>,
    column: usize,
    what: &'static str,
) -> Result<T, rusqlite::Error> {
    let text: String = row.get(column)?;
    text.parse().map_err(|_| unreadable(column, what))
}

fn time(row: &Row<'_>, column: usize) -> Result<UnixTime, rusqlite::Error> {
    let seconds: i64 = row.get(column)?;
    u64::try_from(seconds).map(UnixTime).map_err(|_| unreadable(column, "time"))
}

fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}
