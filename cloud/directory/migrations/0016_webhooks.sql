-- Addresses that are told what happens in an organisation.
CREATE TABLE webhooks (
    id            TEXT PRIMARY KEY,
    organisation  TEXT NOT NULL REFERENCES organisations (id),
    url           TEXT NOT NULL,
    -- Words with a blank between them.
    kinds         TEXT NOT NULL,
    -- The secret that deliveries are signed with, sealed with a key that is not in this file.
    sealed        TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    failing_since BIGINT,
    off_at        BIGINT
);

-- What happened, for each of them. What waits is sent, also after a restart; of the others the newest are kept.
CREATE TABLE webhook_deliveries (
    id      TEXT PRIMARY KEY,
    webhook TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    kind    TEXT NOT NULL,
    body    TEXT NOT NULL,
    at      BIGINT NOT NULL,
    tries   BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    fate    TEXT NOT NULL,
    answer  TEXT
);
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook, at);
CREATE INDEX webhook_deliveries_by_fate ON webhook_deliveries (fate, next_at);
