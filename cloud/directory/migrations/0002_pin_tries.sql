-- One line per room and meeting room at which it tried a PIN; see src/pin_tries.rs for the rules.

CREATE TABLE pin_tries (
    room     TEXT NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    vmr      TEXT NOT NULL REFERENCES vmrs (id) ON DELETE CASCADE,
    failures BIGINT NOT NULL,
    last_at  BIGINT NOT NULL,
    entered  BIGINT NOT NULL CHECK (entered IN (0, 1)),
    PRIMARY KEY (room, vmr)
);
CREATE INDEX pin_tries_by_vmr ON pin_tries (vmr, last_at);
