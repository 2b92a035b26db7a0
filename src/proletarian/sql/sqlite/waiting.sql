-- :name workers
-- A worker whose heartbeat is on time counts as alive here: a single look is too short to judge by locks.
SELECT queues, job_types, (julianday('now') - julianday(seen_at)) * 86400.0 <= lost_after
  FROM proletarian_worker AS worker
 LIMIT 1000

-- :name ahead
-- Of a million jobs of a higher priority that are not due yet, only the first ones are read: the number is for people,
-- who are told where counting stopped.
SELECT (SELECT count(*)
          FROM (SELECT process_at FROM proletarian_job AS job
                 WHERE job.queue = :queue AND job.lane = :lane AND job.priority > :priority LIMIT :most) AS higher
         WHERE higher.process_at <= :NOW)
     + (SELECT count(*)
          FROM (SELECT 1 AS one FROM proletarian_job AS job
                 WHERE job.queue = :queue AND job.lane = :lane AND job.priority = :priority
                   AND job.process_at < :process_at LIMIT :most) AS earlier)

-- :name holders
-- Which runs occupy a lane: the first few of them, and how many there are.
SELECT job_id, (SELECT known.host || ':' || known.pid FROM proletarian_worker AS known WHERE known.worker_id = running.worker_id), count(*) OVER ()
  FROM proletarian_running_job AS running
 WHERE lane = :lane AND lane <> ''
 ORDER BY started_at
 LIMIT 3

-- :name rate
-- The number of seconds until the rate of a lane allows the next start.
SELECT next_at - (strftime('%s', :NOW) + (strftime('%f', :NOW) - strftime('%S', :NOW))) FROM proletarian_lane AS state WHERE lane = :lane

-- :name head
-- The first job of a lane, and the number of seconds until it is retried.
SELECT job_id, (julianday(job.retry_at) - julianday(:NOW)) * 86400.0
  FROM proletarian_job AS job
 WHERE queue = :queue AND lane = :lane AND process_at <= :NOW
 ORDER BY priority DESC, process_at, job_id
 LIMIT 1
