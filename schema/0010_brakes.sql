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
