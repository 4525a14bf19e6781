-- What the operator's desk asks of the pipeline and shows of it.

ALTER TABLE data_provider_executions
    -- The event that brought the work, so that it can be sent again; null where it was not kept.
    ADD COLUMN IF NOT EXISTS event jsonb,
    -- Who asked, where it was a person.
    ADD COLUMN IF NOT EXISTS requested_by text;

CREATE INDEX IF NOT EXISTS data_provider_executions_request ON data_provider_executions (request_id);
CREATE INDEX IF NOT EXISTS data_provider_executions_tournament
    ON data_provider_executions (tournament_id, started_at DESC);
CREATE INDEX IF NOT EXISTS data_provider_executions_operation
    ON data_provider_executions (operation_type, started_at DESC);
CREATE INDEX IF NOT EXISTS data_provider_executions_running
    ON data_provider_executions (started_at) WHERE status = 'in_progress';
CREATE INDEX IF NOT EXISTS match_by_date ON match (date);
