-- The whole at a glance. Every count ends at a limit, and what has no limit goes by hops along an index or reads
-- tables that are as small as the fleet. Texts come as the bytes of their UTF-8: see `MySQL.shown`.

-- :name queues
-- The queues that have waiting jobs, by hops along the index.
SELECT CAST(queue AS BINARY) FROM (SELECT DISTINCT queue FROM proletarian_job) AS known ORDER BY queue

-- :name level
-- The highest priority below another one, of the jobs of a queue that are in no lane.
SELECT MAX(priority) FROM proletarian_job
 WHERE queue = CONVERT(:queue USING utf8mb4) AND lane = '' AND priority < :below

-- :name waiting_in
-- Of one priority of a queue, how many are due and how many are not, and since when the oldest one is: each is a
-- range of the index, so that a million jobs that are not due cost nothing when those that are due are counted.
SELECT (SELECT COUNT(*)
          FROM (SELECT 1 AS one FROM proletarian_job
                 WHERE queue = CONVERT(:queue USING utf8mb4) AND lane = '' AND priority = :priority AND process_at <= :NOW
                 LIMIT :most) AS due),
       (SELECT COUNT(*)
          FROM (SELECT 1 AS one FROM proletarian_job
                 WHERE queue = CONVERT(:queue USING utf8mb4) AND lane = '' AND priority = :priority AND process_at > :NOW
                 LIMIT :most) AS scheduled),
       (SELECT MIN(process_at) FROM proletarian_job
         WHERE queue = CONVERT(:queue USING utf8mb4) AND lane = '' AND priority = :priority AND process_at <= :NOW)

-- :name in_lanes
-- The same of a queue's jobs that are under a limit, of all lanes together: there may be as many lanes as customers,
-- so the first entries of the index are read, whoever's they are.
SELECT COUNT(IF(process_at <= :NOW, 1, NULL)), COUNT(IF(process_at > :NOW, 1, NULL)),
       MIN(IF(process_at <= :NOW, process_at, NULL))
  FROM (SELECT process_at FROM proletarian_job
         WHERE queue = CONVERT(:queue USING utf8mb4) AND lane > ''
         ORDER BY lane, priority, process_at, job_id
         LIMIT :most) AS limited

-- :name running
SELECT CAST(queue AS BINARY), COUNT(*) FROM proletarian_running_job GROUP BY queue

-- :name failed
-- Of the latest failures, how many are of which queue.
SELECT CAST(queue AS BINARY), COUNT(*)
  FROM (SELECT queue FROM proletarian_archived_job WHERE status = 'failure' ORDER BY job_id DESC LIMIT :most) AS failed
 GROUP BY queue

-- :name workers
-- Who is there, since when, and how long has its heartbeat been silent? Are the locks that prove its life free?
-- How many jobs does it run, and since when the one that it has run for the longest?
SELECT worker_id, CAST(host AS BINARY), pid, CAST(queues AS BINARY), CAST(job_types AS BINARY), started_at, seen_at,
       TIMESTAMPDIFF(MICROSECOND, seen_at, UTC_TIMESTAMP(6)) / 1000000.0, lost_after,
       CAST(liveness_lock AS BINARY), IF(liveness_lock IS NULL, 0, IS_FREE_LOCK(liveness_lock) = 1),
       CAST(pump_lock AS BINARY), IF(pump_lock IS NULL, 0, IS_FREE_LOCK(pump_lock) = 1),
       (SELECT COUNT(*) FROM proletarian_running_job AS running WHERE running.worker_id = worker.worker_id),
       (SELECT MIN(running.started_at) FROM proletarian_running_job AS running
         WHERE running.worker_id = worker.worker_id)
  FROM proletarian_worker AS worker
 ORDER BY worker.started_at, worker.worker_id
 LIMIT :most

-- :name finished
-- What ended between two moments, by queue and by how it ended; no more rows are read than `most`, the first ones, and
-- up to when they go.
SELECT CAST(queue AS BINARY), CAST(status AS BINARY), COUNT(*), MAX(finished_at)
  FROM (SELECT queue, status, finished_at FROM proletarian_archived_job
         WHERE finished_at >= CAST(:begins AS DATETIME(6)) AND finished_at < CAST(:ends AS DATETIME(6))
         ORDER BY finished_at
         LIMIT :most) AS finished
 GROUP BY queue, status

-- :name by_minute
-- The same for a span of time, by the minutes since its beginning: a short span is read at once.
SELECT TIMESTAMPDIFF(MINUTE, CAST(:begins AS DATETIME(6)), finished_at) AS minute, CAST(queue AS BINARY),
       CAST(status AS BINARY), COUNT(*)
  FROM (SELECT queue, status, finished_at FROM proletarian_archived_job
         WHERE finished_at >= CAST(:begins AS DATETIME(6)) AND finished_at < CAST(:ends AS DATETIME(6))
         ORDER BY finished_at
         LIMIT :most) AS finished
 GROUP BY minute, queue, status
