-- Several nodes on one database.
--
-- A node's row is what its keeper MACs (src/model/node.h): with the start of its keeper, and with the time up to which
-- that may have minted ids under the number. Rows of before are made anew by whoever registers next; a front of before
-- finds its row gone and ends.
DELETE FROM node;
ALTER TABLE node ADD COLUMN keeper_incarnation uuid NOT NULL;
ALTER TABLE node ADD COLUMN id_mark bigint NOT NULL CHECK (id_mark >= 0);
-- The lease, by this server's clock. It is renewed only while it runs; a node whose lease ran out registers anew. It
-- says how long a node may serve without a word from here, and nothing of whether its key files are there.
ALTER TABLE node ADD COLUMN lease_until timestamptz NOT NULL;
ALTER TABLE node ADD COLUMN renewed_at timestamptz NOT NULL;

-- The last row of each number that a node gave up. Ids hold the number, so it rests for a day before another node gets
-- it, and that one's ids begin beyond the mark. Rows stay.
CREATE TABLE node_number (
    number smallint PRIMARY KEY CHECK (number BETWEEN 1 AND 255),
    name text NOT NULL,
    incarnation uuid NOT NULL,
    keeper_incarnation uuid NOT NULL,
    id_mark bigint NOT NULL CHECK (id_mark >= 0),
    mac_epoch bigint NOT NULL,
    mac bytea NOT NULL CHECK (octet_length(mac) = 16),
    released_at timestamptz NOT NULL DEFAULT now()
);

-- Acknowledgements answer the question of one node, whose keeper checks them. Those of before answered nobody's.
DELETE FROM key_ack;
ALTER TABLE key_ack ADD COLUMN asker text NOT NULL;
ALTER TABLE key_ack DROP CONSTRAINT key_ack_pkey;
ALTER TABLE key_ack ADD PRIMARY KEY (generation, node, asker);

-- Which node asks all nodes to prove that they hold a generation's key, with the challenge of its keeper.
CREATE TABLE adoption (
    generation bigint NOT NULL,
    asker text NOT NULL,
    challenge bytea NOT NULL CHECK (octet_length(challenge) = 16),
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (generation, asker)
);

-- Keys on their way to a node whose keeper lacks them (generation 0: the service root): its request, and the parcel that
-- another node's keeper answered. Whoever asked deletes the row; what is older than a minute is useless, since the key
-- to open it is forgotten.
CREATE TABLE parcel (
    node text NOT NULL,
    generation bigint NOT NULL CHECK (generation >= 0),
    request bytea NOT NULL,
    answer bytea,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (node, generation)
);
CREATE INDEX parcel_at ON parcel (at);

-- Neither is worth a log record, and a parcel shall not outlive its receipt there. After a crash of the server both are
-- empty, and everybody asks again.
DO $$
BEGIN
    IF (SELECT relpersistence FROM pg_class WHERE oid = 'parcel'::regclass) = 'p' THEN -- not in a model of the schema
        ALTER TABLE adoption SET UNLOGGED;
        ALTER TABLE parcel SET UNLOGGED;
    END IF;
END
$$;
