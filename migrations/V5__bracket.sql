-- What a knockout match says of its tie, and the bracket that the ties make.

ALTER TABLE match
    ADD COLUMN IF NOT EXISTS went_to_extra_time boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS awarded boolean NOT NULL DEFAULT false,
    -- The provider's winner of the match and of the tie: 1 home, 2 away, 3 neither.
    ADD COLUMN IF NOT EXISTS winner_code integer,
    ADD COLUMN IF NOT EXISTS tie_winner_code integer,
    ADD COLUMN IF NOT EXISTS previous_leg_external_id text,
    -- How many legs the provider says the tie has.
    ADD COLUMN IF NOT EXISTS tie_legs integer;

ALTER TABLE tournament
    -- The provider's cup trees as last read.
    ADD COLUMN IF NOT EXISTS cup_trees jsonb NOT NULL DEFAULT '[]';

-- One row a tie. A side is a team, or the name of the place that is still to be reached.
CREATE TABLE IF NOT EXISTS tournament_bracket (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tournament_id uuid NOT NULL REFERENCES tournament (id) ON DELETE CASCADE,
    round_slug text NOT NULL,
    tie_number integer NOT NULL,
    home_team_id uuid REFERENCES team (id),
    home_slot text,
    away_team_id uuid REFERENCES team (id),
    away_slot text,
    -- The provider's ids of its matches, by kickoff.
    match_external_ids text[] NOT NULL DEFAULT '{}',
    home_aggregate integer,
    away_aggregate integer,
    winner_team_id uuid REFERENCES team (id),
    decided_by text,
    -- The slot that the winner goes to.
    next_round_slug text,
    next_tie_number integer,
    next_side text,
    created_at timestamp NOT NULL DEFAULT now(),
    updated_at timestamp NOT NULL DEFAULT now(),
    UNIQUE (tournament_id, round_slug, tie_number)
);
