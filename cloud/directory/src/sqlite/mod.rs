//! The directory on one SQLite file.
//!
//! Durability: write-ahead log with `synchronous = FULL`, so a commit is on the disk when it
//! returns. The statements are plain SQL with `$1` parameters, so that PostgreSQL can serve the
//! same ones later. SQLite takes `$1` for a name and numbers parameters by their first appearance:
//! in each statement they have to appear first in the order of their figures.

mod migrations;
mod records;
mod rooms;
mod tries;
mod vmrs;

#[cfg(test)]
mod tests;

use crate::repository::StoreError;
use conclave_types::UnixTime;
use rusqlite::{Connection, ErrorCode, Row, TransactionBehavior};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// How long to wait for another program that reads or copies the file. Five seconds: longer than a
/// backup holds a lock, shorter than people wait for an answer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The directory on one SQLite file, or in memory for tests.
pub struct SqliteDirectory {
    connection: Connection,
    file: PathBuf,
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
    /// newest version.
    pub fn open(file: &Path) -> Result<SqliteDirectory, OpenError> {
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
        let connection = Connection::open(file).map_err(|e| store_error(file, e))?;
        SqliteDirectory::set_up(connection, file)
    }

    /// An empty directory that lives as long as the value: for tests and simulations.
    pub fn in_memory() -> Result<SqliteDirectory, OpenError> {
        let file = Path::new("in memory");
        let connection = Connection::open_in_memory().map_err(|e| store_error(file, e))?;
        SqliteDirectory::set_up(connection, file)
    }

    fn set_up(connection: Connection, file: &Path) -> Result<SqliteDirectory, OpenError> {
        let mut directory = SqliteDirectory { connection, file: file.to_owned() };
        directory.configure().map_err(|e| directory.error(e))?;
        migrations::migrate(&mut directory, migrations::ALL)?;
        Ok(directory)
    }

    fn configure(&self) -> Result<(), rusqlite::Error> {
        let connection = &self.connection;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        // Read once at the start, so that damage is found now and not in the middle of a call.
        let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if found == "ok" {
            Ok(())
        } else {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            Err(rusqlite::Error::SqliteFailure(code, Some(found)))
        }
    }

    fn error(&self, error: rusqlite::Error) -> StoreError {
        store_error(&self.file, error)
    }

    /// Runs something in one transaction that holds the write lock from its beginning.
    fn write<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, StoreError> {
        let file = &self.file;
        let run = || {
            let transaction =
                self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        };
        run().map_err(|e| store_error(file, e))
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
