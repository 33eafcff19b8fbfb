//! A change in the making: runs its statements and writes them down with their values.

use rusqlite::{Connection, Params, Row};
use std::cell::RefCell;

/// One transaction, as the repositories see it.
pub(super) struct Writing<'a> {
    connection: &'a Connection,
    /// What was done so far, as SQL that does it again.
    text: RefCell<String>,
}

impl<'a> Writing<'a> {
    pub(super) fn new(connection: &'a Connection) -> Writing<'a> {
        Writing { connection, text: RefCell::default() }
    }

    /// Whether anything was done so far.
    pub(super) fn changes(&self) -> bool {
        !self.text.borrow().is_empty()
    }

    /// What was done; empty when nothing was.
    pub(super) fn into_text(self) -> String {
        self.text.into_inner()
    }

    /// Runs a statement that changes something; how many rows it changed. The same statement on the
    /// same rows has to do the same: nothing in it may ask for the time or for chance.
    pub(super) fn execute(
        &self,
        sql: &str,
        parameters: impl Params,
    ) -> Result<usize, rusqlite::Error> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let changed = statement.execute(parameters)?;
        // Longer than SQLite allows a statement to be: it would not be there to be done again.
        let done = statement.expanded_sql().ok_or(rusqlite::Error::InvalidQuery)?;
        self.note(&done);
        Ok(changed)
    }

    /// Runs statements without parameters.
    pub(super) fn execute_batch(&self, sql: &str) -> Result<(), rusqlite::Error> {
        self.connection.execute_batch(sql)?;
        self.note(sql);
        Ok(())
    }

    /// Reads one row.
    pub(super) fn query_row<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<T, rusqlite::Error> {
        self.connection.query_row(sql, parameters, read)
    }

    fn note(&self, sql: &str) {
        let mut text = self.text.borrow_mut();
        text.push_str(sql);
        text.push_str(";\n");
    }
}
