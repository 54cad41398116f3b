-- The card rules of a field (docs/data-format.md): what it takes as a card number, and as which one. None: the rules
-- that every field had before. The keeper's MAC covers them; rows without keep theirs.
ALTER TABLE field ADD COLUMN rules bytea NOT NULL DEFAULT '' CHECK (octet_length(rules) <= 128);
