-- What clients tried of a class of cards, those that agree in their first six and last four digits and their length, on
-- one day of UTC (docs/data-format.md). A keeper's MAC names client, class, day and whether cards were looked up or
-- stored, so that nobody learns one of them from a row. A front adds some at a time, never one a request, and only for
-- classes of which many were tried. Whoever writes here slows clients down, or lets them try as many cards again.
CREATE TABLE guess (
    day integer NOT NULL, -- since 1970-01-01
    class uuid NOT NULL,  -- the MAC
    n integer NOT NULL CHECK (n >= 0),
    PRIMARY KEY (day, class)
) WITH (fillfactor = 70);

-- The set of honey marks, sealed by a keeper (docs/data-format.md): one row, whose bytes have the same length however many
-- cards are marked. Which are is in no other place of the database. Each keeper has the newest set that it saw in its own
-- directory and has it put back here.
CREATE TABLE honey (
    one boolean PRIMARY KEY CHECK (one),
    sealed bytea NOT NULL -- empty: no card was ever marked
);
INSERT INTO honey VALUES (true, '');
