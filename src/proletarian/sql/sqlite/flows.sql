-- Jobs that wait for others, as on other databases: an acknowledgement notes what has ended, a release counts, and an
-- edge to a job of an earlier transaction is checked until that job has ended. With one writer at a time, none of this
-- is needed to avoid locks; but it is one plan for all databases, and a release is a small transaction.

-- :part WHICH
job_id IN (SELECT value FROM json_each(:job_ids))

-- :part NEW_ROWS
json_each(:jobs), (SELECT coalesce(:now, strftime('%Y-%m-%d %H:%M:%f000', 'now')) AS t)

-- :part DUE_AT
max(coalesce(value ->> 1,
                    CASE WHEN value ->> 2 IS NOT NULL
                         THEN strftime('%Y-%m-%d %H:%M:%f000', t, printf('%+.3f seconds', value ->> 2)) END, t), t)

-- :name put
INSERT INTO proletarian_job (job_id, :NEW, attempts, enqueued_at, process_at, flow)
SELECT value ->> 0, :NEW_ITEMS, 0, t, :DUE_AT, :FLOW_ITEM FROM :NEW_ROWS

-- :name hold
INSERT INTO proletarian_held_job (job_id, :NEW, enqueued_at, process_at, flow, waits, if_failed)
SELECT value ->> 0, :NEW_ITEMS, t, :DUE_AT, :FLOW_ITEM, :WAITS_ITEM, :IF_FAILED_ITEM FROM :NEW_ROWS

-- :name depend
INSERT INTO proletarian_dependency (awaited_id, waiting_id, outcome)
SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(:edges)

-- :name depend_late
INSERT INTO proletarian_late_dependency (awaited_id, waiting_id, outcome, hold)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(:edges)

-- :name edges
-- Edges to these jobs that nobody was told about yet; only so many at a time.
SELECT awaited_id, waiting_id
  FROM proletarian_dependency
 WHERE awaited_id IN (SELECT value FROM json_each(:job_ids)) AND outcome IS NULL
 LIMIT :most

-- :name over
UPDATE proletarian_dependency
   SET outcome = said.value ->> 2
  FROM json_each(:edges) AS said
 WHERE awaited_id = said.value ->> 0 AND waiting_id = said.value ->> 1

-- :name note
INSERT INTO proletarian_wait_over (waiting_id, hold, done, failed, failed_id)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(:notes)

-- :name due
-- Jobs that were told something which has not been counted yet.
SELECT DISTINCT waiting_id FROM (SELECT waiting_id FROM proletarian_wait_over ORDER BY number LIMIT :most)

-- :name lock
SELECT job_id, queue, job_type, errors, waits, hold, if_failed FROM proletarian_held_job WHERE :WHICH

-- :name said
SELECT number, waiting_id, hold, done, failed, failed_id
  FROM proletarian_wait_over
 WHERE waiting_id IN (SELECT value FROM json_each(:job_ids))
 LIMIT :most

-- :name eat
DELETE FROM proletarian_wait_over WHERE number IN (SELECT value FROM json_each(:ids))

-- :name litter
-- What was told to jobs that are not held: they were cancelled before, and may be about to be held again. A job's row
-- in held_job is always there before the job can be told anything.
DELETE FROM proletarian_wait_over
 WHERE waiting_id IN (SELECT value FROM json_each(:job_ids))
   AND NOT EXISTS (SELECT 1 FROM proletarian_held_job AS held WHERE held.job_id = proletarian_wait_over.waiting_id)

-- :name fewer
UPDATE proletarian_held_job
   SET waits = said.value ->> 1
  FROM json_each(:waits) AS said
 WHERE job_id = said.value ->> 0

-- :name ready
-- process_at is now or later: a claim that continues from a later mark would not see an earlier time.
INSERT INTO proletarian_job (:KEPT, attempts, process_at, lost, errors)
SELECT :KEPT, attempts, max(process_at, coalesce(:now, strftime('%Y-%m-%d %H:%M:%f000', 'now'))), lost, errors
  FROM proletarian_held_job
 WHERE :WHICH

-- :name unhold
DELETE FROM proletarian_held_job WHERE :WHICH

-- :name cancel
INSERT INTO proletarian_archived_job (:KEPT, attempts, process_at, lost, errors, status, finished_at)
SELECT :KEPT, held.attempts, held.process_at, held.lost, said.value ->> 1, 'cancelled',
       coalesce(:now, strftime('%Y-%m-%d %H:%M:%f000', 'now'))
  FROM json_each(:said) AS said
  CROSS JOIN proletarian_held_job AS held ON held.job_id = said.value ->> 0

-- :name whereabouts
-- What became of jobs, in one statement: no status for a job that has not ended, no row for one that does not exist.
SELECT job_id, NULL AS status FROM proletarian_job WHERE :WHICH
 UNION ALL
SELECT job_id, NULL FROM proletarian_running_job WHERE :WHICH
 UNION ALL
SELECT job_id, NULL FROM proletarian_held_job WHERE :WHICH
 UNION ALL
SELECT job_id, status FROM proletarian_archived_job WHERE :WHICH

-- :name late
-- A page of late edges.
SELECT number, awaited_id, waiting_id, hold, outcome
  FROM proletarian_late_dependency
 WHERE number > :after
 ORDER BY number
 LIMIT :most

