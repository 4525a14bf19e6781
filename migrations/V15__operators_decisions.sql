-- What an operator decides (locked matches, pauses, acknowledged problems), and results as events.

-- A match that the provider's readings no longer change, since a person has set it. The columns below `kickoff` are what the
-- match would be without the lock: readings go on changing these, and unlocking puts them back.
CREATE TABLE IF NOT EXISTS match_lock (
    match_id uuid PRIMARY KEY REFERENCES match (id) ON DELETE CASCADE,
    locked_at timestamp NOT NULL,
    locked_by text NOT NULL,
    note text NOT NULL DEFAULT '',
    -- What is locked: status, score and shootout; the kickoff.
    result boolean NOT NULL,
    kickoff boolean NOT NULL,
    status text NOT NULL,
    called_off text,
    home_score integer,
    away_score integer,
    home_penalties_score integer,
    away_penalties_score integer,
    date timestamp,
    went_to_extra_time boolean NOT NULL,
    awarded boolean NOT NULL,
    winner_code integer,
    tie_winner_code integer,
    provider_changed_at timestamp
);

-- Checks of a paused tournament are not worked on. No tournament: everything is paused.
CREATE TABLE IF NOT EXISTS pause (
    tournament_id uuid REFERENCES tournament (id) ON DELETE CASCADE,
    paused_at timestamp NOT NULL,
    paused_by text NOT NULL,
    note text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX IF NOT EXISTS pause_subject
    ON pause (COALESCE(tournament_id, '00000000-0000-0000-0000-000000000000'));

-- A problem that a person has seen. It is shown again when it changes: then its name is another one.
CREATE TABLE IF NOT EXISTS acknowledgement (
    item text PRIMARY KEY,
    acknowledged_at timestamp NOT NULL,
    acknowledged_by text NOT NULL,
    note text NOT NULL DEFAULT ''
);

-- The changes that an operator asked for.
CREATE INDEX IF NOT EXISTS data_provider_executions_requested
    ON data_provider_executions (started_at DESC) WHERE requested_by IS NOT NULL;

-- Results as events: a change that is one has its kind, and the state after it. The history is the outbox.
ALTER TABLE change_history ADD COLUMN IF NOT EXISTS event text;
ALTER TABLE change_history ADD COLUMN IF NOT EXISTS state jsonb;
ALTER TABLE change_history ADD COLUMN IF NOT EXISTS sent_at timestamp;
-- Whether it is still to be sent.
ALTER TABLE change_history ADD COLUMN IF NOT EXISTS unsent boolean;
CREATE INDEX IF NOT EXISTS change_history_unsent ON change_history (id) WHERE unsent;
CREATE INDEX IF NOT EXISTS change_history_milestone ON change_history (tournament_id, id) WHERE subject = 'tournament';
CREATE INDEX IF NOT EXISTS change_history_rejected ON change_history (changed_at) WHERE rejected IS NOT NULL;
CREATE INDEX IF NOT EXISTS change_history_corrections ON change_history (changed_at)
    WHERE event IN ('match-corrected', 'match-annulled');
CREATE INDEX IF NOT EXISTS scheduled_check_given_up ON scheduled_check (done_at) WHERE outcome = 'given_up';

-- Finished records whose message or report is still to be delivered: those of the desk, which have no key, are among them.
DROP INDEX IF EXISTS data_provider_executions_arrears;
CREATE INDEX IF NOT EXISTS data_provider_executions_pending ON data_provider_executions (completed_at)
    WHERE completed_at IS NOT NULL AND (notified_at IS NULL OR kept_report IS NOT NULL);

-- As before, and: which changes are events; and rows that are first stored as a result of the last days (otherwise a row's
-- first state is recorded by the row itself: nobody waits for the results of a season that is imported).
CREATE OR REPLACE FUNCTION record_change() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    was jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}' ELSE to_jsonb(OLD) END;
    became jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{}' ELSE to_jsonb(NEW) END;
    -- The row whose names are used: a deleted one has no new values.
    row_values jsonb := CASE WHEN TG_OP = 'DELETE' THEN was ELSE became END;
    tournament uuid := (row_values ->> CASE TG_ARGV[0] WHEN 'tournament' THEN 'id' ELSE 'tournament_id' END)::uuid;
    now_utc timestamp := COALESCE(NULLIF(current_setting('best_shot.changed_at', true), '')::timestamp,
                                  now() AT TIME ZONE 'UTC');
    changes jsonb;
    event text;
    state jsonb;
    applies boolean;
    other_pair boolean;
    is_known boolean;
