-- Releases of the rooms' system, the rollouts that bring them, and what each room follows and runs.
-- Versions, channels, windows ("02:00-05:00") and amounts ("5%") are their written forms.

CREATE TABLE releases (
    version    TEXT NOT NULL,
    compatible TEXT NOT NULL,
    sha256     TEXT NOT NULL,
    size       BIGINT NOT NULL CHECK (size >= 1),
    floor      TEXT NOT NULL,
    added_at   BIGINT NOT NULL,
    PRIMARY KEY (version, compatible)
);

CREATE TABLE room_updates (
    room        TEXT PRIMARY KEY REFERENCES rooms (id) ON DELETE CASCADE,
    channel     TEXT NOT NULL,
    maintenance TEXT NOT NULL,
    -- What it said last; nothing while it never said.
    running     TEXT,
    compatible  TEXT
);

CREATE TABLE rollouts (
    id          BIGINT PRIMARY KEY,
    channel     TEXT NOT NULL,
    version     TEXT NOT NULL,
    compatible  TEXT NOT NULL,
    waves       TEXT NOT NULL,
    enough      TEXT NOT NULL,
    most_failed TEXT NOT NULL,
    rest        BIGINT NOT NULL,
    stage       TEXT NOT NULL
        CHECK (stage IN ('running', 'stopped_by_failures', 'stopped_by_person', 'withdrawn')),
    wave        BIGINT NOT NULL,
    rests_since BIGINT,
    started_at  BIGINT NOT NULL,
    FOREIGN KEY (version, compatible) REFERENCES releases (version, compatible)
);

CREATE TABLE rollout_rooms (
    rollout  BIGINT NOT NULL REFERENCES rollouts (id) ON DELETE CASCADE,
    room     TEXT NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    standing TEXT NOT NULL CHECK (standing IN ('offered', 'committed', 'failed', 'forgiven')),
    why      TEXT,
    at       BIGINT NOT NULL,
    PRIMARY KEY (rollout, room)
);
