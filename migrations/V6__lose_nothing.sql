-- What it takes to lose nothing while provider, S3 or Slack are away.

-- Whether a provider is asked at all: one that refuses is left alone for hours.
CREATE TABLE IF NOT EXISTS provider_circuit (
    provider text PRIMARY KEY,
    -- `half-open`: one run is trying whether it answers again.
    state text NOT NULL DEFAULT 'closed' CHECK (state IN ('closed', 'open', 'half-open')),
    -- Why it was opened, and when; kept when it closes, for the notice.
    reason text NOT NULL DEFAULT '',
    opened_at timestamp,
    -- Before this nobody asks; after it one run may try.
    retry_at timestamp,
    -- Refusals in a row: each makes the wait longer.
    refusals integer NOT NULL DEFAULT 0,
    -- A message that is still to be sent, and until when somebody is at it.
    notice_owed text CHECK (notice_owed IN ('opened', 'closed')),
    notice_claimed_until timestamp
);

ALTER TABLE provider_pace
    -- Somebody's request is under way; a run that died with it holds up the others no longer than this.
    ADD COLUMN IF NOT EXISTS asking_until timestamp,
    ADD COLUMN IF NOT EXISTS asking uuid;

ALTER TABLE data_provider_executions
    -- A report that S3 did not take, rendered: {"json", "md", "html"}. The next run stores it.
    ADD COLUMN IF NOT EXISTS kept_report jsonb,
    -- The X-Ray trace of the attempt.
    ADD COLUMN IF NOT EXISTS trace_id text;

-- Finished records that still owe their notice or their report.
CREATE INDEX IF NOT EXISTS data_provider_executions_arrears ON data_provider_executions (completed_at)
    WHERE idempotency_key IS NOT NULL AND completed_at IS NOT NULL
      AND (notified_at IS NULL OR kept_report IS NOT NULL);
