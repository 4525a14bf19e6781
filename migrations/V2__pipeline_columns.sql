-- What the pipeline adds to the application's tables. Every column is nullable or has a default, so that the
-- application's own INSERTs keep working; checks that old rows may break are NOT VALID (they hold for new rows).

ALTER TABLE tournament_round
    -- Slots of the round that had no team yet when it was last read; null: not read yet.
    ADD COLUMN IF NOT EXISTS open_slots integer;

ALTER TABLE match
    -- The group the match counts for; '' in competitions of one table and in knockout rounds.
    ADD COLUMN IF NOT EXISTS group_name text NOT NULL DEFAULT '',
    -- When the provider last changed the event: a payload older than this is stale.
    ADD COLUMN IF NOT EXISTS provider_changed_at timestamp;

ALTER TABLE match
    ADD CONSTRAINT match_status_known CHECK (status IN ('open', 'ended', 'not-defined')) NOT VALID;

CREATE INDEX IF NOT EXISTS match_tournament_round ON match (tournament_id, round_slug);
CREATE INDEX IF NOT EXISTS match_open_by_date ON match (date) WHERE status = 'open';

-- Before a tournament exists its executions name none; older databases demanded one.
ALTER TABLE data_provider_executions ALTER COLUMN tournament_id DROP NOT NULL;

-- The application's own key of the standings, (short_name, tournament_id), keeps out two teams of one short name and
-- one team in two groups. The row's id takes its place.
DO $$
DECLARE
    own_key text;
BEGIN
    SELECT conname INTO own_key FROM pg_constraint
     WHERE conrelid = 'tournament_standings'::regclass AND contype = 'p'
       AND conkey <> ARRAY[(SELECT attnum FROM pg_attribute
                             WHERE attrelid = 'tournament_standings'::regclass AND attname = 'id')];
    IF own_key IS NOT NULL THEN
        EXECUTE format('ALTER TABLE tournament_standings DROP CONSTRAINT %I', own_key);
        ALTER TABLE tournament_standings ADD PRIMARY KEY (id);
    END IF;
END $$;

-- A team whose short name changed may stand there twice: the newer row is the true one.
DELETE FROM tournament_standings s USING tournament_standings newer
 WHERE (s.tournament_id, s.group_name, s.team_id) = (newer.tournament_id, newer.group_name, newer.team_id)
   AND (s.updated_at, s.id) < (newer.updated_at, newer.id);

-- Names may repeat (two teams with one short name, one team in two groups): a row is a team in a group.
CREATE UNIQUE INDEX IF NOT EXISTS tournament_standings_team_in_group
    ON tournament_standings (tournament_id, group_name, team_id);

ALTER TABLE data_provider_executions
    -- What the work is, not which delivery it was; null in rows older than the pipeline.
    ADD COLUMN IF NOT EXISTS idempotency_key text,
    ADD COLUMN IF NOT EXISTS function text,
    ADD COLUMN IF NOT EXISTS attempt integer NOT NULL DEFAULT 1,
    -- While in progress: the run is alive until then unless it renews.
    ADD COLUMN IF NOT EXISTS lease_expires_at timestamp,
    -- The planning time of the work: the schedule's occurrence, where there was one.
    ADD COLUMN IF NOT EXISTS planned_for timestamp,
    -- When the notice went out; null on a finished row: it is still owed.
    ADD COLUMN IF NOT EXISTS notified_at timestamp;

CREATE UNIQUE INDEX IF NOT EXISTS data_provider_executions_key ON data_provider_executions (idempotency_key);
CREATE INDEX IF NOT EXISTS data_provider_executions_started ON data_provider_executions (started_at DESC);

ALTER TABLE data_provider_executions
    ADD CONSTRAINT data_provider_executions_status_known
    CHECK (status IN ('in_progress', 'completed', 'partial_failure', 'failed')) NOT VALID;

-- The next free moment for a request to each provider, handed out to functions running at once.
CREATE TABLE IF NOT EXISTS provider_pace (
    provider text PRIMARY KEY,
    next_request_at timestamp NOT NULL
);
