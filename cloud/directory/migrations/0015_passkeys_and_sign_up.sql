-- Who comes in, and what they show at the door.

-- Of whom an organisation wants two factors.
ALTER TABLE organisations ADD COLUMN two_factors TEXT NOT NULL DEFAULT 'whoever_wants'
    CHECK (two_factors IN ('everybody', 'administrators', 'whoever_wants'));

-- Whether whoever began a session showed two. Of those that are there nobody knows.
ALTER TABLE sessions ADD COLUMN both_factors BIGINT NOT NULL DEFAULT 0 CHECK (both_factors IN (0, 1));

-- Keys that somebody's device keeps. What stands here is public: the key to check with, and how often it signed.
CREATE TABLE passkeys (
    id         TEXT PRIMARY KEY,
    -- What the device calls it, in hexadecimal digits.
    credential TEXT NOT NULL UNIQUE,
    person     TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    public_key TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX passkeys_by_person ON passkeys (person);

-- Whose people may make themselves an account: those with an address of this domain.
CREATE TABLE sign_up_domains (
    domain       TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id) ON DELETE CASCADE
);
CREATE INDEX sign_up_domains_by_organisation ON sign_up_domains (organisation);

-- Links with which somebody makes themselves an account. Of a token only the SHA-256 is kept, in hexadecimal digits.
CREATE TABLE sign_ups (
    token        TEXT PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
    email        TEXT NOT NULL,
    expires_at   BIGINT NOT NULL,
    UNIQUE (organisation, email)
);
