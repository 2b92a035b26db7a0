-- :name ours
-- Lock the runs that are still this worker's own. (worker_id, run_id) is the fence, and the primary key of the table: a
-- run that was taken back from the worker is no longer here under that key.
SELECT running.run_id, running.job_id, running.unique_key
  FROM JSON_TABLE(CONVERT(:ended USING utf8mb4), '$[*]' COLUMNS (
           run_id BIGINT PATH '$.run_id')) AS ended
  STRAIGHT_JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = ended.run_id
   FOR UPDATE /*!80001 OF running */

-- :name archive
-- This fails if an id was given to two jobs, or if a value does not fit its column: the worker then finds out which row
-- it is, and settles that one separately; see `namesakes.sql`.
INSERT INTO proletarian_archived_job (:KEPT, attempts, process_at, lost, errors,
        status, started_at, finished_at, worker, result)
SELECT :KEPT, ended.attempts, running.process_at, ended.lost, COALESCE(ended.errors, running.errors),
       ended.status, running.started_at, COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6)), :worker, ended.result
  FROM JSON_TABLE(CONVERT(:ended USING utf8mb4), '$[*]' COLUMNS (
           run_id   BIGINT      PATH '$.run_id',
           status   VARCHAR(16) PATH '$.status',
           attempts INT         PATH '$.attempts',
           lost     SMALLINT    PATH '$.lost',
           errors   LONGTEXT CHARACTER SET utf8mb4 PATH '$.errors',
           result   LONGTEXT CHARACTER SET utf8mb4 PATH '$.result')) AS ended
  STRAIGHT_JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = ended.run_id
 WHERE ended.status IS NOT NULL

-- :name put_back
-- A job of an ordered lane keeps its place while it waits to be retried: `retry_in` instead of `delay`.
INSERT INTO proletarian_job (:KEPT, attempts, process_at, lost, errors, suspect, retry_at)
SELECT :KEPT, ended.attempts,
       COALESCE(COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6))
                + INTERVAL CAST(ended.delay * 1000000 AS SIGNED) MICROSECOND, running.process_at),
       ended.lost, COALESCE(ended.errors, running.errors), COALESCE(ended.suspect, 0),
       COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6)) + INTERVAL CAST(ended.retry_in * 1000000 AS SIGNED) MICROSECOND
  FROM JSON_TABLE(CONVERT(:ended USING utf8mb4), '$[*]' COLUMNS (
           run_id   BIGINT      PATH '$.run_id',
           status   VARCHAR(16) PATH '$.status',
           attempts INT         PATH '$.attempts',
           lost     SMALLINT    PATH '$.lost',
           suspect  SMALLINT    PATH '$.suspect',
           delay    DOUBLE      PATH '$.delay',
           retry_in DOUBLE      PATH '$.retry_in',
           errors   LONGTEXT CHARACTER SET utf8mb4 PATH '$.errors')) AS ended
  STRAIGHT_JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = ended.run_id
 WHERE ended.status IS NULL

-- :name end
DELETE running
  FROM JSON_TABLE(CONVERT(:ended USING utf8mb4), '$[*]' COLUMNS (
           run_id BIGINT PATH '$.run_id')) AS ended
  STRAIGHT_JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = ended.run_id

-- :name undecided
-- Is a run that was completed in its handler's own transaction still here? If its row is here but locked, that
-- transaction is still open.
SELECT running.run_id
  FROM JSON_TABLE(CONVERT(:run_ids USING utf8mb4), '$[*]' COLUMNS (
           run_id BIGINT PATH '$.run_id')) AS ended
  STRAIGHT_JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = ended.run_id

-- :name rolled_back
SELECT running.run_id
  FROM JSON_TABLE(CONVERT(:run_ids USING utf8mb4), '$[*]' COLUMNS (
           run_id BIGINT PATH '$.run_id')) AS ended
  STRAIGHT_JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = ended.run_id
   FOR UPDATE /*!80001 OF running */ SKIP LOCKED
