-- :name workers
-- A worker whose heartbeat is on time counts as alive here: a single look is too short to judge by locks.
SELECT queues, job_types, seen_at >= clock_timestamp() - make_interval(secs => lost_after)
  FROM proletarian.worker AS worker
 LIMIT 1000

-- :name ahead
-- Of a million jobs of a higher priority that are not due yet, only the first ones are read: the number is for people,
-- who are told where counting stopped.
SELECT (SELECT count(*)
          FROM (SELECT process_at FROM proletarian.job AS job
                 WHERE job.queue = :queue AND job.lane = :lane AND job.priority > CAST(:priority AS smallint) LIMIT CAST(:most AS int)) AS higher
         WHERE higher.process_at <= :NOW)
     + (SELECT count(*)
          FROM (SELECT 1 AS one FROM proletarian.job AS job
                 WHERE job.queue = :queue AND job.lane = :lane AND job.priority = CAST(:priority AS smallint)
                   AND job.process_at < CAST(:process_at AS timestamptz) LIMIT CAST(:most AS int)) AS earlier)

-- :name holders
-- Which runs occupy a lane: the first few of them, and how many there are.
SELECT :SHOWN_ID, (SELECT known.host || ':' || known.pid FROM proletarian.worker AS known WHERE known.worker_id = running.worker_id), count(*) OVER ()
  FROM proletarian.running_job AS running
 WHERE lane = :lane AND lane <> ''
 ORDER BY started_at
 LIMIT 3

-- :name rate
-- The number of seconds until the rate of a lane allows the next start.
SELECT next_at - extract(epoch FROM :NOW) FROM proletarian.lane AS state WHERE lane = :lane

-- :name head
-- The first job of a lane, and the number of seconds until it is retried.
SELECT :SHOWN_ID, extract(epoch FROM job.retry_at - :NOW)
  FROM proletarian.job AS job
 WHERE queue = :queue AND lane = :lane AND process_at <= :NOW
 ORDER BY priority DESC, process_at, job_id
 LIMIT 1
