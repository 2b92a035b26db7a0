-- What people do with jobs, on the application's connection and in its transaction.

-- :part WHICH
job_id IN (SELECT value FROM json_each(:job_ids))

-- :name places
-- Where jobs are, in one statement.
SELECT 'waiting', job_id FROM proletarian_job WHERE :WHICH
 UNION ALL
SELECT 'held', job_id FROM proletarian_held_job WHERE :WHICH
 UNION ALL
SELECT 'running', job_id FROM proletarian_running_job WHERE :WHICH
 UNION ALL
SELECT 'archived', job_id FROM proletarian_archived_job WHERE :WHICH

-- :name seen_waiting
-- Without the write lock, which would make others wait.
SELECT job_id FROM proletarian_job WHERE :WHICH

-- :part LOCK_WAITING
-- An update that changes nothing, to take the write lock: what it returns then cannot change.
UPDATE proletarian_job SET attempts = attempts WHERE :WHICH RETURNING job_id, errors, queue, job_type

-- :name lock_waiting
:LOCK_WAITING

-- :name free_waiting
:LOCK_WAITING

-- :name cancel
INSERT INTO proletarian_archived_job (:KEPT, attempts, process_at, lost, errors, status, finished_at)
SELECT :KEPT, job.attempts, job.process_at, job.lost, said.value ->> 1, 'cancelled',
       coalesce(:now, strftime('%Y-%m-%d %H:%M:%f000', 'now'))
  FROM json_each(:said) AS said
  CROSS JOIN proletarian_job AS job ON job.job_id = said.value ->> 0

-- :name request
-- On a repeated request the later reason counts.
INSERT INTO proletarian_cancel_request (job_id, reason, requested_by, requested_at)
SELECT value, :reason, :by, strftime('%Y-%m-%d %H:%M:%f000', 'now') FROM json_each(:job_ids) WHERE true
    ON CONFLICT (job_id) DO UPDATE
   SET reason = excluded.reason, requested_by = excluded.requested_by, requested_at = excluded.requested_at

-- :name seen_archived
SELECT job_id FROM proletarian_archived_job WHERE :WHICH

-- :name lock_archived
UPDATE proletarian_archived_job SET attempts = attempts WHERE :WHICH RETURNING job_id

-- :name retry
INSERT INTO proletarian_job (:KEPT, attempts, process_at, lost, errors)
SELECT :KEPT, CASE WHEN :fresh THEN 0 ELSE attempts END, coalesce(:now, strftime('%Y-%m-%d %H:%M:%f000', 'now')), 0,
       CASE WHEN :fresh THEN NULL ELSE errors END
  FROM proletarian_archived_job
 WHERE :WHICH

-- :name reschedule
-- A time in the past means now; without a time, process_at stays as it is.
UPDATE proletarian_job
   SET process_at = CASE WHEN :process_at IS NULL AND :delay IS NULL THEN process_at
                         ELSE max(coalesce(:process_at, strftime('%Y-%m-%d %H:%M:%f000', t, printf('%+.3f seconds', :delay))), t) END,
       priority = coalesce(:priority, priority),
       retry_at = CASE WHEN :process_at IS NULL AND :delay IS NULL THEN retry_at END
  FROM (SELECT coalesce(:now, strftime('%Y-%m-%d %H:%M:%f000', 'now')) AS t) AS clock
 WHERE :WHICH

-- :name delete_waiting
DELETE FROM proletarian_job WHERE :WHICH

-- :name delete_archived
DELETE FROM proletarian_archived_job WHERE :WHICH

-- :name stale
-- Requests to cancel jobs that are not running: each of them has ended, or waits again.
SELECT job_id, reason, requested_by
  FROM proletarian_cancel_request AS request
 WHERE NOT EXISTS (SELECT 1 FROM proletarian_running_job AS running WHERE running.job_id = request.job_id)
 LIMIT 200

-- :name unfinished
-- Which of these jobs do wait or run after all.
SELECT job_id FROM proletarian_job WHERE :WHICH
 UNION ALL
SELECT job_id FROM proletarian_running_job WHERE :WHICH

-- :name forget
DELETE FROM proletarian_cancel_request WHERE :WHICH

-- :name seen_held
SELECT job_id FROM proletarian_held_job WHERE :WHICH

-- :name lock_held
UPDATE proletarian_held_job SET attempts = attempts WHERE :WHICH RETURNING job_id, errors, queue, job_type

-- :name delete_held
DELETE FROM proletarian_held_job WHERE :WHICH
