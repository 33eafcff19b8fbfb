-- The calendars of rooms. Where each is, and what lets somebody in there, is sealed with a key that is not in this file.
CREATE TABLE room_calendars (
    room   TEXT PRIMARY KEY REFERENCES rooms (id) ON DELETE CASCADE,
    sealed TEXT NOT NULL,
    set_at BIGINT NOT NULL
);
