//! The calendars of rooms, in SQLite.

use super::{SqliteDirectory, parsed, seconds, time, unreadable};
use crate::calendars::{Calendars, RoomCalendar};
use crate::hex;
use crate::repository::StoreError;
use conclave_types::RoomId;
use rusqlite::params;

impl Calendars for SqliteDirectory {
    fn calendars(&self) -> Result<Vec<RoomCalendar>, StoreError> {
        self.read("SELECT room, sealed, set_at FROM room_calendars ORDER BY room", [], |row| {
            let sealed: String = row.get(1)?;
            Ok(RoomCalendar {
                room: parsed(row, 0, "room id")?,
                sealed: hex::octets(&sealed).ok_or_else(|| unreadable(1, "sealed calendar"))?,
                set_at: time(row, 2)?,
            })
        })
    }

    fn keep_calendar(&mut self, calendar: &RoomCalendar) -> Result<bool, StoreError> {
        let room = calendar.room.to_string();
        self.write(|connection| {
            connection.execute("DELETE FROM room_calendars WHERE room = $1", params![room])?;
            let kept = connection.execute(
                "INSERT INTO room_calendars (room, sealed, set_at) \
                 SELECT id, $1, $2 FROM rooms WHERE id = $3",
                params![hex::written(&calendar.sealed), seconds(calendar.set_at), room],
            )?;
            Ok(kept > 0)
        })
    }

    fn remove_calendar(&mut self, room: RoomId) -> Result<bool, StoreError> {
        self.write(|connection| {
            let sql = "DELETE FROM room_calendars WHERE room = $1";
            Ok(connection.execute(sql, params![room.to_string()])? > 0)
        })
    }
}
