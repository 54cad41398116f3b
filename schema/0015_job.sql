-- Retirements that several workers on several nodes do together, that can be paused, and that name what holds them up.

-- walked_bucket and walked_id: up to there the present pass has been handed out in ranges; handed_out: to its end. What
-- the last pass could not open stands in stuck_card, and how fast it goes in retirement_worker.
ALTER TABLE retirement
    ADD COLUMN handed_out boolean NOT NULL DEFAULT false,
    ADD COLUMN paused_at timestamptz,
    ADD COLUMN paused_by text,
    DROP COLUMN rows_stuck,
    DROP COLUMN moved_in_1000_s,
    DROP COLUMN noted_at,
    ADD CHECK (num_nulls(paused_at, paused_by) IN (0, 2));

-- A part of a pass: the cards behind (from_bucket, from_id) up to and with (to_bucket, to_id), in the order of card_id.
-- Everything up to the cursor has been walked. It is a worker's until claimed_until, by this server's clock; then anybody
-- takes it over at the cursor. There are as many rows as workers, and those of workers that died.
CREATE TABLE retirement_range (
    generation bigint NOT NULL,
    from_bucket smallint NOT NULL,
    from_id bigint NOT NULL,
    to_bucket smallint NOT NULL,
    to_id bigint NOT NULL,
    cursor_bucket smallint NOT NULL,
    cursor_id bigint NOT NULL,
    node text NOT NULL,
    incarnation uuid NOT NULL,
    worker smallint NOT NULL,
    claimed_until timestamptz NOT NULL,
    moved bigint NOT NULL DEFAULT 0,
    stuck bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (generation, from_bucket, from_id)
) WITH (fillfactor = 50);

-- What each worker does now; it counts while it is fresh. throttled_by: 0 nothing, 1 the rate, 2 latency, 3 replication.
CREATE TABLE retirement_worker (
    node text NOT NULL,
    worker smallint NOT NULL,
    generation bigint NOT NULL,
    moved_in_1000_s bigint NOT NULL,
    throttled_by smallint NOT NULL,
    noted_at timestamptz NOT NULL,
    PRIMARY KEY (node, worker)
) WITH (fillfactor = 50);

-- Rows under a draining generation that could not be moved, from the walk that met them until they are moved, mended or
-- gone; cause: enum jt_stuck_cause. Nothing is concluded from an entry or from its absence: that no card is left is
-- always proved.
CREATE TABLE stuck_card (
    generation bigint NOT NULL,
    bucket smallint NOT NULL,
    id bigint NOT NULL,
    field integer NOT NULL,
    cause smallint NOT NULL,
    first_seen timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (generation, bucket, id)
);

-- How many cards a draining generation had, by minute since 1970, and how many of those that left it were moved by the
-- job: from this the end is projected. Kept for a day.
CREATE TABLE retirement_sample (
    generation bigint NOT NULL,
    minute integer NOT NULL,
    rows bigint NOT NULL,
    moved_by_job bigint NOT NULL,
    PRIMARY KEY (generation, minute)
);
