-- :name workers
-- Whose heartbeat is in time counts as alive here: who looks is not in touch long enough to judge by locks.
SELECT queues, job_types, seen_at >= clock_timestamp() - make_interval(secs => lost_after)
  FROM proletarian.worker AS worker
 LIMIT 1000

-- :name ahead
-- Of a million jobs of a higher priority that are not due yet only the first are looked at: it is a
-- number for people, who are told that it ended.
SELECT (SELECT count(*)
          FROM (SELECT process_at FROM proletarian.job AS job
                 WHERE job.queue = :queue AND job.lane = :lane AND job.priority > CAST(:priority AS smallint) LIMIT CAST(:most AS int)) AS higher
         WHERE higher.process_at <= :NOW)
     + (SELECT count(*)
          FROM (SELECT 1 AS one FROM proletarian.job AS job
                 WHERE job.queue = :queue AND job.lane = :lane AND job.priority = CAST(:priority AS smallint)
                   AND job.process_at < CAST(:process_at AS timestamptz) LIMIT CAST(:most AS int)) AS earlier)

-- :name holders
-- Who has the places of a lane: the first few runs, and how many there are.
SELECT :SHOWN_ID, (SELECT known.host || ':' || known.pid FROM proletarian.worker AS known WHERE known.worker_id = running.worker_id), count(*) OVER ()
  FROM proletarian.running_job AS running
 WHERE lane = :lane AND lane <> ''
 ORDER BY started_at
 LIMIT 3

-- :name rate
-- In how many seconds the next job of a lane may start by its rate.
SELECT next_at - extract(epoch FROM :NOW) FROM proletarian.lane AS state WHERE lane = :lane

-- :name head
-- The first job of a lane, and in how many seconds it is tried again.
SELECT :SHOWN_ID, extract(epoch FROM job.retry_at - :NOW)
  FROM proletarian.job AS job
 WHERE queue = :queue AND lane = :lane AND process_at <= :NOW
 ORDER BY priority DESC, process_at, job_id
 LIMIT 1
