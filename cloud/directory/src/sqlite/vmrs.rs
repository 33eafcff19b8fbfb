//! Virtual meeting rooms in SQLite.

use super::writing::Writing;
use super::{SqliteDirectory, parsed, unreadable, violated};
use crate::pin_hash::PinHash;
use crate::repository::{AddVmrError, StoreError, Vmr, Vmrs};
use conclave_types::{DisplayName, OrganisationId, PersonId, VmrId, VmrNumber};
use rusqlite::{Row, params};

/// An id has no blank in it.
const SELECT: &str = "SELECT id, number, name, pin_hash, capacity, organisation, hidden, once, owner, lobby, \
    (SELECT group_concat(person, ' ') FROM vmr_moderators WHERE vmr = vmrs.id) FROM vmrs";

impl Vmrs for SqliteDirectory {
    fn add_vmr(&mut self, vmr: &Vmr) -> Result<(), AddVmrError> {
        self.write(|connection| insert(connection, vmr)).map_err(taken)
    }

    fn vmr(
        &self,
        organisation: OrganisationId,
        number: &VmrNumber,
    ) -> Result<Option<Vmr>, StoreError> {
        let sql = format!("{SELECT} WHERE organisation = $1 AND number = $2");
        Ok(self.read(&sql, params![organisation.to_string(), number.as_str()], read)?.pop())
    }

    fn vmr_with_id(&self, id: VmrId) -> Result<Option<Vmr>, StoreError> {
        let sql = format!("{SELECT} WHERE id = $1");
        Ok(self.read(&sql, params![id.to_string()], read)?.pop())
    }

    fn vmrs(&self) -> Result<Vec<Vmr>, StoreError> {
        self.read(&format!("{SELECT} ORDER BY organisation, number"), [], read)
    }

    fn remove_vmr(&mut self, id: VmrId) -> Result<bool, StoreError> {
        self.write(|connection| {
            connection.execute("DELETE FROM vmrs WHERE id = $1", params![id.to_string()])
        })
        .map(|changed| changed > 0)
    }

    fn change_vmr(
        &mut self,
        id: VmrId,
        name: &DisplayName,
        capacity: u32,
        lobby: bool,
    ) -> Result<bool, StoreError> {
        self.write(|connection| {
            connection.execute(
                "UPDATE vmrs SET name = $1, capacity = $2, lobby = $3 WHERE id = $4",
                params![name.as_str(), capacity, lobby, id.to_string()],
            )
        })
        .map(|changed| changed > 0)
    }

    fn set_moderators(&mut self, id: VmrId, people: &[PersonId]) -> Result<(), StoreError> {
        self.write(|connection| {
            let vmr = params![id.to_string()];
            connection.execute("DELETE FROM vmr_moderators WHERE vmr = $1", vmr)?;
            moderate(connection, id, people)
        })
    }

    fn set_pin(&mut self, id: VmrId, pin: Option<&PinHash>) -> Result<bool, StoreError> {
        self.write(|connection| {
            connection.execute("DELETE FROM pin_tries WHERE vmr = $1", params![id.to_string()])?;
            connection.execute(
                "UPDATE vmrs SET pin_hash = $1 WHERE id = $2",
                params![pin.map(PinHash::as_phc), id.to_string()],
            )
        })
        .map(|changed| changed > 0)
    }
}

pub(super) fn insert(connection: &Writing<'_>, vmr: &Vmr) -> Result<(), rusqlite::Error> {
    connection.execute(
        "INSERT INTO vmrs \
         (id, number, name, pin_hash, capacity, organisation, hidden, once, owner, lobby) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        params![
            vmr.id.to_string(),
            vmr.number.as_str(),
            vmr.name.as_str(),
            vmr.pin.as_ref().map(PinHash::as_phc),
            vmr.capacity,
            vmr.organisation.to_string(),
            vmr.hidden,
            vmr.once,
            vmr.owner.map(|person| person.to_string()),
            vmr.lobby,
        ],
    )?;
    moderate(connection, vmr.id, &vmr.moderators)
}

pub(super) fn taken(error: StoreError) -> AddVmrError {
    match violated(&error) {
        Some(words) if words.contains("vmrs.number") => AddVmrError::NumberTaken,
        _ => AddVmrError::Store(error),
    }
}

fn moderate(
    connection: &Writing<'_>,
    vmr: VmrId,
    people: &[PersonId],
) -> Result<(), rusqlite::Error> {
    for person in people {
        connection.execute(
            "INSERT INTO vmr_moderators (vmr, person) SELECT $1, id FROM people WHERE id = $2 \
             ON CONFLICT DO NOTHING",
            params![vmr.to_string(), person.to_string()],
        )?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Vmr, rusqlite::Error> {
    Ok(Vmr {
        id: parsed(row, 0, "meeting room id")?,
        number: parsed(row, 1, "meeting room number")?,
        name: parsed(row, 2, "meeting room name")?,
        pin: row.get::<_, Option<String>>(3)?.map(PinHash::from_phc),
        capacity: row.get(4)?,
        organisation: parsed(row, 5, "organisation id")?,
        hidden: row.get(6)?,
        once: row.get(7)?,
        owner: row.get::<_, Option<String>>(8)?.map(|id| person(8, &id)).transpose()?,
        lobby: row.get(9)?,
        moderators: row
            .get::<_, Option<String>>(10)?
            .unwrap_or_default()
            .split_whitespace()
            .map(|id| person(10, id))
            .collect::<Result<_, _>>()?,
    })
}

fn person(column: usize, id: &str) -> Result<PersonId, rusqlite::Error> {
    id.parse().map_err(|_| unreadable(column, "person id"))
}
