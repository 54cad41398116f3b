-- The rest of the card API.
--
-- How many leading digits a masked card number of the field shows: 6, or 8. The keeper's MAC covers it.
ALTER TABLE field ADD COLUMN mask_eight boolean NOT NULL DEFAULT false;

-- Cards that were deleted, by the generation under which they stood: written + moved_in - moved_out - deleted is the
-- number of rows that it has.
ALTER TABLE tally ADD COLUMN deleted bigint NOT NULL DEFAULT 0;

-- The same in a retirement's record; NULL where it was certified before deletion was counted, and then the certificate
-- has no line about it.
ALTER TABLE retirement ADD COLUMN rows_deleted bigint;
UPDATE retirement SET rows_deleted = 0 WHERE state = 2;

-- When envelopes that applications keep were last sealed and last opened, by field, generation and node; written by a
-- duty once a minute, never by a request. What a node did in its last minute before a crash may be missing.
CREATE TABLE held_use (
    field integer NOT NULL,
    generation bigint NOT NULL,
    node text NOT NULL,
    last_seal timestamptz,
    last_open timestamptz,
    PRIMARY KEY (field, generation, node)
);
