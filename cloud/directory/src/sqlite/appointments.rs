//! Meetings that are to be, in SQLite.

use super::writing::Writing;
use super::{SqliteDirectory, parsed, seconds, time, vmrs};
use crate::appointments::{Appointment, Appointments};
use crate::repository::{AddVmrError, StoreError, Vmr};
use conclave_types::{DisplayName, VmrId};
use rusqlite::params;
use std::collections::BTreeMap;
use std::str::FromStr;

impl Appointments for SqliteDirectory {
    fn appointments(&self) -> Result<Vec<Appointment>, StoreError> {
        let sql = "SELECT vmr, starts_at, ends_at, revision FROM appointments ORDER BY vmr";
        let mut all = self.read(sql, [], |row| {
            Ok(Appointment {
                vmr: parsed(row, 0, "meeting room id")?,
                starts_at: time(row, 1)?,
                ends_at: time(row, 2)?,
                people: Vec::new(),
                rooms: Vec::new(),
                guests: Vec::new(),
                revision: row.get(3)?,
            })
        })?;
        let mut people = self.invited_to("appointment_people", "person", "person id")?;
        let mut rooms = self.invited_to("appointment_rooms", "room", "room id")?;
        let mut guests = self.invited_to("appointment_guests", "email", "e-mail address")?;
        for each in &mut all {
            each.people = people.remove(&each.vmr).unwrap_or_default();
            each.rooms = rooms.remove(&each.vmr).unwrap_or_default();
            each.guests = guests.remove(&each.vmr).unwrap_or_default();
        }
        Ok(all)
    }

    fn add_appointment(&mut self, vmr: &Vmr, new: &Appointment) -> Result<(), AddVmrError> {
        let added = self.write(|connection| {
            vmrs::insert(connection, vmr)?;
            connection.execute(
                "INSERT INTO appointments (vmr, starts_at, ends_at, revision) \
                 VALUES ($1, $2, $3, $4)",
                params![
                    new.vmr.to_string(),
                    seconds(new.starts_at),
                    seconds(new.ends_at),
                    new.revision
                ],
            )?;
            invite(connection, new)
        });
        added.map_err(vmrs::taken)
    }

    fn keep_appointment(
        &mut self,
        title: &DisplayName,
        lobby: bool,
        changed: &Appointment,
    ) -> Result<bool, StoreError> {
        self.write(|connection| {
            let vmr = changed.vmr.to_string();
            let kept = connection.execute(
                "UPDATE appointments SET starts_at = $1, ends_at = $2, revision = $3 WHERE vmr = $4",
                params![
                    seconds(changed.starts_at),
                    seconds(changed.ends_at),
                    changed.revision,
                    vmr
                ],
            )?;
            if kept == 0 {
                return Ok(false);
            }
            connection.execute(
                "UPDATE vmrs SET name = $1, lobby = $2 WHERE id = $3",
                params![title.as_str(), lobby, vmr],
            )?;
            for table in ["appointment_people", "appointment_rooms", "appointment_guests"] {
                connection
                    .execute(&format!("DELETE FROM {table} WHERE vmr = $1"), params![vmr])?;
            }
            invite(connection, changed)?;
            Ok(true)
        })
    }
}

impl SqliteDirectory {
    fn invited_to<T: FromStr>(
        &self,
        table: &str,
        column: &str,
        what: &'static str,
    ) -> Result<BTreeMap<VmrId, Vec<T>>, StoreError> {
        let sql = format!("SELECT vmr, {column} FROM {table} ORDER BY vmr, {column}");
        let pairs = self.read(&sql, [], |row| {
            Ok((parsed::<VmrId>(row, 0, "meeting room id")?, parsed::<T>(row, 1, what)?))
        })?;
        let mut all = BTreeMap::<VmrId, Vec<T>>::new();
        for (vmr, one) in pairs {
            all.entry(vmr).or_default().push(one);
        }
        Ok(all)
    }
}

fn invite(connection: &Writing<'_>, to: &Appointment) -> Result<(), rusqlite::Error> {
    let vmr = to.vmr.to_string();
    // Whoever was removed meanwhile is not invited.
    for person in &to.people {
        connection.execute(
            "INSERT INTO appointment_people (vmr, person) SELECT $1, id FROM people WHERE id = $2",
            params![vmr, person.to_string()],
        )?;
    }
    for room in &to.rooms {
        connection.execute(
            "INSERT INTO appointment_rooms (vmr, room) SELECT $1, id FROM rooms WHERE id = $2",
            params![vmr, room.to_string()],
        )?;
    }
    for guest in &to.guests {
        connection.execute(
            "INSERT INTO appointment_guests (vmr, email) VALUES ($1, $2)",
            params![vmr, guest.as_str()],
        )?;
    }
    Ok(())
}
