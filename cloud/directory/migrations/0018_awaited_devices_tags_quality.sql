-- Words by which rooms are found together, with commas between them; none has one.
ALTER TABLE room_places ADD COLUMN tags TEXT NOT NULL DEFAULT '';

-- Devices that are awaited: what each is to be called and where it belongs when it is enrolled. `room` is the id that the
-- room has then.
CREATE TABLE awaited_devices (
    room         TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    name         TEXT NOT NULL,
    -- One of the two: the SHA-256 of its key in hexadecimal digits, or what it says that its serial number is.
    spki_sha256  TEXT,
    serial       TEXT,
    room_group   TEXT REFERENCES room_groups (id) ON DELETE SET NULL,
    place        TEXT,
    tags         TEXT NOT NULL,
    added_at     BIGINT NOT NULL,
    -- Who said so, as the audit log names them.
    added_by     TEXT NOT NULL,
    CHECK ((spki_sha256 IS NULL) <> (serial IS NULL)),
    UNIQUE (organisation, name),
    UNIQUE (organisation, spki_sha256),
    UNIQUE (organisation, serial)
);
CREATE INDEX awaited_devices_by_group ON awaited_devices (room_group);

-- What was wrong with a call, as words with commas between them; empty when it was good, NULL while nobody has looked.
ALTER TABLE call_records ADD COLUMN troubles TEXT;
