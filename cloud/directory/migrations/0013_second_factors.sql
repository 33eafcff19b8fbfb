-- The second factor of signing in. The secret is sealed with a key that is not in this file.
CREATE TABLE second_factors (
    person    TEXT PRIMARY KEY REFERENCES people (id) ON DELETE CASCADE,
    sealed    TEXT NOT NULL,
    -- Whether its person has shown that their app has it.
    confirmed BIGINT NOT NULL CHECK (confirmed IN (0, 1)),
    -- The step of the last code that was taken: none is taken twice.
    last_step BIGINT NOT NULL
);

-- For the day on which the app is gone: the SHA-256 of each, in hexadecimal digits. Each is good once.
CREATE TABLE recovery_codes (
    person TEXT NOT NULL REFERENCES second_factors (person) ON DELETE CASCADE,
    code   TEXT NOT NULL,
    PRIMARY KEY (person, code)
);