BEGIN
    SELECT jsonb_object_agg(name, jsonb_build_array(was -> name, became -> name)) INTO changes
      FROM unnest(TG_ARGV[1:]) AS name
     WHERE COALESCE(was -> name, 'null') IS DISTINCT FROM COALESCE(became -> name, 'null');
    IF changes IS NULL THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        -- The match, or one of the tie's round, kicked off in the last days.
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.match WHERE tournament_id = $1 AND date > $2
                                          AND CASE $3 WHEN ''match'' THEN id = $4 ELSE round_slug = $5 END)', TG_TABLE_SCHEMA)
           INTO applies
          USING tournament, now_utc - interval '3 days', TG_ARGV[0], (became ->> 'id')::uuid, became ->> 'round_slug';
    ELSE
        -- A tournament that is deleted takes its rows, and their history, with it.
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.tournament WHERE id = $1)', TG_TABLE_SCHEMA)
           INTO applies USING tournament;
    END IF;
    IF NOT applies THEN
        RETURN NULL;
    END IF;
    IF TG_ARGV[0] = 'bracket' THEN
        -- Ties are numbered anew when the draw is known: then a row has another pair, whose winner may be known already.
        other_pair := (was ->> 'home_team_id', was ->> 'away_team_id')
                      IS DISTINCT FROM (became ->> 'home_team_id', became ->> 'away_team_id')
                      AND (was ->> 'away_team_id', was ->> 'home_team_id')
                          IS DISTINCT FROM (became ->> 'home_team_id', became ->> 'away_team_id');
        EXECUTE format('SELECT COALESCE((SELECT state ->> ''winner_team_id'' FROM %I.change_history
                                          WHERE tournament_id = $1 AND subject = ''bracket'' AND state IS NOT NULL
                                            AND state ->> ''round_slug'' = $2
                                            AND ((state ->> ''home_team_id'' = $3 AND state ->> ''away_team_id'' = $4)
                                                 OR (state ->> ''home_team_id'' = $4 AND state ->> ''away_team_id'' = $3))
                                          ORDER BY id DESC LIMIT 1) = $5, false)',
                       TG_TABLE_SCHEMA)
           INTO is_known
          USING tournament, became ->> 'round_slug', became ->> 'home_team_id', became ->> 'away_team_id',
                became ->> 'winner_team_id';
    END IF;
    event := CASE TG_ARGV[0]
        WHEN 'match' THEN
            CASE WHEN became ->> 'status' = 'ended' AND was ->> 'status' IS DISTINCT FROM 'ended' THEN 'match-ended'
                 WHEN was ->> 'status' = 'ended' AND became ->> 'status' IS DISTINCT FROM 'ended' THEN 'match-annulled'
                 WHEN was ->> 'status' = 'ended'
                      AND changes ?| ARRAY['home_score', 'away_score', 'home_penalties_score', 'away_penalties_score']
                      THEN 'match-corrected' END
        WHEN 'bracket' THEN
            CASE WHEN TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND other_pair)
                      THEN CASE WHEN became ->> 'winner_team_id' IS NOT NULL AND NOT is_known THEN 'tie-decided' END
                 WHEN was ->> 'winner_team_id' IS NOT DISTINCT FROM became ->> 'winner_team_id' THEN NULL
                 WHEN became ->> 'winner_team_id' IS NULL THEN 'tie-reopened'
                 WHEN was ->> 'winner_team_id' IS NULL THEN 'tie-decided'
                 ELSE 'tie-corrected' END
        WHEN 'tournament' THEN
            CASE WHEN became ->> 'status' = 'completed' THEN 'tournament-complete' END
        END;
    IF event IS NOT NULL THEN
        SELECT jsonb_object_agg(name, row_values -> name) INTO state FROM unnest(CASE TG_ARGV[0]
            WHEN 'match' THEN ARRAY['external_id', 'round_slug', 'group_name', 'home_team_id', 'away_team_id', 'date', 'status',
                'called_off', 'home_score', 'away_score', 'home_penalties_score', 'away_penalties_score']
            WHEN 'bracket' THEN ARRAY['round_slug', 'tie_number', 'home_team_id', 'away_team_id', 'winner_team_id',
                'decided_by', 'next_round_slug']
            ELSE ARRAY['status'] END) AS name;
    END IF;
    EXECUTE format('INSERT INTO %I.change_history (changed_at, tournament_id, subject, match_id, part, changes, execution_id,
                                                   event, state, unsent)
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)', TG_TABLE_SCHEMA)
      USING now_utc, tournament, TG_ARGV[0],
            CASE TG_ARGV[0] WHEN 'match' THEN (row_values ->> 'id')::uuid END,
            CASE TG_ARGV[0]
                WHEN 'standings' THEN concat_ws(', ', NULLIF(row_values ->> 'group_name', ''), row_values ->> 'long_name')
                WHEN 'bracket' THEN concat_ws(', ', row_values ->> 'round_slug', row_values ->> 'tie_number')
                WHEN 'tournament' THEN 'status'
                ELSE row_values ->> 'external_id' END,
            changes,
            NULLIF(current_setting('best_shot.execution_id', true), '')::uuid,
            event, state, CASE WHEN event IS NOT NULL THEN true END;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION record_change() FROM PUBLIC;

