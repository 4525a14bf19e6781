-- A tournament may be read from several providers. Its rows keep the ids of the provider that it was created under; what
-- another one calls the season, a team and a match is an alias.
ALTER TABLE tournament
    -- Who is asked first; none: the provider that it was created under.
    ADD COLUMN IF NOT EXISTS asked_provider text,
    -- Who is asked while that one refuses; none: nobody.
    ADD COLUMN IF NOT EXISTS stand_in_provider text;

-- The season at another provider.
CREATE TABLE IF NOT EXISTS tournament_alias (
    tournament_id uuid NOT NULL REFERENCES tournament (id) ON DELETE CASCADE,
    provider text NOT NULL,
    base_url text NOT NULL,
    PRIMARY KEY (tournament_id, provider)
);

-- A team at another provider. Without `team_id` it is not known which of our teams it is: a person says so.
CREATE TABLE IF NOT EXISTS team_alias (
    provider text NOT NULL,
    external_id text NOT NULL,
    -- The provider whose id our team has.
    of_provider text NOT NULL,
    team_id uuid REFERENCES team (id) ON DELETE CASCADE,
    name text NOT NULL,
    short_name text,
    -- Where it was last asked for; none: that tournament is deleted.
    tournament_id uuid REFERENCES tournament (id) ON DELETE SET NULL,
    created_at timestamp NOT NULL,
    -- Who said so; none: it has the same name.
    decided_by text,
    PRIMARY KEY (provider, external_id, of_provider)
);
-- No two teams of a provider are one of ours.
CREATE UNIQUE INDEX IF NOT EXISTS team_alias_team ON team_alias (provider, of_provider, team_id);
CREATE INDEX IF NOT EXISTS team_alias_unknown ON team_alias (tournament_id) WHERE team_id IS NULL;

-- A match at another provider, and what that one last said of it.
CREATE TABLE IF NOT EXISTS match_alias (
    provider text NOT NULL,
    external_id text NOT NULL,
    match_id uuid NOT NULL REFERENCES match (id) ON DELETE CASCADE,
    status text NOT NULL,
    home_score integer,
    away_score integer,
    home_penalties_score integer,
    away_penalties_score integer,
    date timestamp,
    read_at timestamp NOT NULL,
    PRIMARY KEY (provider, external_id)
);
CREATE INDEX IF NOT EXISTS match_alias_match ON match_alias (match_id);
CREATE INDEX IF NOT EXISTS match_alias_date ON match_alias (date);

-- The roles of deploy/roles.sql, where they exist: the new code needs its tables as soon as it is deployed.
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'best_shot_pipeline') THEN
        GRANT SELECT ON tournament_alias TO best_shot_pipeline;
        GRANT SELECT, INSERT, UPDATE ON team_alias, match_alias TO best_shot_pipeline;
    END IF;
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'best_shot_desk') THEN
        GRANT SELECT, INSERT, UPDATE ON tournament_alias TO best_shot_desk;
        GRANT SELECT, UPDATE (team_id, decided_by) ON team_alias TO best_shot_desk;
        GRANT SELECT, DELETE ON match_alias TO best_shot_desk;
        GRANT INSERT ON team TO best_shot_desk;
    END IF;
END $$;
