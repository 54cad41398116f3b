-- Numeric tokens.
--
-- How the tokens of a field look (src/pan/numeric.h); 0: opaque. The keeper's MAC covers it, and rows that have 0 keep
-- theirs. It never changes.
ALTER TABLE field ADD COLUMN token_form smallint NOT NULL DEFAULT 0;

-- The digits of a card's token, packed; NULL: its token is opaque. They show what they keep of the card number, by
-- design, and the envelope is bound to them. NULLs cost nothing: the row has eight columns. All rows that stand have
-- NULL, so that nothing needs to be read to believe the condition.
ALTER TABLE card ADD COLUMN digits bytea;
ALTER TABLE card ADD CONSTRAINT card_digits_check CHECK (octet_length(digits) BETWEEN 6 AND 10) NOT VALID;

-- Every numeric token that was ever issued, by a keyed MAC of its digits (tok: 6 bytes of what is kept, 10 of all), and
-- the id of its card. A row stays when its card goes: it is what keeps the token from being issued again. So there is
-- no moment between the two uses, and nothing to clean up. Columns stand without padding.
CREATE TABLE numeric_token (
    id bigint NOT NULL CHECK (id > 0),
    tok uuid NOT NULL,
    field integer NOT NULL,
    PRIMARY KEY (field, tok)
);

-- How far numeric tokens have come: it is raised while they are issued, and keepers remember it. A database that went
-- back has a lower one, and lacks tokens that were issued.
CREATE TABLE numeric_mark (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    mark bigint NOT NULL DEFAULT 1 CHECK (mark > 0)
);
INSERT INTO numeric_mark DEFAULT VALUES;
