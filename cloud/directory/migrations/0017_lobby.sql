-- Whether whoever comes to a meeting room waits until somebody lets them in. Rooms that are invited to a meeting do not.

ALTER TABLE vmrs ADD COLUMN lobby BIGINT NOT NULL DEFAULT 0 CHECK (lobby IN (0, 1));
