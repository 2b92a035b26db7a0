-- :name succeed
-- Archive runs that succeeded and have nothing else to record: the common case, and the short one. (worker_id, run_id)
-- is the fence, and the primary key of the table: a run that was taken back from this worker is no longer there under
-- that key, and nothing happens to it. OFFSET 0 makes the planner look up each run by that key, one by one: with the
-- statistics of a table that empties and fills within a second, it was seen to read the whole table for each run.
WITH ended AS (
DELETE FROM proletarian.running_job AS running
 WHERE running.ctid = ANY (ARRAY(
       SELECT own.address
         FROM unnest(CAST(CAST(:run_ids AS text) AS bigint[])) AS ended(run_id),
              LATERAL (SELECT mine.ctid AS address
                         FROM proletarian.running_job AS mine
                        WHERE mine.worker_id = :worker_id AND mine.run_id = ended.run_id
                       OFFSET 0) AS own))
RETURNING running.*),
archived AS (
INSERT INTO proletarian.archived_job (:KEPT, attempts, process_at, lost, errors,
        status, started_at, finished_at, worker)
SELECT :KEPT, attempts + 1, process_at, lost, errors,
       'success', started_at, coalesce(CAST(:now AS timestamptz), clock_timestamp()), :worker
  FROM ended)
SELECT run_id FROM ended

-- :name settle
-- Archive runs, or put them back to wait, each according to its outcome, with the same fence. The outcomes are passed
-- as one JSON object keyed by run_id: a lookup costs the same under every plan, while a join of two unknown sizes was
-- seen to go quadratic. A job of an ordered lane keeps its place while it waits to be retried: `retry_in` instead of
-- `delay`. The statement fails if an id was given to two jobs, or if a value does not fit its column: the worker then
-- finds out which row it is, and settles that one separately; see `namesakes.sql`.
WITH ended AS (
DELETE FROM proletarian.running_job AS running
 WHERE running.ctid = ANY (ARRAY(
       SELECT own.address
         FROM unnest(CAST(CAST(:run_ids AS text) AS bigint[])) AS ended(run_id),
              LATERAL (SELECT mine.ctid AS address
                         FROM proletarian.running_job AS mine
                        WHERE mine.worker_id = :worker_id AND mine.run_id = ended.run_id
                       OFFSET 0) AS own))
RETURNING running.*, CAST(:outcomes AS jsonb) -> CAST(running.run_id AS text) AS outcome),
said AS (
SELECT ended.*, t,
       outcome ->> 'status' AS status,
       CAST(outcome ->> 'attempts' AS int) AS new_attempts,
       CAST(outcome ->> 'lost' AS smallint) AS new_lost,
       coalesce(CAST(outcome ->> 'suspect' AS smallint), 0) AS new_suspect,
       CAST(outcome ->> 'delay' AS float8) AS delay,
       CAST(outcome ->> 'retry_in' AS float8) AS retry_in,
       coalesce(outcome ->> 'errors', errors) AS new_errors,
       outcome ->> 'result' AS result
  FROM ended, (SELECT coalesce(CAST(:now AS timestamptz), clock_timestamp())) AS clock(t)),
archived AS (
INSERT INTO proletarian.archived_job (:KEPT, attempts, process_at, lost, errors,
        status, started_at, finished_at, worker, result)
SELECT :KEPT, new_attempts, process_at, new_lost, new_errors,
       status, started_at, t, :worker, result
  FROM said
 WHERE status IS NOT NULL),
waiting AS (
INSERT INTO proletarian.job (:KEPT, attempts, process_at, lost, errors, suspect, retry_at)
SELECT :KEPT, new_attempts, coalesce(t + make_interval(secs => delay), process_at), new_lost, new_errors,
       new_suspect, t + make_interval(secs => retry_in)
  FROM said
 WHERE status IS NULL)
SELECT run_id,
       CASE WHEN status IS NULL AND coalesce(delay, retry_in, 0) = 0 THEN CAST(pg_notify('proletarian.job', queue) AS text) END
  FROM said

-- :name undecided
-- Is a run that was completed in its handler's own transaction still here? If its row is here but locked, that
-- transaction is still open.
SELECT run_id
  FROM proletarian.running_job AS running
 WHERE running.worker_id = :worker_id
   AND running.run_id = ANY (CAST(CAST(:run_ids AS text) AS bigint[]))

-- :name rolled_back
SELECT run_id
  FROM proletarian.running_job AS running
 WHERE running.worker_id = :worker_id
   AND running.run_id = ANY (CAST(CAST(:run_ids AS text) AS bigint[]))
   FOR UPDATE SKIP LOCKED
