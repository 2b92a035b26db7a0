-- An overview. Every count stops at a limit; a statement without a limit hops along an index, or reads tables that are
-- as small as the fleet.

-- :name queues
-- The queues that have waiting jobs, by hops along the index.
WITH RECURSIVE known (queue) AS (
    SELECT (SELECT min(queue) FROM proletarian_job)
     UNION ALL
    SELECT (SELECT min(job.queue) FROM proletarian_job AS job WHERE job.queue > known.queue)
      FROM known
     WHERE known.queue IS NOT NULL)
SELECT queue FROM known WHERE queue IS NOT NULL

-- :name level
-- The next lower priority among a queue's jobs without a lane.
SELECT max(priority) FROM proletarian_job WHERE queue = :queue AND lane = '' AND priority < :below

-- :name waiting_in
-- For one priority of a queue: how many jobs are due, how many are not, and since when the oldest has been due. Each is
-- a range of the index, so a million jobs that are not due cost nothing when the due ones are counted.
SELECT (SELECT count(*)
          FROM (SELECT 1 AS one FROM proletarian_job
                 WHERE queue = :queue AND lane = '' AND priority = :priority AND process_at <= :NOW LIMIT :most)),
       (SELECT count(*)
          FROM (SELECT 1 AS one FROM proletarian_job
                 WHERE queue = :queue AND lane = '' AND priority = :priority AND process_at > :NOW LIMIT :most)),
       (SELECT min(process_at) FROM proletarian_job
         WHERE queue = :queue AND lane = '' AND priority = :priority AND process_at <= :NOW)

-- :name in_lanes
-- The same for a queue's jobs under a limit, all lanes together: there may be as many lanes as customers, so the first
-- entries of the index are read, whatever their lane.
SELECT count(*) FILTER (WHERE process_at <= :NOW), count(*) FILTER (WHERE process_at > :NOW),
       min(process_at) FILTER (WHERE process_at <= :NOW)
  FROM (SELECT process_at FROM proletarian_job
         WHERE queue = :queue AND lane > ''
         ORDER BY lane, priority DESC, process_at, job_id
         LIMIT :most)

-- :name running
SELECT queue, count(*) FROM proletarian_running_job GROUP BY queue

-- :name failed
-- How many of the latest failures belong to each queue.
SELECT queue, count(*)
  FROM (SELECT queue FROM proletarian_archived_job
         WHERE status = 'failure' AND status <> 'success' ORDER BY job_id DESC LIMIT :most)
 GROUP BY queue

-- :name workers
-- Which workers there are, since when, and how long each one's heartbeat has been silent; how many jobs it runs, and
-- since when it has run the oldest of them. The file shows whether its lock is free.
SELECT worker_id, host, pid, queues, job_types, started_at, seen_at,
       (julianday('now') - julianday(seen_at)) * 86400.0, lost_after, liveness_lock, 0, pump_lock, 0,
       (SELECT count(*) FROM proletarian_running_job AS running WHERE running.worker_id = worker.worker_id),
       (SELECT min(running.started_at) FROM proletarian_running_job AS running
         WHERE running.worker_id = worker.worker_id)
  FROM proletarian_worker AS worker
 ORDER BY worker.started_at, worker.worker_id
 LIMIT :most

-- :name finished
-- What ended between two moments, by queue and by how it ended. Only the first `most` rows are read, and the result
-- says how far they reach.
SELECT queue, status, count(*), max(finished_at)
  FROM (SELECT queue, status, finished_at FROM proletarian_archived_job
         WHERE finished_at >= :begins AND finished_at < :ends ORDER BY finished_at LIMIT :most)
 GROUP BY queue, status

-- :name by_minute
-- The same for a span of time, by minutes since its start: a short span is read in one go.
SELECT (CAST(strftime('%s', finished_at) AS INTEGER) - CAST(strftime('%s', :begins) AS INTEGER)) / 60, queue, status,
       count(*)
  FROM (SELECT queue, status, finished_at FROM proletarian_archived_job
         WHERE finished_at >= :begins AND finished_at < :ends ORDER BY finished_at LIMIT :most)
 GROUP BY 1, 2, 3
