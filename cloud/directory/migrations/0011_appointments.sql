-- Meetings that are to be. Each has a hidden meeting room of its own, whose number is the meeting's ID; with that it goes.

CREATE TABLE appointments (
    vmr       TEXT PRIMARY KEY REFERENCES vmrs (id) ON DELETE CASCADE,
    starts_at BIGINT NOT NULL,
    ends_at   BIGINT NOT NULL CHECK (ends_at > starts_at),
    -- Counts the changes.
    revision  BIGINT NOT NULL
);

-- Who is invited: people of the organisation, its rooms, and others by their address.
CREATE TABLE appointment_people (
    vmr    TEXT NOT NULL REFERENCES appointments (vmr) ON DELETE CASCADE,
    person TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    PRIMARY KEY (vmr, person)
);
CREATE INDEX appointment_people_by_person ON appointment_people (person);

CREATE TABLE appointment_rooms (
    vmr  TEXT NOT NULL REFERENCES appointments (vmr) ON DELETE CASCADE,
    room TEXT NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    PRIMARY KEY (vmr, room)
);
CREATE INDEX appointment_rooms_by_room ON appointment_rooms (room);

CREATE TABLE appointment_guests (
    vmr   TEXT NOT NULL REFERENCES appointments (vmr) ON DELETE CASCADE,
    email TEXT NOT NULL,
    PRIMARY KEY (vmr, email)
);

-- Of a meeting that was called: who reads its number and its name in the records. They outlive the account.
ALTER TABLE meetings ADD COLUMN organiser TEXT;
