-- :name levels
-- Which priorities of these queues have due jobs, highest first. They are found by hops along the index (max, then the
-- next lower one, …), so a million jobs of a higher priority that are not due yet cost one hop. Jobs with a lane, which
-- are under a limit, are claimed separately: see lanes.sql.
WITH RECURSIVE level (queue, priority) AS (
    SELECT want.value,
           (SELECT max(waiting.priority) FROM proletarian_job AS waiting WHERE waiting.queue = want.value AND waiting.lane = '')
      FROM json_each(:queues) AS want
     UNION ALL
    SELECT level.queue,
           (SELECT max(waiting.priority) FROM proletarian_job AS waiting
             WHERE waiting.queue = level.queue AND waiting.lane = '' AND waiting.priority < level.priority)
      FROM level
     WHERE level.priority IS NOT NULL)
SELECT level.queue, level.priority
  FROM level
 WHERE level.priority IS NOT NULL
   AND EXISTS (SELECT 1 FROM proletarian_job AS waiting
                WHERE waiting.queue = level.queue AND waiting.lane = '' AND waiting.priority = level.priority
                  AND waiting.process_at <= coalesce(:now, strftime('%Y-%m-%d %H:%M:%f000', 'now')))
 ORDER BY level.priority DESC

-- :name pick
-- Due jobs of one priority, oldest first. Nobody else can write in the meantime: see `begin`. A worker that has been
-- declared dead gets nothing. Heavy payloads are not returned here (see HEAVY): a thousand of them would be gigabytes.
SELECT :CLAIMED
  FROM proletarian_job
 WHERE queue = :queue
   AND lane = ''
   AND priority = :priority
   AND process_at >= :mark
   AND process_at <= coalesce(:now, strftime('%Y-%m-%d %H:%M:%f000', 'now'))
   AND EXISTS (SELECT 1 FROM proletarian_worker WHERE worker_id = :worker_id)
 ORDER BY process_at, job_id
 LIMIT :most

-- :name take
-- Move the picked jobs to running_job in two steps: copy, then remove.
INSERT INTO proletarian_running_job (:JOB, worker_id, run_id, started_at)
SELECT :JOB, :worker_id, picked.value ->> 1,
       strftime('%Y-%m-%d %H:%M:%f000', 'now')
  FROM json_each(:picked) AS picked
  CROSS JOIN proletarian_job AS job ON job.job_id = picked.value ->> 0

-- :name remove
DELETE FROM proletarian_job WHERE job_id IN (SELECT value ->> 0 FROM json_each(:picked))

-- :name sizes
-- The sizes of the payloads that the claim did not return.
SELECT run_id, :LENGTH
  FROM proletarian_running_job
 WHERE worker_id = :worker_id
   AND run_id BETWEEN :first AND :last
   AND :IS_HEAVY
 ORDER BY run_id

-- :name payloads
SELECT run_id, payload
  FROM proletarian_running_job
 WHERE worker_id = :worker_id
   AND run_id BETWEEN :first AND :last
   AND :IS_HEAVY

-- :name mine
-- This worker's own runs, to be compared with those it knows of when an answer was lost.
SELECT :CLAIMED, run_id
  FROM proletarian_running_job
 WHERE worker_id = :worker_id
