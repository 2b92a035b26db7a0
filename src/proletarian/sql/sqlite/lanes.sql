-- Claim jobs that are under a limit. Such a job has a lane, `name:key`; jobs with no lane ('') are claimed by
-- claiming.sql. The running jobs of a lane are counted in running_job itself, so dead workers, recovery and jobs given
-- back need no bookkeeping here. Only one connection writes at a time, from the BEGIN IMMEDIATE of a claim to its end,
-- so a count stays correct, and only lanes with a rate need a row.

-- :part TIME
coalesce(:now, strftime('%Y-%m-%d %H:%M:%f000', 'now'))

-- :part T
-- In seconds since 1970, to the millisecond: a fraction of a day is less exact.
(strftime('%s', :TIME) + (strftime('%f', :TIME) - strftime('%S', :TIME)))

-- :name present
-- Whether a queue has jobs with a lane.
SELECT :queue WHERE EXISTS (SELECT 1 FROM proletarian_job AS job WHERE job.queue = :queue AND job.lane > '')

-- :name window
-- The next lanes of a queue, by hops along the index, and in how many seconds the first job of each is due. A first job
-- that is not due may hide a due one of a lower priority.
WITH RECURSIVE hop(lane, n) AS (
    SELECT (SELECT min(job.lane) FROM proletarian_job AS job WHERE job.queue = :queue AND job.lane > :cursor), 1
     UNION ALL
    SELECT (SELECT min(job.lane) FROM proletarian_job AS job WHERE job.queue = :queue AND job.lane > hop.lane), hop.n + 1
      FROM hop
     WHERE hop.lane IS NOT NULL AND hop.n < :most)
SELECT hop.lane,
       CASE WHEN (SELECT min(job.priority) FROM proletarian_job AS job WHERE job.queue = :queue AND job.lane = hop.lane)
               < (SELECT max(job.priority) FROM proletarian_job AS job WHERE job.queue = :queue AND job.lane = hop.lane)
            THEN 0
            ELSE ((SELECT julianday(job.process_at) FROM proletarian_job AS job
                    WHERE job.queue = :queue AND job.lane = hop.lane
                    ORDER BY job.priority DESC, job.process_at LIMIT 1) - julianday(:TIME)) * 86400.0 END
  FROM hop
 WHERE hop.lane IS NOT NULL

-- :name stands
-- How many jobs of each lane run, and how long its rate makes it wait.
SELECT listed.key + 1,
       (SELECT count(*) FROM proletarian_running_job AS running
         WHERE running.lane = listed.value ->> 0 AND running.lane <> ''),
       coalesce((SELECT state.next_at FROM proletarian_lane AS state WHERE state.lane = listed.value ->> 0) - :T, 0)
  FROM json_each(:lanes) AS listed

-- :name state
-- For one lane: how many jobs run, its next start, the time, and its highest priority.
SELECT :place,
       (SELECT count(*) FROM proletarian_running_job WHERE lane = :lane AND lane <> ''),
       (SELECT next_at FROM proletarian_lane WHERE lane = :lane),
       :T,
       (SELECT max(priority) FROM proletarian_job WHERE queue = :queue AND lane = :lane)

-- :name below
-- The next lower priority of one lane.
SELECT :place, max(priority) FROM proletarian_job WHERE queue = :queue AND lane = :lane AND priority < :priority

-- :name head
-- The first due job of one priority in an ordered lane, and how long it waits to be retried.
SELECT :place, job_id, (julianday(retry_at) - julianday(:TIME)) * 86400.0
  FROM proletarian_job
 WHERE queue = :queue AND lane = :lane AND priority = :priority AND process_at <= :TIME
 ORDER BY process_at, job_id
 LIMIT 1

-- :name pick
-- Due jobs of one priority of one lane. A worker that was declared dead gets nothing.
SELECT :CLAIMED
  FROM proletarian_job
 WHERE queue = :queue AND lane = :lane AND priority = :priority AND process_at <= :TIME
   AND coalesce(retry_at <= :TIME, true)
   AND EXISTS (SELECT 1 FROM proletarian_worker WHERE worker_id = :worker_id)
 ORDER BY process_at, job_id
 LIMIT :most

-- :name write
-- Only for lanes with a rate: a count needs no row, because no other claim can run between it and the commit.
INSERT INTO proletarian_lane (lane, version, next_at)
SELECT value ->> 0, 1, value ->> 1 FROM json_each(:lanes) WHERE value ->> 1 IS NOT NULL
    ON CONFLICT (lane) DO UPDATE SET version = version + 1, next_at = excluded.next_at

-- :name enter
-- Put runs that turned out to be under a limit into its lane, before they go back to waiting. This happens in the
-- transaction that puts them back, so nobody ever counts them as running in that lane.
UPDATE proletarian_running_job
   SET lane = entered.value ->> 1
  FROM json_each(:entered) AS entered
 WHERE worker_id = :worker_id AND run_id = entered.value ->> 0

-- :name prune
-- Lanes that nobody needs: no running job, and no start for an hour.
DELETE FROM proletarian_lane
 WHERE lane IN (SELECT old.lane
                  FROM proletarian_lane AS old
                 WHERE old.next_at < (julianday('now') - 2440587.5) * 86400.0 - 3600
                   AND NOT EXISTS (SELECT 1 FROM proletarian_running_job AS running WHERE running.lane = old.lane)
                 LIMIT :most)
