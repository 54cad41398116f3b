-- How a retirement that drains stands, for whoever asks on any node and for the next start: the place in the order of
-- card_id up to which the present pass has walked, what the last whole pass could not open, and the rate of the last
-- seconds, which counts only while it is fresh. Nothing is concluded from it: that no card is left is always proved.
ALTER TABLE retirement
    ADD COLUMN walked_bucket smallint NOT NULL DEFAULT 0,
    ADD COLUMN walked_id bigint NOT NULL DEFAULT 0,
    ADD COLUMN rows_stuck bigint NOT NULL DEFAULT 0,
    ADD COLUMN moved_in_1000_s bigint NOT NULL DEFAULT 0,
    ADD COLUMN noted_at timestamptz;
