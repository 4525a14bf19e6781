-- Open matches by kickoff. The predicate is that of `store::matches::OPEN`, which every statement asks with: an index on
-- `status = 'open'` alone is not used by them.
DROP INDEX IF EXISTS match_open_by_date;
CREATE INDEX match_open_by_date ON match (date)
 WHERE status = 'open' OR (status NOT IN ('ended', 'not-defined') AND scoreboard_applied_at IS NULL);
