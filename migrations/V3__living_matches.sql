-- What it takes to follow matches that move, vanish or are corrected.

ALTER TABLE match
    -- A running score lower than the stored one, seen once: taken when it is seen again. As `home-away`.
    ADD COLUMN IF NOT EXISTS doubted_score text;

ALTER TABLE tournament_round
    -- When the whole round was last read from the provider.
    ADD COLUMN IF NOT EXISTS last_read_at timestamp;
