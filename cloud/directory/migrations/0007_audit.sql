-- Who did what; see src/audit.rs. `audit_begin` has the last row that was removed after its time.

CREATE TABLE audit (
    number       BIGINT PRIMARY KEY,
    at           BIGINT NOT NULL,
    organisation TEXT,
    who          TEXT NOT NULL,
    source       TEXT NOT NULL,
    act          TEXT NOT NULL,
    subject      TEXT NOT NULL,
    before       TEXT NOT NULL,
    after        TEXT NOT NULL,
    hash         TEXT NOT NULL
);
CREATE INDEX audit_by_organisation ON audit (organisation, number);

CREATE TABLE audit_begin (
    number BIGINT NOT NULL,
    hash   TEXT NOT NULL
);
INSERT INTO audit_begin (number, hash)
    VALUES (0, '0000000000000000000000000000000000000000000000000000000000000000');
