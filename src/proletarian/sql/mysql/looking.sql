-- An overview. Every count stops at a limit; a statement without a limit hops along an index, or reads tables that are
-- as small as the fleet. Text is returned as UTF-8 bytes: see `MySQL.shown`.

-- :name queues
-- The queues that have waiting jobs, by hops along the index.
SELECT CAST(queue AS BINARY) FROM (SELECT DISTINCT queue FROM proletarian_job) AS known ORDER BY queue

-- :name level
-- The next lower priority among a queue's jobs without a lane.
SELECT MAX(priority) FROM proletarian_job
 WHERE queue = CONVERT(:queue USING utf8mb4) AND lane = '' AND priority < :below

-- :name waiting_in
-- For one priority of a queue: how many jobs are due, how many are not, and since when the oldest has been due. Each is
-- a range of the index, so a million jobs that are not due cost nothing when the due ones are counted.
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
-- The same for a queue's jobs under a limit, all lanes together: there may be as many lanes as customers, so the first
-- entries of the index are read, whatever their lane.
SELECT COUNT(IF(process_at <= :NOW, 1, NULL)), COUNT(IF(process_at > :NOW, 1, NULL)),
       MIN(IF(process_at <= :NOW, process_at, NULL))
  FROM (SELECT process_at FROM proletarian_job
         WHERE queue = CONVERT(:queue USING utf8mb4) AND lane > ''
         ORDER BY lane, priority, process_at, job_id
         LIMIT :most) AS limited

-- :name running
SELECT CAST(queue AS BINARY), COUNT(*) FROM proletarian_running_job GROUP BY queue

-- :name failed
-- How many of the latest failures belong to each queue.
SELECT CAST(queue AS BINARY), COUNT(*)
  FROM (SELECT queue FROM proletarian_archived_job WHERE status = 'failure' ORDER BY job_id DESC LIMIT :most) AS failed
 GROUP BY queue

-- :name workers
-- Which workers there are, since when, and how long each one's heartbeat has been silent; whether the locks that prove
-- its life are free; how many jobs it runs, and since when it has run the oldest of them.
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
-- What ended between two moments, by queue and by how it ended. Only the first `most` rows are read, and the result
-- says how far they reach.
SELECT CAST(queue AS BINARY), CAST(status AS BINARY), COUNT(*), MAX(finished_at)
  FROM (SELECT queue, status, finished_at FROM proletarian_archived_job
         WHERE finished_at >= CAST(:begins AS DATETIME(6)) AND finished_at < CAST(:ends AS DATETIME(6))
         ORDER BY finished_at
         LIMIT :most) AS finished
 GROUP BY queue, status

-- :name by_minute
-- The same for a span of time, by minutes since its start: a short span is read in one go.
SELECT TIMESTAMPDIFF(MINUTE, CAST(:begins AS DATETIME(6)), finished_at) AS minute, CAST(queue AS BINARY),
       CAST(status AS BINARY), COUNT(*)
  FROM (SELECT queue, status, finished_at FROM proletarian_archived_job
         WHERE finished_at >= CAST(:begins AS DATETIME(6)) AND finished_at < CAST(:ends AS DATETIME(6))
         ORDER BY finished_at
         LIMIT :most) AS finished
 GROUP BY minute, queue, status
