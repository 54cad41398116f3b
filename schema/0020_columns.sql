-- Columns of applications' own tables, and how many envelopes stand there under each generation.

-- Where the application keeps the envelopes of a field (docs/data-format.md); empty: no column is known. Covered by the
-- row's MAC, as all of the row is.
ALTER TABLE field ADD COLUMN app_column text NOT NULL DEFAULT '' CHECK (octet_length(app_column) <= 255);

-- The newest count of a column's envelopes under a generation that drains or is retired, at the epoch at which it was
-- counted. MACed by a keeper, with the column's text, so that nobody makes a zero by writing here.
CREATE TABLE column_count (
    field integer NOT NULL REFERENCES field,
    generation bigint NOT NULL REFERENCES generation,
    envelopes bigint NOT NULL CHECK (envelopes >= 0),
    epoch bigint NOT NULL CHECK (epoch > 0),
    mac bytea NOT NULL CHECK (octet_length(mac) = 16),
    counted_at timestamptz NOT NULL DEFAULT now(),
    counted_by text NOT NULL,
    PRIMARY KEY (field, generation)
);
