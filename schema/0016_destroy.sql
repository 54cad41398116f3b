-- Custodians, and the destruction of keys. Keepers believe nothing here but what a keeper has MACed and what custodians
-- have signed; what is deleted or altered delays a destruction, and never makes one.

-- Every version of the set of custodians, with the approvals of its predecessor's in it (docs/data-format.md).
CREATE TABLE custodian_set (
    version bigint PRIMARY KEY CHECK (version > 0),
    body bytea NOT NULL CHECK (octet_length(body) BETWEEN 1 AND 4000),
    mac bytea NOT NULL CHECK (octet_length(mac) = 16),
    stored_at timestamptz NOT NULL DEFAULT now(),
    stored_by text NOT NULL
);

-- What custodians sign, one request a generation: a new one takes the place of one that was cancelled. At the end the
-- certificate that every node has erased the key.
CREATE TABLE destruction (
    generation bigint PRIMARY KEY REFERENCES generation,
    body bytea NOT NULL CHECK (octet_length(body) BETWEEN 1 AND 30000),
    mac bytea NOT NULL CHECK (octet_length(mac) = 16),
    requested_at timestamptz NOT NULL DEFAULT now(),
    requested_by text NOT NULL,
    certificate text,
    signature bytea CHECK (octet_length(signature) = 64),
    public_key bytea CHECK (octet_length(public_key) = 32),
    certified_at timestamptz,
    CHECK (num_nulls(certificate, signature, public_key, certified_at) IN (0, 4))
);
CREATE INDEX destruction_open ON destruction (generation) WHERE certified_at IS NULL;

CREATE TABLE approval (
    generation bigint NOT NULL REFERENCES destruction,
    custodian text NOT NULL,
    signature bytea NOT NULL CHECK (octet_length(signature) = 64),
    at timestamptz NOT NULL DEFAULT now(),
    carried_by text NOT NULL,
    PRIMARY KEY (generation, custodian)
);

-- How the keeper of each node sees the request, and its word, MACed, that it holds the key no more.
CREATE TABLE destruction_node (
    generation bigint NOT NULL REFERENCES destruction,
    node text NOT NULL,
    view smallint NOT NULL CHECK (view BETWEEN 1 AND 5),
    left_s bigint NOT NULL CHECK (left_s >= 0),
    n_tried bigint NOT NULL CHECK (n_tried >= 0),
    keeper_incarnation uuid,
    mac bytea CHECK (octet_length(mac) = 16),
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (generation, node),
    CHECK (view <> 5 OR num_nulls(keeper_incarnation, mac) = 0)
);
