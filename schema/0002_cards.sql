-- The vault.
--
-- id is minted by a keeper and ascends in time (docs/data-format.md): it is what both indexes and the heap are in order
-- by, it says when the card came, and it never leaves the service. What applications hold is the id encrypted.
--
-- Columns stand in the order that wastes no padding: 8 + 4 + 2 + 2 + 16 bytes, then the envelope with its one-byte
-- length. A 16-digit card is 58 bytes behind a tuple header of 24, in all 88 with alignment and 4 for its line
-- pointer; eight columns fit the header's NULL bits for free, so one more column costs only itself. Measured per card,
-- indexes at their usual fill: docs/data-format.md.
--
-- fp is uuid because that is PostgreSQL's one fixed type of 16 bytes (measured against bytea: 51 instead of 65 bytes a
-- card in card_fingerprint). It is no RFC 4122 UUID. The envelope keeps the default storage: PLAIN would forbid the
-- one-byte length, and no row is ever long enough for compression to be tried.
--
-- key_id is generated from the envelope, so that it cannot disagree with it. An UPDATE always changes indexed columns
-- and therefore never is a heap-only one: a lower fillfactor would buy nothing.
CREATE TABLE card (
    id bigint NOT NULL CHECK (id > 0),
    field integer NOT NULL,
    bucket smallint NOT NULL DEFAULT 0 CHECK (bucket BETWEEN 0 AND 255),
    key_id smallint NOT NULL GENERATED ALWAYS AS (get_byte(envelope, 0)) STORED CHECK (key_id > 0),
    fp uuid NOT NULL,
    envelope bytea NOT NULL CHECK (octet_length(envelope) BETWEEN 18 AND 64)
) WITH (
    -- A drain leaves one dead version a row: collect them while it runs, so that the proof of zero walks few dead index
    -- entries.
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 1
);

-- Reads, the walk over the stragglers of a generation in heap order, the proof that none is left, and the newest id.
-- New entries come at the right end of the active generation's part, so nothing is gained by leaving room in its pages
-- (measured with four batches under way at once: 35 instead of 37 bytes a card). Both unique keys contain bucket, so
-- that a database spread over machines can be split by it.
CREATE UNIQUE INDEX card_id ON card (key_id, bucket, id) WITH (fillfactor = 100);

-- Deduplication and look-up by card. Made after card_id: see src/store/statements.c, CARD_BY_FINGERPRINT.
CREATE UNIQUE INDEX card_fingerprint ON card (key_id, bucket, field, fp);

-- How many rows each generation has, exactly, without a count: each transaction adds to the row of its own writer, so
-- that writers do not contend. Updates are frequent and touch no index: the free space keeps them in the page. No
-- foreign key: its check would cost each transaction a lock.
CREATE TABLE tally (
    generation bigint NOT NULL,
    writer integer NOT NULL,
    written bigint NOT NULL DEFAULT 0,
    moved_in bigint NOT NULL DEFAULT 0,
    moved_out bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (generation, writer)
) WITH (fillfactor = 10);

-- Who did what, when, to which cards, with what result; one row a request. action: the numbers of enum jt_audit_action.
-- Appended only, never looked up by key in the request path, so it carries nothing but a block-range index.
CREATE TABLE audit (
    seq bigint GENERATED ALWAYS AS IDENTITY (CACHE 32),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    field integer NOT NULL,
    n_items integer NOT NULL,
    n_done integer NOT NULL,
    action smallint NOT NULL,
    node text NOT NULL,
    client text NOT NULL,
    object text NOT NULL,
    ids bytea NOT NULL
);
ALTER TABLE audit ALTER COLUMN ids SET STORAGE EXTERNAL; -- compressing them is wasted work
CREATE INDEX audit_time ON audit USING brin (at, seq) WITH (autosummarize = on);