-- :name take_late
SELECT number FROM proletarian_late_dependency WHERE number IN (SELECT value FROM json_each(:ids))

-- :name drop_late
DELETE FROM proletarian_late_dependency WHERE number IN (SELECT value FROM json_each(:ids))

-- :name settle_edge
INSERT INTO proletarian_dependency (awaited_id, waiting_id, outcome)
SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(:edges) WHERE true
    ON CONFLICT (awaited_id, waiting_id) DO UPDATE SET outcome = excluded.outcome

-- :name failed_for
-- Jobs that were told that one of these had failed.
SELECT awaited_id, waiting_id
  FROM proletarian_dependency
 WHERE awaited_id IN (SELECT value FROM json_each(:job_ids)) AND outcome = 2
 ORDER BY awaited_id, waiting_id
 LIMIT :most OFFSET :skip

-- :name seen_cancelled
SELECT job_id FROM proletarian_archived_job WHERE :WHICH AND status = 'cancelled'

-- :name lock_cancelled
-- An update that changes nothing, to take the write lock: what it returns then cannot change.
UPDATE proletarian_archived_job SET attempts = attempts WHERE :WHICH AND status = 'cancelled' RETURNING job_id, errors

-- :name unmet
-- What this job still waits for, or has waited for in vain: the ordinary and the late edges of its previous hold.
SELECT awaited_id FROM proletarian_dependency WHERE waiting_id = :job_id AND (outcome IS NULL OR outcome = 2)
 UNION
SELECT awaited_id FROM proletarian_late_dependency WHERE waiting_id = :job_id AND hold >= 0 AND outcome IS NULL
 ORDER BY awaited_id
 LIMIT :most OFFSET :skip

-- :name hold_again
INSERT INTO proletarian_held_job (:KEPT, attempts, process_at, lost, errors, hold, waits, if_failed)
SELECT :KEPT, attempts, process_at, lost, errors, :hold, :waits, 'cancel'
  FROM proletarian_archived_job
 WHERE job_id = :job_id

-- :name awaited_by
-- What a job waits or waited for, and what waits or waited for it.
SELECT * FROM (SELECT 'after' AS side, awaited_id, outcome FROM proletarian_dependency
                WHERE waiting_id = :job_id ORDER BY awaited_id LIMIT :most)
 UNION ALL
SELECT * FROM (SELECT 'after', awaited_id, outcome FROM proletarian_late_dependency
                WHERE waiting_id = :job_id AND hold >= 0 ORDER BY awaited_id LIMIT :most)
 UNION ALL
SELECT * FROM (SELECT 'before', waiting_id, outcome FROM proletarian_dependency
                WHERE awaited_id = :job_id ORDER BY waiting_id LIMIT :most)
 UNION ALL
SELECT * FROM (SELECT 'before', waiting_id, outcome FROM proletarian_late_dependency
                WHERE awaited_id = :job_id AND hold >= 0 ORDER BY waiting_id LIMIT :most)

-- :name waits
SELECT job_id, waits FROM proletarian_held_job WHERE :WHICH

-- :name results
-- A page of the results of the jobs that this run's job has waited for.
SELECT awaited.awaited_id, archived.status, archived.result
  FROM (SELECT awaited_id FROM proletarian_dependency WHERE waiting_id = :job_id
         UNION
        SELECT awaited_id FROM proletarian_late_dependency WHERE waiting_id = :job_id AND hold >= 0) AS awaited
  JOIN proletarian_archived_job AS archived ON archived.job_id = awaited.awaited_id
 ORDER BY awaited.awaited_id
 LIMIT :most OFFSET :skip

-- :part NOWHERE
NOT EXISTS (SELECT 1 FROM proletarian_held_job AS held WHERE held.job_id = edge.waiting_id)
       AND NOT EXISTS (SELECT 1 FROM proletarian_job AS job WHERE job.job_id = edge.waiting_id)
       AND NOT EXISTS (SELECT 1 FROM proletarian_running_job AS running WHERE running.job_id = edge.waiting_id)
       AND NOT EXISTS (SELECT 1 FROM proletarian_archived_job AS archived WHERE archived.job_id = edge.waiting_id)

-- :name sweep_first
-- A page of edges: does the waiting job still exist, and did the awaited job end without telling it? (SQL written by
-- hand tells nobody.)
SELECT edge.awaited_id, edge.waiting_id, edge.outcome, :NOWHERE
  FROM proletarian_dependency AS edge
 ORDER BY edge.awaited_id, edge.waiting_id
 LIMIT :most

-- :name sweep
SELECT edge.awaited_id, edge.waiting_id, edge.outcome, :NOWHERE
  FROM proletarian_dependency AS edge
 WHERE (edge.awaited_id, edge.waiting_id) > (:awaited, :waiting)
 ORDER BY edge.awaited_id, edge.waiting_id
 LIMIT :most

-- :name drop_edges
DELETE FROM proletarian_dependency
 WHERE (awaited_id, waiting_id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(:edges))

-- :name taken
-- Which of these ids another job already has, waiting or archived.
SELECT job_id FROM proletarian_job WHERE :WHICH
 UNION ALL
SELECT job_id FROM proletarian_archived_job WHERE :WHICH

-- :name rename
UPDATE proletarian_held_job SET job_id = :new_id WHERE job_id = :job_id
