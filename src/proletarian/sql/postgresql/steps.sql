-- :name load
-- The results of steps from earlier runs of these runs' jobs, but not of another job that had the same id before.
SELECT running.run_id, step.name, step.result
  FROM proletarian.running_job AS running
  JOIN proletarian.step AS step ON step.job_id = running.job_id AND step.enqueued_at = running.enqueued_at
 WHERE running.worker_id = :worker_id
   AND running.run_id = ANY (CAST(CAST(:run_ids AS text) AS bigint[]))

-- :name keep
-- Store the results of steps, for those runs that are still this worker's own. Looking for the row is not enough: a
-- transaction that takes the run back may not have committed yet, and two runs would both have stored the step. So the
-- row is locked, with SKIP LOCKED, because the handler itself may have locked it in a transaction that continues only
-- after the step is stored. No other write to the row is in the way: progress changes no key. What was stored first
-- stays, so this can be repeated after a lost answer.
WITH said AS (
SELECT said.*
  FROM unnest(CAST(CAST(:run_ids AS text) AS bigint[]), CAST(:names AS text[]), CAST(:results AS text[]))
    AS said(run_id, name, result)),
ours AS MATERIALIZED (
SELECT running.run_id, running.job_id, running.enqueued_at
  FROM proletarian.running_job AS running
 WHERE running.worker_id = :worker_id
   AND running.run_id = ANY (CAST(CAST(:run_ids AS text) AS bigint[]))
   FOR KEY SHARE SKIP LOCKED),
kept AS (
INSERT INTO proletarian.step AS step (job_id, name, enqueued_at, result, kept_at)
SELECT ours.job_id, said.name, ours.enqueued_at, said.result, clock_timestamp()
  FROM said
  JOIN ours USING (run_id)
    ON CONFLICT (job_id, name) DO UPDATE
   SET enqueued_at = excluded.enqueued_at, result = excluded.result, kept_at = excluded.kept_at
 WHERE step.enqueued_at <> excluded.enqueued_at)
SELECT run_id FROM ours

-- :name forget
DELETE FROM proletarian.step AS step WHERE job_id = ANY (CAST(:job_ids AS :ID[]))
