//! Awaited devices in SQLite.

use super::settings::{column, place, put};
use super::{SqliteDirectory, parsed, rooms, seconds, time, unreadable};
use crate::activation::KeyFingerprint;
use crate::awaited::{AwaitedDevice, AwaitedDevices, Device};
use crate::repository::{EnrolError, Room, StoreError};
use conclave_types::{DisplayName, RoomId, UnixTime};
use rusqlite::{Row, params};

impl AwaitedDevices for SqliteDirectory {
    fn awaited(&self) -> Result<Vec<AwaitedDevice>, StoreError> {
        let sql = "SELECT room, organisation, name, spki_sha256, serial, room_group, place, tags, \
                   added_at, added_by FROM awaited_devices ORDER BY name, room";
        self.read(sql, [], read)
    }

    fn await_devices(&mut self, devices: &[AwaitedDevice]) -> Result<(), StoreError> {
        self.write(|connection| {
            for each in devices {
                let (key, serial) = match &each.device {
                    Device::Key(key) => (Some(key.to_string()), None),
                    Device::Serial(serial) => (None, Some(serial)),
                };
                connection.execute(
                    "INSERT INTO awaited_devices (room, organisation, name, spki_sha256, serial, \
                     room_group, place, tags, added_at, added_by) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                    params![
                        each.room.to_string(),
                        each.organisation.to_string(),
                        each.name.as_str(),
                        key,
                        serial,
                        each.place.group.map(|id| id.to_string()),
                        each.place.place.as_ref().map(DisplayName::as_str),
                        column(&each.place.tags),
                        seconds(each.added_at),
                        each.added_by,
                    ],
                )?;
            }
            Ok(())
        })
    }

    fn await_no_more(&mut self, room: RoomId) -> Result<bool, StoreError> {
        self.write(|connection| {
            connection
                .execute("DELETE FROM awaited_devices WHERE room = $1", params![room.to_string()])
        })
        .map(|gone| gone > 0)
    }

    fn await_no_more_since(&mut self, before: UnixTime) -> Result<u32, StoreError> {
        self.write(|connection| {
            let before = params![seconds(before)];
            let count = "SELECT count(*) FROM awaited_devices WHERE added_at < $1";
            // Asked first: a day on which nothing is over writes nothing.
            let over: u32 = connection.query_row(count, before, |row| row.get(0))?;
            if over > 0 {
                connection.execute("DELETE FROM awaited_devices WHERE added_at < $1", before)?;
            }
            Ok(over)
        })
    }

    fn enrol_awaited(&mut self, room: &Room, awaited: &AwaitedDevice) -> Result<(), EnrolError> {
        let kept = self.write(|connection| {
            rooms::insert(connection, room)?;
            put(connection, room.id, &awaited.place)?;
            connection.execute(
                "DELETE FROM awaited_devices WHERE room = $1",
                params![awaited.room.to_string()],
            )
        });
        kept.map(|_| ()).map_err(rooms::taken)
    }
}

fn read(row: &Row<'_>) -> Result<AwaitedDevice, rusqlite::Error> {
    let key: Option<String> = row.get(3)?;
    let device = match key {
        Some(key) => KeyFingerprint::from_hex(&key).map(Device::Key),
        None => row.get::<_, Option<String>>(4)?.map(Device::Serial),
    };
    Ok(AwaitedDevice {
        room: parsed(row, 0, "room id")?,
        organisation: parsed(row, 1, "organisation id")?,
        name: parsed(row, 2, "room name")?,
        device: device.ok_or_else(|| unreadable(3, "key fingerprint"))?,
        place: place(row, 5)?,
        added_at: time(row, 8)?,
        added_by: row.get(9)?,
    })
}
