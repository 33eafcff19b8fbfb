//! Organisations in SQLite.

use super::{SqliteDirectory, parsed, violated};
use crate::repository::{Organisation, OrganisationError, Organisations, StoreError};
use conclave_types::{DisplayName, OrganisationId};
use rusqlite::params;

impl Organisations for SqliteDirectory {
    fn add_organisation(&mut self, organisation: &Organisation) -> Result<(), OrganisationError> {
        self.write(|connection| {
            connection.execute(
                "INSERT INTO organisations (id, name) VALUES ($1, $2)",
                params![organisation.id.to_string(), organisation.name.as_str()],
            )
        })
        .map(|_| ())
        .map_err(taken)
    }

    fn organisations(&self) -> Result<Vec<Organisation>, StoreError> {
        self.read("SELECT id, name FROM organisations ORDER BY name, id", [], |row| {
            Ok(Organisation {
                id: parsed(row, 0, "organisation id")?,
                name: parsed(row, 1, "organisation name")?,
            })
        })
    }

    fn rename_organisation(
        &mut self,
        id: OrganisationId,
        name: &DisplayName,
    ) -> Result<bool, OrganisationError> {
        self.write(|connection| {
            connection.execute(
                "UPDATE organisations SET name = $1 WHERE id = $2",
                params![name.as_str(), id.to_string()],
            )
        })
        .map(|changed| changed > 0)
        .map_err(taken)
    }
}

fn taken(error: StoreError) -> OrganisationError {
    match violated(&error) {
        Some(words) if words.contains("organisations.name") => OrganisationError::NameTaken,
        _ => OrganisationError::Store(error),
    }
}
