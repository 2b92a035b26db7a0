-- What people do with jobs, on the application's connection and in its transaction. Under REPEATABLE READ, locking an
-- id that does not exist would lock the gap around it, and a worker that puts a job back would have to wait. So the ids
-- are first looked up without a lock, and only those that exist are locked.

-- :part WHICH
JSON_TABLE(CONVERT(:job_ids USING utf8mb4), '$[*]' COLUMNS (id :JSON_ID PATH '$')) AS which

-- :name places
-- Where jobs are, in one statement: a job that moves in the meantime is seen either where it was or where it is now.
SELECT 'waiting', job.job_id FROM :WHICH STRAIGHT_JOIN proletarian_job AS job ON job.job_id = :STORED_ID
 UNION ALL
SELECT 'held', held.job_id FROM :WHICH STRAIGHT_JOIN proletarian_held_job AS held ON held.job_id = :STORED_ID
 UNION ALL
SELECT 'running', running.job_id
  FROM proletarian_running_job AS running STRAIGHT_JOIN :WHICH ON running.job_id = :STORED_ID
 UNION ALL
SELECT 'archived', archived.job_id
  FROM :WHICH STRAIGHT_JOIN proletarian_archived_job AS archived ON archived.job_id = :STORED_ID

-- :name seen_waiting
SELECT job.job_id FROM :WHICH STRAIGHT_JOIN proletarian_job AS job ON job.job_id = :STORED_ID

-- :name keys
-- The unique keys of jobs whose rows are already locked; a key never changes, so an old snapshot is good enough.
SELECT job.job_id, job.unique_key FROM :WHICH STRAIGHT_JOIN proletarian_job AS job ON job.job_id = :STORED_ID

-- :part LOCK_WAITING
SELECT job.job_id, CAST(job.errors AS BINARY), CAST(job.queue AS BINARY), CAST(job.job_type AS BINARY)
  FROM :WHICH STRAIGHT_JOIN proletarian_job AS job ON job.job_id = :STORED_ID
   FOR UPDATE /*!80001 OF job */

-- :name lock_waiting
:LOCK_WAITING

-- :name free_waiting
:LOCK_WAITING SKIP LOCKED

-- :name cancel
INSERT INTO proletarian_archived_job (:KEPT, attempts, process_at, lost, errors, status, finished_at)
SELECT :KEPT, job.attempts, job.process_at, job.lost, said.new_errors, 'cancelled',
       COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6))
  FROM JSON_TABLE(CONVERT(:said USING utf8mb4), '$[*]' COLUMNS (
           id         :JSON_ID PATH '$[0]',
           new_errors LONGTEXT CHARACTER SET utf8mb4 PATH '$[1]')) AS said
  STRAIGHT_JOIN proletarian_job AS job ON job.job_id = :STORED_ID

-- :name request
-- On a repeated request the later reason counts.
INSERT INTO proletarian_cancel_request (job_id, reason, requested_by, requested_at)
SELECT :STORED_ID, CONVERT(:reason USING utf8mb4), CONVERT(:by USING utf8mb4), UTC_TIMESTAMP(6)
  FROM :WHICH
 ORDER BY id
    ON DUPLICATE KEY UPDATE reason = CONVERT(:reason USING utf8mb4), requested_by = CONVERT(:by USING utf8mb4),
                            requested_at = UTC_TIMESTAMP(6)

-- :name seen_archived
SELECT archived.job_id FROM :WHICH STRAIGHT_JOIN proletarian_archived_job AS archived ON archived.job_id = :STORED_ID

-- :name lock_archived
SELECT archived.job_id
  FROM :WHICH STRAIGHT_JOIN proletarian_archived_job AS archived ON archived.job_id = :STORED_ID
   FOR UPDATE /*!80001 OF archived */

-- :name retry
INSERT INTO proletarian_job (:KEPT, attempts, process_at, lost, errors)
SELECT :KEPT, IF(:fresh, 0, archived.attempts), COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6)), 0,
       IF(:fresh, NULL, archived.errors)
  FROM :WHICH STRAIGHT_JOIN proletarian_archived_job AS archived ON archived.job_id = :STORED_ID

-- :name reschedule
-- A time in the past means now; without a time, process_at stays as it is.
UPDATE :WHICH STRAIGHT_JOIN proletarian_job AS job ON job.job_id = :STORED_ID
   SET job.process_at = IF(:process_at IS NULL AND :delay IS NULL, job.process_at,
           GREATEST(COALESCE(CAST(:process_at AS DATETIME(6)),
                             COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6))
                             + INTERVAL CAST(:delay * 1000000 AS SIGNED) MICROSECOND),
                    COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6)))),
       job.priority = COALESCE(:priority, job.priority),
       job.retry_at = IF(:process_at IS NULL AND :delay IS NULL, job.retry_at, NULL)

-- :name delete_waiting
DELETE job FROM :WHICH STRAIGHT_JOIN proletarian_job AS job ON job.job_id = :STORED_ID

-- :name delete_archived
DELETE archived FROM :WHICH STRAIGHT_JOIN proletarian_archived_job AS archived ON archived.job_id = :STORED_ID

-- :name stale
-- Requests to cancel jobs that are not running: each of them has ended, or waits again. A request that an application's
-- open transaction is writing again is passed over.
SELECT job_id, reason, requested_by
  FROM proletarian_cancel_request AS request
 WHERE NOT EXISTS (SELECT 1 FROM proletarian_running_job AS running WHERE running.job_id = request.job_id)
 LIMIT 200
   FOR UPDATE SKIP LOCKED

-- :name unfinished
-- Which of these jobs do wait or run after all.
SELECT job.job_id FROM :WHICH STRAIGHT_JOIN proletarian_job AS job ON job.job_id = :STORED_ID
 UNION ALL
SELECT running.job_id FROM proletarian_running_job AS running STRAIGHT_JOIN :WHICH ON running.job_id = :STORED_ID

-- :name forget
DELETE request FROM :WHICH STRAIGHT_JOIN proletarian_cancel_request AS request ON request.job_id = :STORED_ID

-- :name seen_held
SELECT held.job_id FROM :WHICH STRAIGHT_JOIN proletarian_held_job AS held ON held.job_id = :STORED_ID

-- :name lock_held
SELECT held.job_id, CAST(held.errors AS BINARY), CAST(held.queue AS BINARY), CAST(held.job_type AS BINARY)
  FROM :WHICH STRAIGHT_JOIN proletarian_held_job AS held ON held.job_id = :STORED_ID
   FOR UPDATE /*!80001 OF held */

-- :name delete_held
DELETE held FROM :WHICH STRAIGHT_JOIN proletarian_held_job AS held ON held.job_id = :STORED_ID
