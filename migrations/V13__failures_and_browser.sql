-- Whether an execution needed a browser, in a column of its own: an index on a part of `summary` makes every note of
-- progress write to all indexes of the table. The version before asks without the index, which is slower and right.
ALTER TABLE data_provider_executions ADD COLUMN IF NOT EXISTS used_browser boolean NOT NULL DEFAULT false;
UPDATE data_provider_executions SET used_browser = true WHERE summary ? 'browser' AND NOT used_browser;
DROP INDEX IF EXISTS data_provider_executions_browser;
CREATE INDEX IF NOT EXISTS data_provider_executions_used_browser
    ON data_provider_executions (started_at DESC) WHERE used_browser;

-- How often a check's executions failed, whichever of them it was.
ALTER TABLE scheduled_check ADD COLUMN IF NOT EXISTS failures integer NOT NULL DEFAULT 0;
