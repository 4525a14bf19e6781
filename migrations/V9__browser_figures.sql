-- The last execution that needed a browser: the desk's health tells how it fared. Without this every look would read
-- back through all executions that needed none.
CREATE INDEX IF NOT EXISTS data_provider_executions_browser
    ON data_provider_executions (started_at DESC) WHERE summary ? 'browser';
