-- The application's tables, as the application declares them. On a database of the application they are there
-- already and stay as they are; on an empty one they are created. Timestamps hold UTC.

CREATE TABLE IF NOT EXISTS tournament (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    external_id text NOT NULL,
    base_url text NOT NULL,
    public_url text,
    slug text NOT NULL DEFAULT '',
    provider text NOT NULL,
    season text NOT NULL,
    current_round text,
    mode text NOT NULL,
    standings_mode text NOT NULL DEFAULT 'unique-group',
    label text NOT NULL,
    logo text NOT NULL DEFAULT '',
    status text NOT NULL DEFAULT 'active',
    deleted_at timestamp,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now(),
    UNIQUE (external_id, slug)
);

CREATE TABLE IF NOT EXISTS tournament_round (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tournament_id uuid NOT NULL REFERENCES tournament (id) ON DELETE CASCADE,
    "order" integer NOT NULL,
    label text NOT NULL,
    slug text NOT NULL,
    knockout_id text NOT NULL DEFAULT '',
    prefix text NOT NULL DEFAULT '',
    provider_url text NOT NULL,
    provider_id text NOT NULL,
    type text NOT NULL,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now(),
    UNIQUE (tournament_id, slug)
);

CREATE TABLE IF NOT EXISTS team (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL,
    external_id text NOT NULL,
    short_name text,
    badge text NOT NULL,
    provider text NOT NULL,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now(),
    UNIQUE (provider, external_id)
);

CREATE TABLE IF NOT EXISTS match (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    external_id text NOT NULL,
    provider text NOT NULL,
    tournament_id uuid NOT NULL REFERENCES tournament (id) ON DELETE CASCADE,
    round_slug text NOT NULL,
    home_team_id uuid NOT NULL REFERENCES team (id),
    external_home_team_id text NOT NULL,
    home_score integer,
    home_penalties_score integer,
    away_team_id uuid NOT NULL REFERENCES team (id),
    external_away_team_id text NOT NULL,
    away_score integer,
    away_penalties_score integer,
    date timestamp,
    time text,
    stadium text,
    tournament_match text,
    status text NOT NULL,
    last_checked_at timestamp,
    scoreboard_applied_at timestamp,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now(),
    UNIQUE (external_id, provider)
);

CREATE TABLE IF NOT EXISTS tournament_standings (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    team_id uuid NOT NULL REFERENCES team (id),
    team_external_id text NOT NULL,
    tournament_id uuid NOT NULL REFERENCES tournament (id) ON DELETE CASCADE,
    "order" integer NOT NULL,
    group_name text NOT NULL DEFAULT '',
    short_name text NOT NULL,
    long_name text NOT NULL,
    points integer NOT NULL DEFAULT 0,
    games integer NOT NULL DEFAULT 0,
    wins integer NOT NULL DEFAULT 0,
    draws integer NOT NULL DEFAULT 0,
    losses integer NOT NULL DEFAULT 0,
    goals_for integer NOT NULL DEFAULT 0,
    goals_against integer NOT NULL DEFAULT 0,
    goal_difference integer NOT NULL DEFAULT 0,
    form text[] NOT NULL DEFAULT '{}',
    provider text NOT NULL,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS data_provider_executions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    request_id uuid NOT NULL,
    tournament_id uuid REFERENCES tournament (id),
    match_id uuid REFERENCES match (id),
    operation_type text NOT NULL,
    status text NOT NULL,
    started_at timestamp NOT NULL DEFAULT now(),
    completed_at timestamp,
    duration integer,
    report_file_url text,
    report_file_key text,
    summary jsonb,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now()
);
