-- :name load
-- What steps of these runs' jobs have returned in earlier runs. Not those of another job that had the id before.
SELECT running.run_id, step.name, step.result
  FROM proletarian.running_job AS running
  JOIN proletarian.step AS step ON step.job_id = running.job_id AND step.enqueued_at = running.enqueued_at
 WHERE running.worker_id = :worker_id
   AND running.run_id = ANY (CAST(CAST(:run_ids AS text) AS bigint[]))

-- :name keep
-- Keep what steps have returned, of those runs that are still this worker's own. To look for the row is not
-- enough: whoever takes the run back may not have committed yet, and two runs would both have kept the step. A
-- lock is, and SKIP LOCKED, because the handler itself may have the row locked in a transaction that it goes on
-- with only when the step is kept. Nobody else's write of a row is in its way: progress changes no key.
-- What was kept first stays, so that this may be said again after a lost answer.
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
