-- Going back: how far this database has come, and how it was recovered where it went back.

-- How often the node of each number has taken its place or renewed its lease here. Keepers remember the counts that they
-- were shown, so that a tail that was lost is missed on any timeline. Rows stay when nodes go.
CREATE TABLE pulse (
    number smallint PRIMARY KEY CHECK (number BETWEEN 1 AND 255),
    renewals bigint NOT NULL CHECK (renewals > 0)
) WITH (fillfactor = 50);

-- What the keeper of each node remembers, told while it refuses this database: MACed, so that another keeper can tell
-- whether it has seen as much (docs/data-format.md).
CREATE TABLE keeper_view (
    node text PRIMARY KEY,
    body bytea NOT NULL CHECK (octet_length(body) BETWEEN 1 AND 400),
    mac bytea NOT NULL CHECK (octet_length(mac) = 16),
    at timestamptz NOT NULL DEFAULT now()
);

-- Recoveries: what custodians sign, as a keeper has MACed it, and once it is carried out the ring that was posted and
-- the word of the keeper by which the others follow.
CREATE TABLE recovery (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node text NOT NULL,
    body bytea NOT NULL CHECK (octet_length(body) BETWEEN 1 AND 70000),
    mac bytea NOT NULL CHECK (octet_length(mac) = 16),
    requested_at timestamptz NOT NULL DEFAULT now(),
    requested_by text NOT NULL,
    epoch bigint UNIQUE CHECK (epoch > 0),
    ring_body bytea CHECK (octet_length(ring_body) BETWEEN 1 AND 8000),
    ring_mac bytea CHECK (octet_length(ring_mac) = 16),
    word bytea CHECK (octet_length(word) BETWEEN 1 AND 4000),
    word_mac bytea CHECK (octet_length(word_mac) = 16),
    done_at timestamptz,
    CHECK (num_nulls(epoch, ring_body, ring_mac, word, word_mac, done_at) IN (0, 6))
);

CREATE TABLE recovery_approval (
    recovery bigint NOT NULL REFERENCES recovery ON DELETE CASCADE,
    custodian text NOT NULL,
    signature bytea NOT NULL CHECK (octet_length(signature) = 64),
    at timestamptz NOT NULL DEFAULT now(),
    carried_by text NOT NULL,
    PRIMARY KEY (recovery, custodian)
);
