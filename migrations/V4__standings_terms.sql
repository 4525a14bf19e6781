-- What a table is drawn up under, beside the matches.

ALTER TABLE tournament
    -- The order of teams level on points, in prose: the provider's, unless the operator sets another.
    ADD COLUMN IF NOT EXISTS tie_breaking_rule text,
    -- Deductions and awards found: [{"group", "team", "points"}].
    ADD COLUMN IF NOT EXISTS points_adjustments jsonb NOT NULL DEFAULT '[]',
    -- The provider's tables as last read, and when that was.
    ADD COLUMN IF NOT EXISTS provider_standings jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN IF NOT EXISTS standings_checked_at timestamp;
