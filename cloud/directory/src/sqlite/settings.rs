//! Settings, groups and places of rooms in SQLite.

use super::writing::Writing;
use super::{SqliteDirectory, parsed, unreadable, violated};
use crate::repository::StoreError;
use crate::settings::{Group, GroupError, Place, RoomSettings, StoredSettings};
use crate::tags::Tag;
use conclave_types::{DisplayName, GroupId, RoomId};
use rusqlite::{Row, params};

impl RoomSettings for SqliteDirectory {
    fn room_settings(&self) -> Result<Vec<StoredSettings>, StoreError> {
        self.read("SELECT whose, document, revision FROM room_settings", [], |row| {
            let whose: String = row.get(0)?;
            Ok(StoredSettings {
                of: whose.parse().map_err(|()| unreadable(0, "organisation, group or room id"))?,
                document: row.get(1)?,
                revision: row.get(2)?,
            })
        })
    }

    fn keep_settings(&mut self, settings: &StoredSettings) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute(
                "INSERT INTO room_settings (whose, document, revision) VALUES ($1, $2, $3) \
                 ON CONFLICT (whose) DO UPDATE \
                 SET document = excluded.document, revision = excluded.revision",
                params![settings.of.to_string(), settings.document, settings.revision],
            )
        })
        .map(|_| ())
    }

    fn groups(&self) -> Result<Vec<Group>, StoreError> {
        let sql = "SELECT id, organisation, name FROM room_groups ORDER BY name, id";
        self.read(sql, [], |row| {
            Ok(Group {
                id: parsed(row, 0, "group id")?,
                organisation: parsed(row, 1, "organisation id")?,
                name: parsed(row, 2, "group name")?,
            })
        })
    }

    fn add_group(&mut self, group: &Group) -> Result<(), GroupError> {
        self.write(|connection| {
            connection.execute(
                "INSERT INTO room_groups (id, organisation, name) VALUES ($1, $2, $3)",
                params![group.id.to_string(), group.organisation.to_string(), group.name.as_str()],
            )
        })
        .map(|_| ())
        .map_err(taken)
    }

    fn rename_group(&mut self, id: GroupId, name: &DisplayName) -> Result<bool, GroupError> {
        self.write(|connection| {
            connection.execute(
                "UPDATE room_groups SET name = $1 WHERE id = $2",
                params![name.as_str(), id.to_string()],
            )
        })
        .map(|changed| changed > 0)
        .map_err(taken)
    }

    fn remove_group(&mut self, id: GroupId) -> Result<bool, StoreError> {
        self.write(|connection| {
            let group = params![id.to_string()];
            connection.execute("DELETE FROM room_settings WHERE whose = $1", group)?;
            connection.execute("DELETE FROM room_groups WHERE id = $1", params![id.to_string()])
        })
        .map(|changed| changed > 0)
    }

    fn places(&self) -> Result<Vec<(RoomId, Place)>, StoreError> {
        self.read("SELECT room, room_group, place, tags FROM room_places", [], |row| {
            Ok((parsed(row, 0, "room id")?, place(row, 1)?))
        })
    }

    fn keep_place(&mut self, room: RoomId, place: &Place) -> Result<(), StoreError> {
        self.write(|connection| put(connection, room, place))
    }
}

/// Reads a group, a place and tags from three columns.
pub(super) fn place(row: &Row<'_>, first: usize) -> Result<Place, rusqlite::Error> {
    let group: Option<String> = row.get(first)?;
    let place: Option<String> = row.get(first + 1)?;
    let tags: String = row.get(first + 2)?;
    let group = group.map(|id| id.parse().map_err(|_| unreadable(first, "group id")));
    let place = place.map(|name| name.parse().map_err(|_| unreadable(first + 1, "room's place")));
    let tags = Tag::list(&tags).map_err(|_| unreadable(first + 2, "list of tags"))?;
    Ok(Place { group: group.transpose()?, place: place.transpose()?, tags })
}

/// Tags as a column has them: no tag has a comma.
pub(super) fn column(tags: &[Tag]) -> String {
    tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(",")
}

/// Keeps where a room belongs.
pub(super) fn put(
    connection: &Writing<'_>,
    room: RoomId,
    place: &Place,
) -> Result<(), rusqlite::Error> {
    connection.execute(
        "INSERT INTO room_places (room, room_group, place, tags) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (room) DO UPDATE SET room_group = excluded.room_group, \
         place = excluded.place, tags = excluded.tags",
        params![
            room.to_string(),
            place.group.map(|id| id.to_string()),
            place.place.as_ref().map(DisplayName::as_str),
            column(&place.tags),
        ],
    )?;
    Ok(())
}

fn taken(error: StoreError) -> GroupError {
    match violated(&error) {
        Some(words) if words.contains("room_groups.name") => GroupError::NameTaken,
        _ => GroupError::Store(error),
    }
}
