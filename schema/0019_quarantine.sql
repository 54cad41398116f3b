-- Cards that nobody can open, which two custodians write off so that their generation can retire.

-- What custodians sign, one request after the other in a generation. `request` is a keeper's form with its MAC, `list`
-- the cards that it is about, whose digest stands in the request, `warrant` the keeper's word that two custodians have
-- approved (docs/data-format.md). Only these bytes count. At most one request of a generation is not carried out.
CREATE TABLE write_off (
    generation bigint NOT NULL REFERENCES generation,
    number integer NOT NULL CHECK (number > 0),
    request bytea NOT NULL CHECK (octet_length(request) BETWEEN 1 AND 4000),
    list bytea NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    requested_by text NOT NULL,
    warrant bytea CHECK (octet_length(warrant) BETWEEN 1 AND 2000),
    done_at timestamptz,
    cards_moved integer CHECK (cards_moved >= 0),
    PRIMARY KEY (generation, number),
    CHECK (num_nulls(warrant, done_at, cards_moved) IN (0, 3))
);
ALTER TABLE write_off ALTER COLUMN list SET STORAGE EXTERNAL; -- compressing ciphertext is wasted work
CREATE UNIQUE INDEX write_off_open ON write_off (generation) WHERE done_at IS NULL;

CREATE TABLE write_off_approval (
    generation bigint NOT NULL,
    number integer NOT NULL,
    custodian text NOT NULL,
    signature bytea NOT NULL CHECK (octet_length(signature) = 64),
    at timestamptz NOT NULL DEFAULT now(),
    carried_by text NOT NULL,
    PRIMARY KEY (generation, number, custodian),
    FOREIGN KEY (generation, number) REFERENCES write_off ON DELETE CASCADE
);

-- The rows of table card that were written off, byte for byte, each moved there in the transaction that carried the
-- request out. Nothing is looked up by card here: no card is found again by them. Whoever asks by token is told that it
-- was written off. No foreign key: the statement that moves cards demands that nothing else acts on this table.
CREATE TABLE quarantine (
    id bigint NOT NULL,
    field integer NOT NULL,
    bucket smallint NOT NULL,
    key_id smallint NOT NULL,
    fp uuid NOT NULL,
    envelope bytea NOT NULL,
    expires_at timestamptz,
    digits bytea,
    cause smallint NOT NULL,
    generation bigint NOT NULL,
    write_off integer NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (generation, write_off, bucket, id)
);
CREATE INDEX quarantine_id ON quarantine (id);

-- Cards that were written off, by generation: written + moved_in - moved_out - deleted - written_off is the number of
-- rows that it has. A row that a stranger planted was never counted as written, and is counted here.
ALTER TABLE tally ADD COLUMN written_off bigint NOT NULL DEFAULT 0;

-- The same in a retirement's record; NULL where it was certified before cards could be written off, and then the
-- certificate has no line about it.
ALTER TABLE retirement ADD COLUMN rows_written_off bigint;
UPDATE retirement SET rows_written_off = 0 WHERE state = 2;

-- What the second holder of the key was when the generation became active: 'nodes', 'backup' and the SHA-256 of its
-- file, or 'override', the reason for which stands beside it. NULL: it was active before this was recorded.
ALTER TABLE generation ADD COLUMN second_holder text;
