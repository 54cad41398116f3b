-- What was asked for with an Idempotency-Key, for 24 hours: so that a request that is repeated is done once.
--
-- mac: a keeper's MAC of who asked, for what and with which body; of the body nothing else is kept. attempt: counts who
-- took the request up; whoever writes on its behalf holds this row and finds its own attempt there. busy_until: until
-- then the front with this incarnation is at it, unless it is gone.
CREATE TABLE idempotency (
    client text NOT NULL,
    key text NOT NULL,
    mac uuid NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    incarnation uuid,
    at timestamptz NOT NULL DEFAULT now(),
    busy_until timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (client, key)
) WITH (fillfactor = 80);
CREATE INDEX idempotency_age ON idempotency (at);

-- The cards of such a request, written in the transaction that stored or deleted them. cards: for each the place of its
-- item in the body, counted from 0 (4 bytes), and its id (8 bytes).
CREATE TABLE idempotency_card (
    mac uuid NOT NULL,
    cards bytea NOT NULL
);
CREATE INDEX idempotency_card_mac ON idempotency_card (mac);

-- How many rows a client has, in parts that add up: one for each connection that adds to them.
CREATE TABLE idempotency_count (
    client text NOT NULL,
    writer integer NOT NULL,
    live bigint NOT NULL,
    PRIMARY KEY (client, writer)
) WITH (fillfactor = 50);
