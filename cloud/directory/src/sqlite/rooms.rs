//! Rooms in SQLite.

use super::writing::Writing;
use super::{SqliteDirectory, parsed, seconds, time, unreadable, violated};
use crate::activation::KeyFingerprint;
use crate::repository::{EnrolError, Room, RoomStatus, Rooms, StoreError};
use conclave_types::{DisplayName, RoomId, UnixTime};
use rusqlite::{Row, params};

const SELECT: &str = "SELECT id, name, serial, spki_sha256, certificate_expires, status, \
                      enrolled_at, organisation FROM rooms";

impl Rooms for SqliteDirectory {
    fn enrol(&mut self, room: &Room) -> Result<(), EnrolError> {
        let insert = self.write(|connection| insert(connection, room));
        insert.map_err(taken)
    }

    fn room(&self, id: RoomId) -> Result<Option<Room>, StoreError> {
        let sql = format!("{SELECT} WHERE id = $1");
        Ok(self.read(&sql, params![id.to_string()], read)?.pop())
    }

    fn room_with_key(&self, key: KeyFingerprint) -> Result<Option<Room>, StoreError> {
        let sql = format!("{SELECT} WHERE spki_sha256 = $1 AND status = 'active'");
        Ok(self.read(&sql, params![key.to_string()], read)?.pop())
    }

    fn rooms(&self) -> Result<Vec<Room>, StoreError> {
        self.read(&format!("{SELECT} ORDER BY name, id"), [], read)
    }

    fn rename_room(&mut self, id: RoomId, name: &DisplayName) -> Result<bool, EnrolError> {
        let update = self.write(|connection| {
            connection.execute(
                "UPDATE rooms SET name = $1 WHERE id = $2 AND status = 'active'",
                params![name.as_str(), id.to_string()],
            )
        });
        update.map(|changed| changed > 0).map_err(taken)
    }

    fn certificate_signed(&mut self, id: RoomId, expires: UnixTime) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute(
                "UPDATE rooms SET certificate_expires = $1 WHERE id = $2",
                params![seconds(expires), id.to_string()],
            )
        })
        .map(|_| ())
    }

    fn revoke_room(&mut self, id: RoomId, at: UnixTime) -> Result<bool, StoreError> {
        self.write(|connection| {
            connection.execute(
                "UPDATE rooms SET status = 'revoked', revoked_at = $1 \
                 WHERE id = $2 AND status = 'active'",
                params![seconds(at), id.to_string()],
            )
        })
        .map(|changed| changed > 0)
    }

    fn forget_room(&mut self, id: RoomId) -> Result<bool, StoreError> {
        self.write(|connection| {
            // All but resets and settings goes with it: those outlive a room, and carry its name.
            let forgotten = connection.execute(
                "DELETE FROM rooms WHERE id = $1 AND status = 'revoked'",
                params![id.to_string()],
            )?;
            if forgotten > 0 {
                connection
                    .execute("DELETE FROM resets WHERE room = $1", params![id.to_string()])?;
                let settings = "DELETE FROM room_settings WHERE whose = $1";
                connection.execute(settings, params![id.to_string()])?;
            }
            Ok(forgotten > 0)
        })
    }
}

/// Keeps a new room.
pub(super) fn insert(connection: &Writing<'_>, room: &Room) -> Result<(), rusqlite::Error> {
    connection.execute(
        "INSERT INTO rooms (id, name, serial, spki_sha256, certificate_expires, status, \
         enrolled_at, organisation) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![
            room.id.to_string(),
            room.name.as_str(),
            room.serial,
            room.key.to_string(),
            seconds(room.certificate_expires),
            word(room.status),
            seconds(room.enrolled_at),
            room.organisation.to_string(),
        ],
    )?;
    Ok(())
}

pub(super) fn taken(error: StoreError) -> EnrolError {
    match violated(&error) {
        Some(words) if words.contains("rooms.name") => EnrolError::NameTaken,
        Some(words) if words.contains("rooms.spki_sha256") => EnrolError::KeyTaken,
        _ => EnrolError::Store(error),
    }
}

fn word(status: RoomStatus) -> &'static str {
    match status {
        RoomStatus::Active => "active",
        RoomStatus::Revoked => "revoked",
    }
}

fn read(row: &Row<'_>) -> Result<Room, rusqlite::Error> {
    let key: String = row.get(3)?;
    let status: String = row.get(5)?;
    Ok(Room {
        id: parsed(row, 0, "room id")?,
        name: parsed(row, 1, "room name")?,
        serial: row.get(2)?,
        key: KeyFingerprint::from_hex(&key).ok_or_else(|| unreadable(3, "key fingerprint"))?,
        certificate_expires: time(row, 4)?,
        status: match status.as_str() {
            "active" => RoomStatus::Active,
            "revoked" => RoomStatus::Revoked,
            _ => return Err(unreadable(5, "room status")),
        },
        enrolled_at: time(row, 6)?,
        organisation: parsed(row, 7, "organisation id")?,
    })
}
