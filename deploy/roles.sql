-- Database roles for the three kinds of function, each with no more than it needs. Run by the tables' owner, who may create
-- roles, after the first deployment and before the roles' secrets are made:
--   psql --set ON_ERROR_STOP=1 --single-transaction --file deploy/roles.sql "$OWNER_URL"
--
--   the owner            migrations (MigrateSecretArn)
--   best_shot_pipeline   the functions that work for the provider (SecretArn)
--   best_shot_desk       the operator's API (DeskSecretArn)
--
-- Give both a password afterwards: ALTER ROLE best_shot_pipeline PASSWORD '…'. Neither may change a table's definition, or read
-- anything of the application's but the tables that the pipeline fills. A migration that adds a table grants what
-- is needed to roles of these names. This can be run again: what is granted already stays.

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['best_shot_pipeline', 'best_shot_desk'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', role);
        END IF;
    END LOOP;
END $$;

GRANT USAGE ON SCHEMA public TO best_shot_pipeline, best_shot_desk;

-- The pipeline fills these. It deletes rows of tables and brackets, and old changes.
GRANT SELECT, INSERT, UPDATE ON
    tournament, tournament_round, team, match, tournament_standings, tournament_bracket,
    data_provider_executions, scheduled_check, provider_pace, provider_circuit, change_history
    TO best_shot_pipeline;
GRANT DELETE ON tournament_standings, tournament_bracket, change_history TO best_shot_pipeline;

-- It reads what the operator decided, and keeps the provider's word beside a lock.
GRANT SELECT ON pause TO best_shot_pipeline;
GRANT SELECT, UPDATE ON match_lock TO best_shot_pipeline;

-- It learns what other providers call teams and matches; which provider is asked is the operator's.
GRANT SELECT ON tournament_alias TO best_shot_pipeline;
GRANT SELECT, INSERT, UPDATE ON team_alias, match_alias TO best_shot_pipeline;

-- The desk shows all of them. It inserts executions, and changes a tournament's settings and the provider's circuit.
GRANT SELECT ON
    tournament, tournament_round, team, match, tournament_standings, tournament_bracket,
    data_provider_executions, scheduled_check, provider_pace, provider_circuit, change_history
    TO best_shot_desk;
GRANT INSERT, UPDATE ON data_provider_executions TO best_shot_desk;
GRANT UPDATE ON tournament, provider_circuit TO best_shot_desk;

-- What the operator decides. Of a match it changes what a lock may hold, and records that in the history.
GRANT SELECT, INSERT, UPDATE, DELETE ON match_lock, pause, acknowledgement TO best_shot_desk;
GRANT UPDATE (status, called_off, home_score, away_score, home_penalties_score, away_penalties_score, date,
              went_to_extra_time, awarded, winner_code, tie_winner_code, provider_changed_at, doubted_score, updated_at)
    ON match TO best_shot_desk;
GRANT INSERT ON change_history TO best_shot_desk;
GRANT INSERT, UPDATE ON scheduled_check TO best_shot_desk;

-- Who is asked for a tournament, and which team another provider means, where its name does not tell.
GRANT SELECT, INSERT, UPDATE ON tournament_alias TO best_shot_desk;
GRANT SELECT, UPDATE (team_id, decided_by) ON team_alias TO best_shot_desk;
GRANT SELECT, DELETE ON match_alias TO best_shot_desk;
GRANT INSERT ON team TO best_shot_desk;
