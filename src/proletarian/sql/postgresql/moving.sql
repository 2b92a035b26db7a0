-- What people do with jobs, on the application's connection and in its transaction. Claims and acknowledgements pass
-- over the rows that it has locked: no worker ever waits for it. Ids are returned as text (:SHOWN_ID), because the
-- connection's owner may have chosen how it reads a UUID.

-- :part WHICH
job_id = ANY (CAST(:job_ids AS :ID[]))

-- :name places
-- Where jobs are, in one statement: a job that moves in the meantime is seen either where it was or where it is now.
SELECT 'waiting', :SHOWN_ID FROM proletarian.job AS job WHERE :WHICH
 UNION ALL
SELECT 'held', :SHOWN_ID FROM proletarian.held_job AS held WHERE :WHICH
 UNION ALL
SELECT 'running', :SHOWN_ID FROM proletarian.running_job AS running WHERE :WHICH
 UNION ALL
SELECT 'archived', :SHOWN_ID FROM proletarian.archived_job AS archived WHERE :WHICH

-- :part LOCK_WAITING
SELECT :SHOWN_ID, errors, queue, job_type FROM proletarian.job AS job WHERE :WHICH ORDER BY job.job_id FOR UPDATE

-- :name lock_waiting
-- Always in the same order, so two transactions cannot deadlock.
:LOCK_WAITING

-- :name free_waiting
:LOCK_WAITING SKIP LOCKED

-- :name cancel
WITH cancelled AS (
DELETE FROM proletarian.job AS job
 USING unnest(CAST(:job_ids AS :ID[]), CAST(:errors AS text[])) AS said(id, new_errors)
 WHERE job.job_id = said.id
RETURNING job.*, said.new_errors)
INSERT INTO proletarian.archived_job AS archived (:KEPT, attempts, process_at, lost, errors, status, finished_at)
SELECT :KEPT, attempts, process_at, lost, new_errors, 'cancelled', coalesce(CAST(:now AS timestamptz), clock_timestamp())
  FROM cancelled
RETURNING :SHOWN_ID

-- :name request
-- On a repeated request the later reason counts. It is an update, so it waits for a worker that is just deleting the
-- request.
INSERT INTO proletarian.cancel_request AS request (job_id, reason, requested_by, requested_at)
SELECT id, :reason, :by, clock_timestamp()
  FROM unnest(CAST(:job_ids AS :ID[])) AS asked(id)
 ORDER BY id
    ON CONFLICT (job_id) DO UPDATE
   SET reason = excluded.reason, requested_by = excluded.requested_by, requested_at = excluded.requested_at

-- :name retry
WITH revived AS (
DELETE FROM proletarian.archived_job AS archived WHERE :WHICH
RETURNING archived.*)
INSERT INTO proletarian.job AS job (:KEPT, attempts, process_at, lost, errors)
SELECT :KEPT, CASE WHEN CAST(:fresh AS boolean) THEN 0 ELSE attempts END,
       coalesce(CAST(:now AS timestamptz), clock_timestamp()), 0,
       CASE WHEN CAST(:fresh AS boolean) THEN NULL ELSE errors END
  FROM revived
RETURNING :SHOWN_ID, queue

-- :name reschedule
-- A time in the past means now; without a time, process_at stays as it is.
UPDATE proletarian.job AS job
   SET process_at = CASE WHEN CAST(:process_at AS timestamptz) IS NULL AND CAST(:delay AS float8) IS NULL THEN process_at
                         ELSE greatest(coalesce(CAST(:process_at AS timestamptz),
                                                t + make_interval(secs => CAST(:delay AS float8))), t) END,
       priority = coalesce(CAST(:priority AS smallint), priority),
       retry_at = CASE WHEN CAST(:process_at AS timestamptz) IS NULL AND CAST(:delay AS float8) IS NULL THEN retry_at END
  FROM (SELECT coalesce(CAST(:now AS timestamptz), clock_timestamp())) AS clock(t)
 WHERE :WHICH
RETURNING :SHOWN_ID, queue

-- :name delete_waiting
DELETE FROM proletarian.job AS job WHERE :WHICH RETURNING :SHOWN_ID

-- :name delete_archived
DELETE FROM proletarian.archived_job AS archived WHERE :WHICH RETURNING :SHOWN_ID

-- :name stale
-- Requests to cancel jobs that are not running: each of them has ended, or waits again. A request that an application's
-- open transaction is writing again is passed over.
SELECT :SHOWN_ID, reason, requested_by
  FROM proletarian.cancel_request AS request
 WHERE NOT EXISTS (SELECT FROM proletarian.running_job AS running WHERE running.job_id = request.job_id)
 LIMIT 200
   FOR UPDATE OF request SKIP LOCKED

-- :name unfinished
-- Which of these jobs do wait or run after all.
SELECT :SHOWN_ID FROM proletarian.job AS job WHERE :WHICH
 UNION ALL
SELECT :SHOWN_ID FROM proletarian.running_job AS running WHERE :WHICH

-- :name forget
DELETE FROM proletarian.cancel_request AS request WHERE :WHICH

-- :name lock_held
SELECT :SHOWN_ID, errors, queue, job_type FROM proletarian.held_job AS held WHERE :WHICH ORDER BY held.job_id FOR UPDATE

-- :name delete_held
DELETE FROM proletarian.held_job AS held WHERE :WHICH RETURNING :SHOWN_ID
