-- When a card's lifetime ends; NULL: never. From then on the card is as if it had never been stored, and after a grace
-- its row is removed. Outside the envelope's associated data (docs/data-format.md), so that a later date costs no
-- re-encryption. The NULL of a card without a date takes no room: its row has no larger head than before.
ALTER TABLE card ADD COLUMN expires_at timestamptz;

-- For the purge; cards without a date are not in it. Made last: it must not win a tie against the two others (see
-- src/store/statements.c, CARD_BY_FINGERPRINT), and cannot, since no look-up of a card implies its condition.
CREATE INDEX card_expiry ON card (expires_at) WHERE expires_at IS NOT NULL;
