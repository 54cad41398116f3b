-- The control tables: which keys exist in which state, who may do what, which process serves. A few rows each, written
-- seldom.
--
-- Rows of ring, generation, node, client, field and row_set carry a MAC that only a keeper can make and that keepers check: nothing
-- here is trusted for having come from the database. States are the numbers of enum jt_generation_state
-- (docs/data-format.md).

-- The live generations under one epoch. One row; every transaction that writes a card compares the epoch.
CREATE TABLE ring (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch bigint NOT NULL CHECK (epoch > 0),
    body bytea NOT NULL,
    mac bytea NOT NULL CHECK (octet_length(mac) = 16),
    changed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE generation (
    number bigint PRIMARY KEY CHECK (number > 0),
    key_id smallint NOT NULL CHECK (key_id BETWEEN 1 AND 255),
    state smallint NOT NULL CHECK (state BETWEEN 1 AND 5),
    check_value bytea NOT NULL CHECK (octet_length(check_value) = 8),
    mac_epoch bigint NOT NULL,
    mac bytea NOT NULL CHECK (octet_length(mac) = 16),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    activated_at timestamptz,
    activated_by text,
    holder_override text,
    draining_at timestamptz,
    draining_by text,
    retired_at timestamptz,
    retired_by text,
    destroyed_at timestamptz,
    destroyed_by text,
    -- One that was abandoned keeps the MAC that it had as a future one: with that the keeper erases its key, also later.
    CHECK (state <> 5 OR num_nulls(destroyed_at, destroyed_by) = 0)
);

-- A key id names one generation at a time; it is free again when that one is destroyed.
CREATE UNIQUE INDEX generation_key_id ON generation (key_id) WHERE state <> 5;
CREATE UNIQUE INDEX generation_one_active ON generation ((true)) WHERE state = 2;

-- The newest proof of possession of each node for each generation.
CREATE TABLE key_ack (
    generation bigint NOT NULL REFERENCES generation,
    node text NOT NULL,
    incarnation uuid NOT NULL,
    challenge bytea NOT NULL CHECK (octet_length(challenge) = 16),
    mac bytea NOT NULL CHECK (octet_length(mac) = 16),
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (generation, node)
);

-- The front that serves. Its incarnation fences one that lost its place without knowing: every transaction that writes
-- a card compares it. The number is part of every id that its keeper mints.
CREATE TABLE node (
    name text PRIMARY KEY,
    number smallint NOT NULL UNIQUE CHECK (number BETWEEN 1 AND 255),
    incarnation uuid NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    mac_epoch bigint NOT NULL,
    mac bytea NOT NULL CHECK (octet_length(mac) = 16)
);

CREATE TABLE client (
    id text PRIMARY KEY,
    permissions integer NOT NULL,
    secret_mac bytea NOT NULL CHECK (octet_length(secret_mac) = 16),
    state smallint NOT NULL CHECK (state BETWEEN 1 AND 2),
    revision bigint NOT NULL CHECK (revision > 0),
    mac_epoch bigint NOT NULL,
    mac bytea NOT NULL CHECK (octet_length(mac) = 16),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    revoked_at timestamptz,
    revoked_by text
);

-- What has changed since a revision.
CREATE UNIQUE INDEX client_revision ON client (revision);

CREATE TABLE field (
    id integer PRIMARY KEY CHECK (id > 0),
    name text NOT NULL UNIQUE,
    kind smallint NOT NULL,
    dedup boolean NOT NULL,
    allow_bad_luhn boolean NOT NULL,
    state smallint NOT NULL CHECK (state BETWEEN 1 AND 2),
    revision bigint NOT NULL CHECK (revision > 0),
    mac_epoch bigint NOT NULL,
    mac bytea NOT NULL CHECK (octet_length(mac) = 16),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL
);

CREATE UNIQUE INDEX field_revision ON field (revision);

-- Version and digest of all rows of client (kind 1) and of field (kind 2), which are never deleted: whoever changes a
-- row changes its set row in the same transaction, from the version that he saw to the next one. None yet: the set
-- never had a row.
CREATE TABLE row_set (
    kind smallint PRIMARY KEY CHECK (kind BETWEEN 1 AND 2),
    version bigint NOT NULL CHECK (version > 0),
    n integer NOT NULL CHECK (n > 0),
    operators bigint NOT NULL CHECK (operators >= 0),
    nonce bytea NOT NULL CHECK (octet_length(nonce) = 16),
    digest bytea NOT NULL CHECK (octet_length(digest) = 16),
    mac_epoch bigint NOT NULL,
    mac bytea NOT NULL CHECK (octet_length(mac) = 16),
    changed_at timestamptz NOT NULL DEFAULT now()
);

-- One retirement job a generation, from the request (1) over the proof of zero (2) to the signed certificate (3).
CREATE TABLE retirement (
    generation bigint PRIMARY KEY REFERENCES generation,
    state smallint NOT NULL CHECK (state BETWEEN 1 AND 3),
    actor text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz,
    node text,
    rows_written bigint,
    rows_moved_in bigint,
    rows_moved_out bigint,
    rows_left bigint,
    lsn pg_lsn,
    timeline integer,
    system_identifier bigint,
    epoch bigint,
    certificate text,
    signature bytea,
    public_key bytea,
    certified_at timestamptz,
    CHECK (state < 2 OR num_nulls(retired_at, node, rows_written, rows_moved_in, rows_moved_out, rows_left, lsn, timeline, system_identifier, epoch) = 0),
    CHECK (state < 3 OR num_nulls(certificate, signature, public_key, certified_at) = 0)
);
