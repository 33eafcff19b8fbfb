-- People with accounts, the browsers in which they are signed in, and the links with which they set a password.
-- Of tokens only the SHA-256 is kept, in hexadecimal digits: whoever reads this file cannot sign in with it.

CREATE TABLE people (
    id            TEXT PRIMARY KEY,
    organisation  TEXT NOT NULL REFERENCES organisations (id),
    email         TEXT NOT NULL,
    name          TEXT NOT NULL,
    role          TEXT NOT NULL CHECK (role IN ('administrator', 'organiser', 'member')),
    standing      TEXT NOT NULL CHECK (standing IN ('active', 'suspended')),
    password_hash TEXT,
    created_at    BIGINT NOT NULL,
    UNIQUE (organisation, email)
);
CREATE INDEX people_by_email ON people (email);

CREATE TABLE sessions (
    token      TEXT PRIMARY KEY,
    person     TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    device     TEXT NOT NULL,
    source     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL
);
CREATE INDEX sessions_by_person ON sessions (person);
CREATE INDEX sessions_by_time ON sessions (seen_at);

-- Browsers that have signed in before, so that strangers cannot make them wait.
CREATE TABLE devices (
    device  TEXT NOT NULL,
    person  TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (device, person)
);
CREATE INDEX devices_by_person ON devices (person);

CREATE TABLE invitations (
    token      TEXT PRIMARY KEY,
    person     TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);
CREATE INDEX invitations_by_person ON invitations (person);
