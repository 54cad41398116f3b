-- Terms of a client say what it may have served as well (docs/data-format.md), and so can be longer.
ALTER TABLE client
    DROP CONSTRAINT client_terms_check,
    ADD CONSTRAINT client_terms_check CHECK (octet_length(terms) <= 1024);

-- What of a client's quota is taken, by operation and day of UTC: reserved by fronts, some hundredth of the quota at a
-- time, and not one row a request. Nothing here is MACed: whoever writes to it gives a client more or less of its quota
-- for the day, up to what the keeper's own ceilings let through. `granted`: what the last reservation got.
CREATE TABLE client_budget (
    client text NOT NULL,
    operation smallint NOT NULL,
    day integer NOT NULL, -- since 1970-01-01
    used bigint NOT NULL CHECK (used >= 0),
    granted bigint NOT NULL CHECK (granted >= 0),
    PRIMARY KEY (client, operation, day)
) WITH (fillfactor = 50);
