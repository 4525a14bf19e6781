-- What tells the stages of a season apart, and why a match has no result. Rows stored before have neither: they count as
-- they did until they are read again.
ALTER TABLE match
    ADD COLUMN IF NOT EXISTS provider_stage_id text,
    ADD COLUMN IF NOT EXISTS called_off text;

-- The provider's tables with their ids, in place of the rows in `provider_standings`, which an older version still reads;
-- the differences that the last comparison found, so that each is reported once; and whether a shootout in a match of the
-- table gives its winner a further point. Until their next comparison, tables with adjustments keep them for that.
ALTER TABLE tournament
    ADD COLUMN IF NOT EXISTS provider_tables jsonb,
    ADD COLUMN IF NOT EXISTS table_differences jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN IF NOT EXISTS bracket_notes jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN IF NOT EXISTS shootout_points boolean;
UPDATE tournament SET shootout_points = false WHERE points_adjustments <> '[]' AND shootout_points IS NULL;
