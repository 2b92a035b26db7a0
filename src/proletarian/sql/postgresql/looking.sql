-- An overview. Every count stops at a limit; a statement without a limit hops along an index, or reads tables that are
-- as small as the fleet.

-- :name queues
-- The queues that have waiting jobs, by hops along the index.
WITH RECURSIVE known(queue) AS (
    SELECT (SELECT min(queue) FROM proletarian.job)
     UNION ALL
    SELECT (SELECT min(job.queue) FROM proletarian.job AS job WHERE job.queue > known.queue)
      FROM known
     WHERE known.queue IS NOT NULL)
SELECT queue FROM known WHERE queue IS NOT NULL

-- :name level
-- The next lower priority among a queue's jobs without a lane.
SELECT max(priority) FROM proletarian.job AS job
 WHERE queue = :queue AND lane = '' AND priority < CAST(:below AS int)

-- :name waiting_in
-- For one priority of a queue: how many jobs are due, how many are not, and since when the oldest has been due. Each is
-- a range of the index, so a million jobs that are not due cost nothing when the due ones are counted.
SELECT (SELECT count(*)
          FROM (SELECT 1 AS one FROM proletarian.job AS job
                 WHERE queue = :queue AND lane = '' AND priority = CAST(:priority AS smallint) AND process_at <= :NOW
                 LIMIT CAST(:most AS int)) AS due),
       (SELECT count(*)
          FROM (SELECT 1 AS one FROM proletarian.job AS job
                 WHERE queue = :queue AND lane = '' AND priority = CAST(:priority AS smallint) AND process_at > :NOW
                 LIMIT CAST(:most AS int)) AS scheduled),
       (SELECT to_char(min(process_at) AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24MISS.US+00') FROM proletarian.job AS job
         WHERE queue = :queue AND lane = '' AND priority = CAST(:priority AS smallint) AND process_at <= :NOW)

-- :name in_lanes
-- The same for a queue's jobs under a limit, all lanes together: there may be as many lanes as customers, so the first
-- entries of the index are read, whatever their lane. (The ORDER BY makes it use the index.)
SELECT count(*) FILTER (WHERE process_at <= :NOW), count(*) FILTER (WHERE process_at > :NOW),
       to_char(min(process_at) FILTER (WHERE process_at <= :NOW) AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24MISS.US+00')
  FROM (SELECT process_at FROM proletarian.job AS job
         WHERE queue = :queue AND lane > ''
         ORDER BY lane, priority DESC, process_at, job_id
         LIMIT CAST(:most AS int)) AS limited

-- :name running
SELECT queue, count(*) FROM proletarian.running_job AS running GROUP BY queue

-- :name failed
-- How many of the latest failures belong to each queue.
SELECT queue, count(*)
  FROM (SELECT queue FROM proletarian.archived_job AS archived
         WHERE status = 'failure' AND status <> 'success'
         ORDER BY job_id DESC
         LIMIT CAST(:most AS int)) AS failed
 GROUP BY queue

-- :name workers
-- Which workers there are, since when, and how long each one's heartbeat has been silent; whether the locks that prove
-- its life are free; how many jobs it runs, and since when it has run the oldest of them.
WITH held AS MATERIALIZED (
SELECT (CAST(held.classid AS bigint) << 32) | CAST(held.objid AS bigint) AS lock
  FROM pg_locks AS held
 WHERE held.locktype = 'advisory'
   AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND held.objsubid = 1
   AND held.granted)
SELECT CAST(worker.worker_id AS text), worker.host, worker.pid, worker.queues, worker.job_types,
       to_char(worker.started_at AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24MISS.US+00'),
       to_char(worker.seen_at AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24MISS.US+00'),
       CAST(extract(epoch FROM clock_timestamp() - worker.seen_at) AS float8), worker.lost_after,
       worker.liveness_lock, worker.liveness_lock NOT IN (SELECT lock FROM held),
       worker.pump_lock, worker.pump_lock NOT IN (SELECT lock FROM held),
       (SELECT count(*) FROM proletarian.running_job AS running WHERE running.worker_id = worker.worker_id),
       (SELECT to_char(min(running.started_at) AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24MISS.US+00')
          FROM proletarian.running_job AS running WHERE running.worker_id = worker.worker_id)
  FROM proletarian.worker AS worker
 ORDER BY worker.started_at, worker.worker_id
 LIMIT CAST(:most AS int)

-- :name finished
-- What ended between two moments, by queue and by how it ended. No more than `most` rows are read, and the result says
-- how far they reach. (The archive is stored in the order of time, so these are the first ones.)
SELECT queue, status, count(*), to_char(max(finished_at) AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24MISS.US+00')
  FROM (SELECT queue, status, finished_at FROM proletarian.archived_job AS archived
         WHERE finished_at >= CAST(:begins AS timestamptz) AND finished_at < CAST(:ends AS timestamptz)
         LIMIT CAST(:most AS int)) AS finished
 GROUP BY queue, status

-- :name by_minute
-- The same for a span of time, by minutes since its start: a short span is read in one go, because each range of this
-- index covers many minutes.
SELECT CAST(floor(extract(epoch FROM finished_at - CAST(:begins AS timestamptz)) / 60) AS int), queue, status, count(*)
  FROM (SELECT queue, status, finished_at FROM proletarian.archived_job AS archived
         WHERE finished_at >= CAST(:begins AS timestamptz) AND finished_at < CAST(:ends AS timestamptz)
         LIMIT CAST(:most AS int)) AS finished
 GROUP BY 1, 2, 3
