-- A row of the application's that holds a status of an older vocabulary must stay writable: a CHECK, NOT VALID or not,
-- is asked at every update of the row, and so kept the application from setting as little as a stadium. What must not
-- come in is a status that is new *and* unknown: a trigger can tell, a CHECK can't.

CREATE OR REPLACE FUNCTION refuse_unknown_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status = ANY (TG_ARGV) OR (TG_OP = 'UPDATE' AND NEW.status IS NOT DISTINCT FROM OLD.status) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '%.status can''t become %: it must be one of %',
            TG_TABLE_NAME, quote_nullable(left(NEW.status, 60)), array_to_string(TG_ARGV, ', ')
        USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'status', CONSTRAINT = TG_NAME;
END $$;

ALTER TABLE match DROP CONSTRAINT IF EXISTS match_status_known;
CREATE TRIGGER match_status_known BEFORE INSERT OR UPDATE OF status ON match
    FOR EACH ROW EXECUTE FUNCTION refuse_unknown_status('open', 'ended', 'not-defined');

ALTER TABLE data_provider_executions DROP CONSTRAINT IF EXISTS data_provider_executions_status_known;
CREATE TRIGGER data_provider_executions_status_known
    BEFORE INSERT OR UPDATE OF status ON data_provider_executions
    FOR EACH ROW EXECUTE FUNCTION refuse_unknown_status('in_progress', 'completed', 'partial_failure', 'failed');

-- The pipeline's own INSERTs name no id. An application that makes its ids itself may have declared no default.
DO $$
DECLARE
    bare regclass;
BEGIN
    FOR bare IN
        SELECT attrelid::regclass FROM pg_attribute
         WHERE attrelid IN ('tournament'::regclass, 'tournament_round'::regclass, 'team'::regclass, 'match'::regclass,
                            'tournament_standings'::regclass, 'data_provider_executions'::regclass)
           AND attname = 'id' AND NOT atthasdef
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN id SET DEFAULT gen_random_uuid()', bare);
    END LOOP;
END $$;
