-- The terms of a client (docs/data-format.md): expiry, the secret before, networks, what it may do in single fields.
-- Rows of before have none; they stay what they are, and so does their MAC. State 3: disabled.
ALTER TABLE client
    ADD COLUMN terms bytea NOT NULL DEFAULT '' CHECK (octet_length(terms) <= 512),
    ADD COLUMN changed_at timestamptz,
    ADD COLUMN changed_by text,
    DROP CONSTRAINT client_state_check,
    ADD CONSTRAINT client_state_check CHECK (state BETWEEN 1 AND 3);
