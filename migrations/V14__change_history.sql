-- The history: what changes of a match, a row of a table and a tie, recorded in the transaction that changes it. Triggers
-- record it, so that no way of writing can leave a change out, the application's own included. A row's first state is
-- recorded by the row itself. What was read from the provider and rejected is recorded by the pipeline.
CREATE TABLE IF NOT EXISTS change_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    changed_at timestamp NOT NULL,
    tournament_id uuid NOT NULL REFERENCES tournament (id) ON DELETE CASCADE,
    -- match, standings, bracket
    subject text NOT NULL,
    -- The match; none for a row of a table and a tie. No reference: the history of a deleted match stays.
    match_id uuid,
    -- Which row: the provider's id of a match, `Group A, Oak` of a table, `final, 1` of a bracket.
    part text NOT NULL,
    -- By column: what it was and what it became, as {"home_score": [0, 1]}. What it became is null where the row was deleted.
    changes jsonb NOT NULL,
    -- Why a reading was rejected; none: this is a change that was made.
    rejected text,
    -- The run that changed it; none: it was changed outside the pipeline.
    execution_id uuid
);

CREATE INDEX IF NOT EXISTS change_history_match ON change_history (match_id, id) WHERE match_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS change_history_tournament ON change_history (tournament_id, id);
CREATE INDEX IF NOT EXISTS change_history_changed_at ON change_history (changed_at);

-- Arguments: the subject, then the columns whose changes are recorded. It runs as the tables' owner, since the application's
-- role may write its tables without knowing of this one. So it takes nothing from a caller's schemas: the path is fixed, and
-- the tables are those of the schema that the trigger's table is in.
CREATE OR REPLACE FUNCTION record_change() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    was jsonb := to_jsonb(OLD);
    became jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{}' ELSE to_jsonb(NEW) END;
    changes jsonb;
    tournament_exists boolean;
BEGIN
    SELECT jsonb_object_agg(name, jsonb_build_array(was -> name, became -> name)) INTO changes
      FROM unnest(TG_ARGV[1:]) AS name
     WHERE was -> name IS DISTINCT FROM became -> name;
    IF changes IS NULL THEN
        RETURN NULL;
    END IF;
    -- A tournament that is deleted takes its rows, and their history, with it.
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.tournament WHERE id = $1)', TG_TABLE_SCHEMA)
       INTO tournament_exists USING OLD.tournament_id;
    IF NOT tournament_exists THEN
        RETURN NULL;
    END IF;
    EXECUTE format('INSERT INTO %I.change_history (changed_at, tournament_id, subject, match_id, part, changes, execution_id)
                    VALUES ($1, $2, $3, $4, $5, $6, $7)', TG_TABLE_SCHEMA)
      USING COALESCE(NULLIF(current_setting('best_shot.changed_at', true), '')::timestamp, now() AT TIME ZONE 'UTC'),
            OLD.tournament_id, TG_ARGV[0],
            CASE TG_ARGV[0] WHEN 'match' THEN (was ->> 'id')::uuid END,
            CASE TG_ARGV[0]
                WHEN 'standings' THEN concat_ws(', ', NULLIF(was ->> 'group_name', ''), was ->> 'long_name')
                WHEN 'bracket' THEN concat_ws(', ', was ->> 'round_slug', was ->> 'tie_number')
                ELSE was ->> 'external_id' END,
            changes,
            NULLIF(current_setting('best_shot.execution_id', true), '')::uuid;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION record_change() FROM PUBLIC;

-- Of an update that touches other columns (the application scores guesses) the trigger is not even called.
DROP TRIGGER IF EXISTS match_history ON match;
CREATE TRIGGER match_history
    AFTER UPDATE OF round_slug, group_name, external_home_team_id, external_away_team_id, home_score, away_score,
        home_penalties_score, away_penalties_score, date, status, called_off, awarded, winner_code, tie_winner_code
        OR DELETE
    ON match FOR EACH ROW EXECUTE FUNCTION record_change('match', 'round_slug', 'group_name',
        'external_home_team_id', 'external_away_team_id', 'home_score', 'away_score', 'home_penalties_score',
        'away_penalties_score', 'date', 'status', 'called_off', 'awarded', 'winner_code', 'tie_winner_code');

DROP TRIGGER IF EXISTS tournament_standings_history ON tournament_standings;
CREATE TRIGGER tournament_standings_history
    AFTER UPDATE OF "order", points, games, wins, draws, losses, goals_for, goals_against OR DELETE
    ON tournament_standings FOR EACH ROW EXECUTE FUNCTION record_change('standings', 'order', 'points', 'games',
        'wins', 'draws', 'losses', 'goals_for', 'goals_against');

DROP TRIGGER IF EXISTS tournament_bracket_history ON tournament_bracket;
CREATE TRIGGER tournament_bracket_history
    AFTER UPDATE OF home_team_id, home_slot, away_team_id, away_slot, home_aggregate, away_aggregate, winner_team_id,
        decided_by OR DELETE
    ON tournament_bracket FOR EACH ROW EXECUTE FUNCTION record_change('bracket', 'home_team_id', 'home_slot',
        'away_team_id', 'away_slot', 'home_aggregate', 'away_aggregate', 'winner_team_id', 'decided_by');
