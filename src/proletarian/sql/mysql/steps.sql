-- :name load
-- The results of steps from earlier runs of these runs' jobs, but not of another job that had the same id before.
SELECT running.run_id, step.name, step.result
  FROM JSON_TABLE(CONVERT(:run_ids USING utf8mb4), '$[*]' COLUMNS (
           run_id BIGINT PATH '$.run_id')) AS asked
  STRAIGHT_JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = asked.run_id
  STRAIGHT_JOIN proletarian_step AS step
     ON step.job_id = running.job_id AND step.enqueued_at = running.enqueued_at

-- :name ours
-- Lock those of these runs that are still this worker's own. Looking for the row is not enough: a transaction that
-- takes the run back may not have committed yet, and two runs would both have stored the step. SKIP LOCKED, because the
-- handler itself may have locked the row in a transaction that continues only after the step is stored.
SELECT running.run_id
  FROM JSON_TABLE(CONVERT(:run_ids USING utf8mb4), '$[*]' COLUMNS (
           run_id BIGINT PATH '$.run_id')) AS asked
  STRAIGHT_JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = asked.run_id
   FOR UPDATE /*!80001 OF running */ SKIP LOCKED

-- :name keep
-- What was stored first stays, so this can be repeated after a lost answer. (Assignments are evaluated from left to
-- right, so the column that the others test comes last.)
INSERT INTO proletarian_step (job_id, name, enqueued_at, result, kept_at)
SELECT running.job_id, said.name, running.enqueued_at, said.result, UTC_TIMESTAMP(6)
  FROM JSON_TABLE(CONVERT(:said USING utf8mb4), '$[*]' COLUMNS (
           run_id BIGINT       PATH '$[0]',
           name   VARCHAR(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$[1]',
           result LONGTEXT     CHARACTER SET utf8mb4 PATH '$[2]')) AS said
  STRAIGHT_JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = said.run_id
    ON DUPLICATE KEY UPDATE
       proletarian_step.result = IF(proletarian_step.enqueued_at = running.enqueued_at, proletarian_step.result, said.result),
       proletarian_step.kept_at = IF(proletarian_step.enqueued_at = running.enqueued_at, proletarian_step.kept_at, UTC_TIMESTAMP(6)),
       proletarian_step.enqueued_at = running.enqueued_at

-- :name forget
DELETE step
  FROM JSON_TABLE(CONVERT(:job_ids USING utf8mb4), '$[*]' COLUMNS (id :JSON_ID PATH '$')) AS which
  STRAIGHT_JOIN proletarian_step AS step ON step.job_id = :STORED_ID
