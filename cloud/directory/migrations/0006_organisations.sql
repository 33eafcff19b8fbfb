-- Rooms and meeting rooms belong to an organisation. Whatever was there before belongs to the first one, which
-- whoever sets the installation up gives a name.

CREATE TABLE organisations (
    id   TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
INSERT INTO organisations (id, name) VALUES ('org-00000000000000000000000001', 'Organisation');

ALTER TABLE rooms ADD COLUMN organisation TEXT NOT NULL DEFAULT 'org-00000000000000000000000001';
DROP INDEX rooms_by_name;
CREATE UNIQUE INDEX rooms_by_name ON rooms (organisation, name) WHERE status = 'active';

ALTER TABLE resets ADD COLUMN organisation TEXT NOT NULL DEFAULT 'org-00000000000000000000000001';
ALTER TABLE meetings ADD COLUMN organisation TEXT NOT NULL DEFAULT 'org-00000000000000000000000001';

-- Two organisations may dial the same number. A table's own UNIQUE cannot be taken away, so the table is made anew,
-- and first the one whose lines would go with it.
CREATE TABLE new_vmrs (
    id           TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    number       TEXT NOT NULL,
    name         TEXT NOT NULL,
    pin_hash     TEXT,
    capacity     BIGINT NOT NULL CHECK (capacity >= 1),
    UNIQUE (organisation, number)
);
INSERT INTO new_vmrs (id, organisation, number, name, pin_hash, capacity)
    SELECT id, 'org-00000000000000000000000001', number, name, pin_hash, capacity FROM vmrs;
CREATE TABLE new_pin_tries (
    room     TEXT NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    vmr      TEXT NOT NULL REFERENCES new_vmrs (id) ON DELETE CASCADE,
    failures BIGINT NOT NULL,
    last_at  BIGINT NOT NULL,
    entered  BIGINT NOT NULL CHECK (entered IN (0, 1)),
    PRIMARY KEY (room, vmr)
);
INSERT INTO new_pin_tries (room, vmr, failures, last_at, entered)
    SELECT room, vmr, failures, last_at, entered FROM pin_tries;
DROP TABLE pin_tries;
DROP TABLE vmrs;
ALTER TABLE new_vmrs RENAME TO vmrs;
ALTER TABLE new_pin_tries RENAME TO pin_tries;
CREATE INDEX pin_tries_by_vmr ON pin_tries (vmr, last_at);
