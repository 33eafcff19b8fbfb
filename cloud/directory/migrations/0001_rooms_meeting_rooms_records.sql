-- Times are whole seconds since 1970-01-01 00:00 UTC. Ids are their written form ("room-…").

CREATE TABLE rooms (
    id                  TEXT PRIMARY KEY,
    name                TEXT NOT NULL,
    serial              TEXT NOT NULL,
    spki_sha256         TEXT NOT NULL,
    certificate_expires BIGINT NOT NULL,
    status              TEXT NOT NULL CHECK (status IN ('active', 'revoked')),
    enrolled_at         BIGINT NOT NULL,
    revoked_at          BIGINT
);
-- A revoked room leaves its name and its device free for a new enrolment.
CREATE UNIQUE INDEX rooms_by_name ON rooms (name) WHERE status = 'active';
CREATE UNIQUE INDEX rooms_by_key ON rooms (spki_sha256) WHERE status = 'active';

CREATE TABLE vmrs (
    id       TEXT PRIMARY KEY,
    number   TEXT NOT NULL UNIQUE,
    name     TEXT NOT NULL,
    pin_hash TEXT,
    capacity BIGINT NOT NULL CHECK (capacity >= 1)
);

-- Records outlive the meeting room they tell of, so they carry its number and name themselves.
CREATE TABLE meetings (
    id         TEXT PRIMARY KEY,
    vmr        TEXT NOT NULL,
    vmr_number TEXT NOT NULL,
    vmr_name   TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at   BIGINT
);
CREATE INDEX meetings_open ON meetings (started_at) WHERE ended_at IS NULL;

CREATE TABLE call_records (
    call             TEXT PRIMARY KEY,
    meeting          TEXT NOT NULL REFERENCES meetings (id),
    room             TEXT NOT NULL,
    participant_name TEXT NOT NULL,
    joined_at        BIGINT NOT NULL,
    left_at          BIGINT,
    why              TEXT
);
CREATE INDEX call_records_by_time ON call_records (joined_at);
CREATE INDEX call_records_open ON call_records (joined_at) WHERE left_at IS NULL;
