-- How rooms are set: for the organisation, for a group of its rooms, for one room.

CREATE TABLE room_groups (
    id           TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    name         TEXT NOT NULL,
    UNIQUE (organisation, name)
);

-- In which group a room is, and where it stands, as far as either was said.
CREATE TABLE room_places (
    room       TEXT PRIMARY KEY REFERENCES rooms (id) ON DELETE CASCADE,
    room_group TEXT REFERENCES room_groups (id) ON DELETE SET NULL,
    place      TEXT
);
CREATE INDEX room_places_by_group ON room_places (room_group);

-- One line for each that something was ever set for; `whose` is the id of an organisation, a group or a room.
-- `revision` counts the changes of it.
CREATE TABLE room_settings (
    whose    TEXT PRIMARY KEY,
    document TEXT NOT NULL,
    revision BIGINT NOT NULL
);
