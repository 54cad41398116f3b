-- The terms of a client (docs/data-format.md): expiry, the secret before, networks, what it may do in single fields.
-- Rows of before have none; they stay what they are, and so does their MAC. State 3: disabled.
ALTER TABLE client
    ADD COLUMN terms bytea NOT NULL DEFAULT '' CHECK (octet_length(terms) <= 512),
    ADD COLUMN changed_at timestamptz,
    ADD COLUMN changed_by text,
    DROP CONSTRAINT client_state_check,
    ADD CONSTRAINT client_state_check CHECK (state BETWEEN 1 AND 3);

-- Failed logins, one row for each client id that was named and place that it was named from; whether there is such a
-- client makes no difference. All nodes add to it about once a second and read what changed, and it is kept to some
-- thousand rows. Nothing here is MACed: whoever writes to it can lock clients out or let them try again, and learns
-- nothing.
CREATE TABLE login_failure (
    client text NOT NULL,
    place text NOT NULL,
    n integer NOT NULL CHECK (n >= 0),
    last_at timestamptz NOT NULL,
    locked_until timestamptz,
    PRIMARY KEY (client, place)
);
CREATE INDEX login_failure_last ON login_failure (last_at);