DROP TRIGGER IF EXISTS match_first_result ON match;
CREATE TRIGGER match_first_result
    AFTER INSERT ON match FOR EACH ROW WHEN (NEW.status = 'ended')
    EXECUTE FUNCTION record_change('match', 'home_score', 'away_score', 'home_penalties_score', 'away_penalties_score',
        'status');

DROP TRIGGER IF EXISTS tournament_bracket_first_winner ON tournament_bracket;
CREATE TRIGGER tournament_bracket_first_winner
    AFTER INSERT ON tournament_bracket FOR EACH ROW WHEN (NEW.winner_team_id IS NOT NULL)
    EXECUTE FUNCTION record_change('bracket', 'home_team_id', 'away_team_id', 'winner_team_id', 'decided_by');

DROP TRIGGER IF EXISTS tournament_completed ON tournament;
CREATE TRIGGER tournament_completed
    AFTER UPDATE OF status ON tournament FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status AND (NEW.status = 'completed' OR OLD.status = 'completed'))
    EXECUTE FUNCTION record_change('tournament', 'status');

-- The roles of deploy/roles.sql, where they exist: the new code needs its tables as soon as it is deployed.
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'best_shot_pipeline') THEN
        GRANT SELECT ON pause TO best_shot_pipeline;
        GRANT SELECT, UPDATE ON match_lock TO best_shot_pipeline;
    END IF;
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'best_shot_desk') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON match_lock, pause, acknowledgement TO best_shot_desk;
        GRANT INSERT ON change_history TO best_shot_desk;
        GRANT INSERT, UPDATE ON scheduled_check TO best_shot_desk;
        GRANT UPDATE (status, called_off, home_score, away_score, home_penalties_score, away_penalties_score, date,
                      went_to_extra_time, awarded, winner_code, tie_winner_code, provider_changed_at, doubted_score, updated_at)
            ON match TO best_shot_desk;
    END IF;
END $$;
