-- With which scripts ask as somebody. Of a token only the SHA-256 is kept, in hexadecimal digits.
CREATE TABLE api_tokens (
    id         TEXT PRIMARY KEY,
    token      TEXT NOT NULL UNIQUE,
    person     TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    -- Words with a blank between them.
    scopes     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX api_tokens_by_person ON api_tokens (person);
