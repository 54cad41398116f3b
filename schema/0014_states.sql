-- The pipeline of future generations, and the mark of a compromised one.
--
-- The date from which on a future generation is to be active, by this server's clock; NULL: when an operator says so.
-- Who planned it, and why its key may have one durable holder only (NULL: it may not). The keeper's MAC covers the
-- date and the reason, so that nobody else's date makes a roll.
ALTER TABLE generation ADD COLUMN adopt_at timestamptz;
ALTER TABLE generation ADD COLUMN planned_by text;
ALTER TABLE generation ADD COLUMN planned_override text;
ALTER TABLE generation ADD COLUMN plan_mac bytea CHECK (octet_length(plan_mac) = 16);
ALTER TABLE generation ADD CONSTRAINT generation_plan
    CHECK (adopt_at IS NULL OR num_nulls(planned_by, plan_mac) = 0);

-- When the mark was set, by whom and why. Keepers go by the ring, not by this.
ALTER TABLE generation ADD COLUMN compromised_at timestamptz;
ALTER TABLE generation ADD COLUMN compromised_by text;
ALTER TABLE generation ADD COLUMN compromised_why text;
ALTER TABLE generation ADD CONSTRAINT generation_compromised
    CHECK (compromised_at IS NULL OR num_nulls(compromised_by, compromised_why) = 0);
