-- What is due. A check is one look at the provider; a one-time schedule (an alarm) wakes a function, which takes all of
-- its checks that are due. A row is written in the transaction that gives its reason, and kept when it is over: the table
-- is the log of scheduling.
CREATE TABLE IF NOT EXISTS scheduled_check (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    -- The idempotency key that its first execution claims.
    key text NOT NULL UNIQUE,
    function text NOT NULL,
    kind text NOT NULL,
    -- None: the daily routine's own.
    tournament_id uuid REFERENCES tournament (id) ON DELETE CASCADE,
    round_slug text,
    kickoff timestamp,
    -- A retry: when the first attempt was made.
    retrying_since timestamp,
    due_at timestamp NOT NULL,
    -- The execution that created it.
    created_by uuid,
    created_at timestamp NOT NULL,
    -- When its alarm was set.
    alarm_set timestamp,
    done_at timestamp,
    -- done, covered (by a check of the same subject), cancelled, given_up
    outcome text
);

CREATE INDEX IF NOT EXISTS scheduled_check_open ON scheduled_check (function, due_at) WHERE done_at IS NULL;
CREATE INDEX IF NOT EXISTS scheduled_check_due ON scheduled_check (due_at);
CREATE INDEX IF NOT EXISTS scheduled_check_tournament ON scheduled_check (tournament_id, kind);
