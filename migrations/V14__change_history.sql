-- Why is it so: every change of a match, a row of a table and a tie, kept in the transaction that makes it. Triggers
-- write it, so that no way of writing can leave a change out, the application's own included. What was not taken from
-- the provider is written by the pipeline.
CREATE TABLE IF NOT EXISTS change_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    changed_at timestamp NOT NULL,
    tournament_id uuid NOT NULL REFERENCES tournament (id) ON DELETE CASCADE,
    -- match, standings, bracket
    subject text NOT NULL,
    -- The match; none for a row of a table and a tie.
    match_id uuid REFERENCES match (id) ON DELETE CASCADE,
    -- Which row: `Group A, Oak` of a table, `final, 1` of a bracket.
    part text,
    -- By column: what it was and what it became, as {"home_score": [0, 1]}.
    changes jsonb NOT NULL,
    -- Why it was not taken; none: it was.
    refused text,
    -- The run that made it; none: somebody else.
    execution_id uuid,
    -- The person who made it, at the operator's desk.
    changed_by text
);

CREATE INDEX IF NOT EXISTS change_history_match ON change_history (match_id, id) WHERE match_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS change_history_tournament ON change_history (tournament_id, id);
CREATE INDEX IF NOT EXISTS change_history_changed_at ON change_history (changed_at);

-- Arguments: the subject, then the columns whose changes are kept. As the tables' owner: the application's role may write
-- its tables without knowing of this one.
CREATE OR REPLACE FUNCTION keep_change_history() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    was jsonb := to_jsonb(OLD);
    became jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{}' ELSE to_jsonb(NEW) END;
    changes jsonb;
BEGIN
    SELECT jsonb_object_agg(name, jsonb_build_array(was -> name, became -> name)) INTO changes
      FROM unnest(TG_ARGV[1:]) AS name
     WHERE was -> name IS DISTINCT FROM became -> name;
    IF changes IS NOT NULL THEN
        INSERT INTO change_history (changed_at, tournament_id, subject, match_id, part, changes, execution_id, changed_by)
        VALUES (COALESCE(NULLIF(current_setting('best_shot.changed_at', true), '')::timestamp,
                         now() AT TIME ZONE 'UTC'),
                OLD.tournament_id, TG_ARGV[0],
                CASE TG_ARGV[0] WHEN 'match' THEN (was ->> 'id')::uuid END,
                CASE TG_ARGV[0]
                    WHEN 'standings' THEN concat_ws(', ', NULLIF(was ->> 'group_name', ''), was ->> 'long_name')
                    WHEN 'bracket' THEN concat_ws(', ', was ->> 'round_slug', was ->> 'tie_number') END,
                changes,
                NULLIF(current_setting('best_shot.execution_id', true), '')::uuid,
                NULLIF(current_setting('best_shot.changed_by', true), ''));
    END IF;
    RETURN NULL;
END $$;

-- Of an update that touches other columns (the application scores guesses) the trigger is not even called.
DROP TRIGGER IF EXISTS match_history ON match;
CREATE TRIGGER match_history
    AFTER UPDATE OF round_slug, group_name, external_home_team_id, external_away_team_id, home_score, away_score,
        home_penalties_score, away_penalties_score, date, status, called_off, awarded, winner_code, tie_winner_code
    ON match FOR EACH ROW EXECUTE FUNCTION keep_change_history('match', 'round_slug', 'group_name',
        'external_home_team_id', 'external_away_team_id', 'home_score', 'away_score', 'home_penalties_score',
        'away_penalties_score', 'date', 'status', 'called_off', 'awarded', 'winner_code', 'tie_winner_code');

DROP TRIGGER IF EXISTS tournament_standings_history ON tournament_standings;
CREATE TRIGGER tournament_standings_history
    AFTER UPDATE OF "order", points, games, wins, draws, losses, goals_for, goals_against OR DELETE
    ON tournament_standings FOR EACH ROW EXECUTE FUNCTION keep_change_history('standings', 'order', 'points', 'games',
        'wins', 'draws', 'losses', 'goals_for', 'goals_against');

DROP TRIGGER IF EXISTS tournament_bracket_history ON tournament_bracket;
CREATE TRIGGER tournament_bracket_history
    AFTER UPDATE OF home_team_id, home_slot, away_team_id, away_slot, home_aggregate, away_aggregate, winner_team_id,
        decided_by OR DELETE
    ON tournament_bracket FOR EACH ROW EXECUTE FUNCTION keep_change_history('bracket', 'home_team_id', 'home_slot',
        'away_team_id', 'away_slot', 'home_aggregate', 'away_aggregate', 'winner_team_id', 'decided_by');
