-- The audit trail as chains that a keeper MACs (docs/data-format.md, "The audit trail").

-- One row for each start of a front: the opening of all chains of that run, MACed. It also says where the chains of the
-- run before it ended, so that rows cut off their ends are missed. Negative: before the chain; nothing vouches for it.
CREATE TABLE audit_start (
    id integer PRIMARY KEY CHECK (id <> 0),
    node text NOT NULL,
    incarnation uuid NOT NULL,
    at timestamptz NOT NULL,
    predecessor integer NOT NULL,
    ends bytea NOT NULL,
    mac bytea NOT NULL CHECK (octet_length(mac) = 16),
    noted_at timestamptz -- see audit_head
);

-- Where the chains of a start stood at its noted_at, so that its successor reads the trail from there on and not a
-- whole run. A hint: a wrong one makes the successor's row wrong, which is found like any other edit.
CREATE TABLE audit_head (
    start integer NOT NULL,
    connection smallint NOT NULL,
    link bigint NOT NULL,
    head uuid NOT NULL,
    PRIMARY KEY (start, connection)
) WITH (fillfactor = 50);

-- Rows of one transaction are one link of the chain (start, connection), in the order of `place`; the last of them has
-- the link's head. at: the front's clock, which is what the head covers. result: 0, or the number of a reason.
--
-- Columns stand in the order that wastes no padding, and a link of one row has no NULL, which would cost 8 bytes: a
-- detokenize of one card by a client of three letters over IPv4 is 120 bytes with its header.
ALTER TABLE audit RENAME TO audit_before;
ALTER INDEX audit_time RENAME TO audit_before_time;
CREATE TABLE audit (
    at timestamptz NOT NULL,
    link bigint NOT NULL,
    start integer NOT NULL,
    field integer NOT NULL,
    n_items integer NOT NULL,
    n_done integer NOT NULL,
    action smallint NOT NULL,
    result smallint NOT NULL,
    connection smallint NOT NULL,
    place smallint NOT NULL,
    request uuid NOT NULL,
    head uuid,
    client text NOT NULL,
    object text NOT NULL,
    source bytea NOT NULL,
    ids bytea NOT NULL
) PARTITION BY RANGE (at);
ALTER TABLE audit ALTER COLUMN ids SET STORAGE EXTERNAL; -- compressing them is wasted work

-- Appended only, and in the order of time: a block-range index is enough for every question about a time.
CREATE INDEX audit_time ON audit USING brin (at) WITH (autosummarize = on);

-- A partition for each month (UTC) from the first row to two months from now. jetond makes the later ones.
DO $$
DECLARE
    month timestamp;
BEGIN
    FOR month IN SELECT generate_series(date_trunc('month', least((SELECT min(o.at) FROM audit_before o), now())
        AT TIME ZONE 'UTC'), (now() AT TIME ZONE 'UTC') + interval '2 months', interval '1 month')
    LOOP
        month := date_trunc('month', month);
        EXECUTE format('CREATE TABLE %I PARTITION OF audit FOR VALUES FROM (%L) TO (%L)',
            'audit_' || to_char(month, 'YYYY_MM'), month AT TIME ZONE 'UTC',
            (month + interval '1 month') AT TIME ZONE 'UTC');
    END LOOP;
END $$;

INSERT INTO audit_start
SELECT -row_number() OVER (ORDER BY o.node), o.node, '00000000-0000-0000-0000-000000000000', min(o.at), 0, '',
    decode(repeat('00', 16), 'hex')
FROM audit_before o GROUP BY o.node;
INSERT INTO audit (at, link, start, field, n_items, n_done, action, result, connection, place, request, client, object,
    source, ids)
SELECT o.at, o.seq, s.id, o.field, o.n_items, o.n_done, o.action, 0, 0, 0, '00000000-0000-0000-0000-000000000000',
    o.client, o.object, '', o.ids
FROM audit_before o JOIN audit_start s ON s.node = o.node ORDER BY o.at, o.seq;
DROP TABLE audit_before;

-- Where a chain stood at the end of a partition that was dropped when its time was over, MACed: its rows were not cut
-- off. before: the end of that partition.
CREATE TABLE audit_close (
    start integer NOT NULL,
    connection smallint NOT NULL,
    link bigint NOT NULL,
    head uuid NOT NULL,
    before timestamptz NOT NULL,
    mac bytea NOT NULL CHECK (octet_length(mac) = 16),
    PRIMARY KEY (start, connection)
);
