-- :name workers
-- A worker whose heartbeat is on time counts as alive here: a single look is too short to judge by locks.
SELECT CAST(queues AS BINARY), CAST(job_types AS BINARY), TIMESTAMPDIFF(MICROSECOND, seen_at, UTC_TIMESTAMP(6)) <= lost_after * 1000000
  FROM proletarian_worker AS worker
 LIMIT 1000

-- :name ahead
-- Of a million jobs of a higher priority that are not due yet, only the first ones are read: the number is for people,
-- who are told where counting stopped.
SELECT (SELECT count(*)
          FROM (SELECT process_at FROM proletarian_job AS job
                 WHERE job.queue = CONVERT(:queue USING utf8mb4) AND job.lane = CONVERT(:lane USING utf8mb4) AND job.priority > :priority LIMIT :most) AS higher
         WHERE higher.process_at <= :NOW)
     + (SELECT count(*)
          FROM (SELECT 1 AS one FROM proletarian_job AS job
                 WHERE job.queue = CONVERT(:queue USING utf8mb4) AND job.lane = CONVERT(:lane USING utf8mb4) AND job.priority = :priority
                   AND job.process_at < CAST(:process_at AS DATETIME(6)) LIMIT :most) AS earlier)

-- :name holders
-- Which runs occupy a lane: the first few of them, and how many there are.
SELECT job_id, (SELECT CAST(CONCAT(known.host, ':', known.pid) AS BINARY) FROM proletarian_worker AS known WHERE known.worker_id = running.worker_id), count(*) OVER ()
  FROM proletarian_running_job AS running FORCE INDEX (running_job_lane)
 WHERE lane = CONVERT(:lane USING utf8mb4) AND lane <> ''
 ORDER BY started_at
 LIMIT 3

-- :name rate
-- The number of seconds until the rate of a lane allows the next start.
SELECT next_at - TIMESTAMPDIFF(MICROSECOND, '1970-01-01', :NOW) / 1000000e0 FROM proletarian_lane AS state WHERE lane = CONVERT(:lane USING utf8mb4)

-- :name head
-- The first job of a lane, and the number of seconds until it is retried.
SELECT job_id, TIMESTAMPDIFF(MICROSECOND, :NOW, job.retry_at) / 1000000e0
  FROM proletarian_job AS job
 WHERE queue = CONVERT(:queue USING utf8mb4) AND lane = CONVERT(:lane USING utf8mb4) AND process_at <= :NOW
 ORDER BY priority DESC, process_at, job_id
 LIMIT 1
