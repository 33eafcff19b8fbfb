-- Meeting rooms that only some people see, and such that are gone after their meeting.

ALTER TABLE vmrs ADD COLUMN hidden BIGINT NOT NULL DEFAULT 0 CHECK (hidden IN (0, 1));
ALTER TABLE vmrs ADD COLUMN once BIGINT NOT NULL DEFAULT 0 CHECK (once IN (0, 1));
-- Who made it; NULL is the organisation's own.
ALTER TABLE vmrs ADD COLUMN owner TEXT REFERENCES people (id) ON DELETE SET NULL;

CREATE TABLE vmr_moderators (
    vmr    TEXT NOT NULL REFERENCES vmrs (id) ON DELETE CASCADE,
    person TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    PRIMARY KEY (vmr, person)
);
CREATE INDEX vmr_moderators_by_person ON vmr_moderators (person);

-- A record outlives its meeting room, and stays as hidden as that was.
ALTER TABLE meetings ADD COLUMN hidden BIGINT NOT NULL DEFAULT 0 CHECK (hidden IN (0, 1));
