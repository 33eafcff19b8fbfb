-- Factory resets: ordered or allowed, and what came of them. A line outlives the room that it tells of,
-- so it carries the room's name, serial number and key itself.

CREATE TABLE resets (
    number      TEXT PRIMARY KEY,
    room        TEXT NOT NULL,
    name        TEXT NOT NULL,
    serial      TEXT NOT NULL,
    spki_sha256 TEXT NOT NULL,
    way         TEXT NOT NULL CHECK (way IN ('cloud', 'panel')),
    asked_at    BIGINT NOT NULL,
    told_at     BIGINT,
    outcome     TEXT CHECK (outcome IN ('partition_erased', 'folder_erased', 'not_erased', 'other'))
);
CREATE INDEX resets_by_time ON resets (asked_at);
CREATE INDEX resets_open ON resets (room) WHERE told_at IS NULL;
