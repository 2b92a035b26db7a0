-- What Proletarian says to SQLite (3.38 and newer). Each block is one statement; `:name` is
-- a parameter. The tables are described in migrations/sqlite/.
--
-- Timestamps are text in UTC with six digits behind the second, so that they sort; SQLite's
-- own clock fills three of them. Batches travel as one JSON parameter.

-- :name enqueue
-- The row goes in on the caller's connection, in the caller's transaction.
INSERT INTO proletarian_job (job_id, queue, job_type, payload, priority, headers, enqueued_at, process_at)
SELECT :job_id, :queue, :job_type, :payload, :priority, :headers, t,
       max(coalesce(:process_at, strftime('%Y-%m-%d %H:%M:%f000', t, printf('%+.3f seconds', :delay)), t), t)
  FROM (SELECT coalesce(:now, strftime('%Y-%m-%d %H:%M:%f000', 'now')) AS t)

-- :name made_id
SELECT last_insert_rowid()

-- :name enqueue_many
INSERT INTO proletarian_job (job_id, queue, job_type, payload, priority, headers, enqueued_at, process_at)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, t,
       max(coalesce(value ->> 6,
                    CASE WHEN value ->> 7 IS NOT NULL
                         THEN strftime('%Y-%m-%d %H:%M:%f000', t, printf('%+.3f seconds', value ->> 7)) END, t), t)
  FROM json_each(:jobs),
       (SELECT coalesce(:now, strftime('%Y-%m-%d %H:%M:%f000', 'now')) AS t)

-- :name levels
-- Which priorities of these queues have due jobs, the higher ones first: by hops along the
-- index (max, then the next smaller one, …), so that a million jobs of a higher priority
-- that are not due yet cost one hop.
WITH RECURSIVE level (queue, priority) AS (
    SELECT want.value,
           (SELECT max(waiting.priority) FROM proletarian_job AS waiting WHERE waiting.queue = want.value)
      FROM json_each(:queues) AS want
     UNION ALL
    SELECT level.queue,
           (SELECT max(waiting.priority) FROM proletarian_job AS waiting
             WHERE waiting.queue = level.queue AND waiting.priority < level.priority)
      FROM level
     WHERE level.priority IS NOT NULL)
SELECT level.queue, level.priority
  FROM level
 WHERE level.priority IS NOT NULL
   AND EXISTS (SELECT 1 FROM proletarian_job AS waiting
                WHERE waiting.queue = level.queue AND waiting.priority = level.priority
                  AND waiting.process_at <= coalesce(:now, strftime('%Y-%m-%d %H:%M:%f000', 'now')))
 ORDER BY level.priority DESC

-- :name pick
-- Due jobs of one priority, oldest first. Nobody else can write meanwhile: see `begin`. A
-- worker that has been declared dead gets nothing.
SELECT job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors
  FROM proletarian_job
 WHERE queue = :queue
   AND priority = :priority
   AND process_at >= :mark
   AND process_at <= coalesce(:now, strftime('%Y-%m-%d %H:%M:%f000', 'now'))
   AND EXISTS (SELECT 1 FROM proletarian_worker WHERE worker_id = :worker_id)
 ORDER BY process_at, job_id
 LIMIT :most

-- :name take
-- Move the picked jobs to running_job, in two steps: copy, then remove.
INSERT INTO proletarian_running_job
       (job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors,
        worker_id, run_id, started_at)
SELECT job.job_id, job.queue, job.job_type, job.payload, job.attempts, job.enqueued_at, job.process_at,
       job.priority, job.headers, job.lost, job.errors, :worker_id, picked.value ->> 1,
       strftime('%Y-%m-%d %H:%M:%f000', 'now')
  FROM json_each(:picked) AS picked
  CROSS JOIN proletarian_job AS job ON job.job_id = picked.value ->> 0

-- :name remove
DELETE FROM proletarian_job WHERE job_id IN (SELECT value ->> 0 FROM json_each(:picked))

-- :name ours
-- The runs that are still this worker's own. (worker_id, run_id) is the fence, and the key
-- of the table: what was taken back from it is not here under both any more.
SELECT running.run_id
  FROM json_each(:ended) AS ended
  CROSS JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = ended.value ->> 'run_id'

-- :name archive
-- ON CONFLICT: somebody used a job id twice. One that was archived already, or (below) waits
-- already, stays as it is; to fail here would hold up the outcomes of all others.
INSERT INTO proletarian_archived_job
       (job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors,
        status, started_at, finished_at, worker, result)
SELECT running.job_id, running.queue, running.job_type, running.payload, ended.value ->> 'attempts',
       running.enqueued_at, running.process_at, running.priority, running.headers, ended.value ->> 'lost',
       coalesce(ended.value ->> 'errors', running.errors), ended.value ->> 'status', running.started_at,
       coalesce(:now, strftime('%Y-%m-%d %H:%M:%f000', 'now')), :worker, ended.value ->> 'result'
  FROM json_each(:ended) AS ended
  CROSS JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = ended.value ->> 'run_id'
 WHERE ended.value ->> 'status' IS NOT NULL
    ON CONFLICT DO NOTHING

-- :name put_back
INSERT INTO proletarian_job
       (job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors)
SELECT running.job_id, running.queue, running.job_type, running.payload, ended.value ->> 'attempts',
       running.enqueued_at,
       CASE WHEN ended.value ->> 'delay' IS NULL THEN running.process_at
            ELSE strftime('%Y-%m-%d %H:%M:%f000', coalesce(:now, 'now'),
                          printf('%+.3f seconds', ended.value ->> 'delay')) END,
       running.priority, running.headers, ended.value ->> 'lost',
       coalesce(ended.value ->> 'errors', running.errors)
  FROM json_each(:ended) AS ended
  CROSS JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = ended.value ->> 'run_id'
 WHERE ended.value ->> 'status' IS NULL
    ON CONFLICT DO NOTHING

-- :name end
DELETE FROM proletarian_running_job
 WHERE worker_id = :worker_id
   AND run_id IN (SELECT value ->> 'run_id' FROM json_each(:ended))

-- :name register
-- A worker is there from now on. `liveness_lock` is the file that it keeps locked; null:
-- only its heartbeat proves its life.
INSERT INTO proletarian_worker (worker_id, host, pid, queues, liveness_lock, lost_after, started_at, seen_at)
VALUES (:worker_id, :host, :pid, :queues, :lock, :lost_after,
        strftime('%Y-%m-%d %H:%M:%f000', 'now'), strftime('%Y-%m-%d %H:%M:%f000', 'now'))

-- :name beat
-- No row changed means that this worker was declared dead.
UPDATE proletarian_worker SET seen_at = strftime('%Y-%m-%d %H:%M:%f000', 'now') WHERE worker_id = :worker_id

-- :name seen
SELECT seen_at, (SELECT count(*) FROM proletarian_worker) FROM proletarian_worker WHERE worker_id = :worker_id

-- :name unregister
DELETE FROM proletarian_worker WHERE worker_id = :worker_id

-- :name colleagues
-- Who else is there, and is its heartbeat late? Whether its lock is free, the file says.
SELECT worker_id, liveness_lock, 0,
       julianday(seen_at) < julianday('now') - lost_after / 86400.0
  FROM proletarian_worker

-- :name dying
-- Those to be declared dead: seen without their lock, or with a heartbeat that is late now.
-- After a long write by somebody else everybody's heartbeat is late: whoever comes back
-- first must not judge the others before they had the time to come back too.
SELECT worker_id, host, pid
  FROM proletarian_worker
 WHERE instr(:lock_free, worker_id)
    OR (julianday(seen_at) < julianday('now') - lost_after / 86400.0 AND lost_after <= 2 * :in_touch)

-- :name orphans
-- Runs whose worker is not there.
SELECT running.worker_id, running.job_id, running.queue, running.job_type, running.payload, running.attempts,
       running.enqueued_at, running.process_at, running.priority, running.headers, running.lost, running.errors,
       running.run_id
  FROM proletarian_running_job AS running
 WHERE NOT EXISTS (SELECT 1 FROM proletarian_worker AS worker WHERE worker.worker_id = running.worker_id)
 LIMIT 200

-- :name mine
-- The runs that are this worker's own; compared with what it knows of, after a lost answer.
SELECT job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors, run_id
  FROM proletarian_running_job
 WHERE worker_id = :worker_id

-- :name undecided
-- Is a run that was completed in its handler's own transaction still here?
SELECT running.run_id
  FROM json_each(:ended) AS ended
  CROSS JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = ended.value ->> 'run_id'

-- :name rolled_back
-- The same: one writer at a time leaves no transaction to wait for.
SELECT running.run_id
  FROM json_each(:ended) AS ended
  CROSS JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = ended.value ->> 'run_id'

-- :name progress
UPDATE proletarian_running_job
   SET progress = said.value ->> 1
  FROM json_each(:notes) AS said
 WHERE proletarian_running_job.worker_id = :worker_id
   AND proletarian_running_job.run_id = said.value ->> 0

-- :name prune
-- A bounded bite, so that nobody waits for it.
DELETE FROM proletarian_archived_job
 WHERE rowid IN (SELECT rowid
                   FROM proletarian_archived_job
                  WHERE julianday(finished_at) < julianday('now') - :older_than / 86400.0
                    AND (status = 'success') = :succeeded
                  LIMIT :most)

-- :name changed
SELECT changes()

-- :name id_type
SELECT upper(type) FROM pragma_table_info(:table, :schema) WHERE name = 'job_id'

-- :name queues
-- The queues that have waiting jobs, by hops along the index.
WITH RECURSIVE known (queue) AS (
    SELECT (SELECT min(queue) FROM proletarian_job)
     UNION ALL
    SELECT (SELECT min(job.queue) FROM proletarian_job AS job WHERE job.queue > known.queue)
      FROM known
     WHERE known.queue IS NOT NULL)
SELECT queue FROM known WHERE queue IS NOT NULL

-- :name waiting_in
-- How many wait in a queue, and how many of them are due; counted up to a limit.
SELECT (SELECT count(*) FROM (SELECT 1 FROM proletarian_job WHERE queue = :queue LIMIT :most)),
       (SELECT count(*) FROM (SELECT 1 FROM proletarian_job
                               WHERE queue = :queue AND process_at <= strftime('%Y-%m-%d %H:%M:%f000', 'now')
                               LIMIT :most)),
       (SELECT (julianday('now') - julianday(min(process_at))) * 86400.0
          FROM (SELECT process_at FROM proletarian_job
                 WHERE queue = :queue AND process_at <= strftime('%Y-%m-%d %H:%M:%f000', 'now') LIMIT :most))

-- :name running
SELECT queue, count(*) FROM proletarian_running_job GROUP BY queue

-- :name failed
SELECT queue, count(*)
  FROM (SELECT queue FROM proletarian_archived_job WHERE status = 'failure' LIMIT :most)
 GROUP BY queue

-- :name workers
SELECT worker_id, host, pid, queues, started_at, (julianday('now') - julianday(seen_at)) * 86400.0,
       liveness_lock IS NOT NULL
  FROM proletarian_worker
 ORDER BY started_at

-- :name begin
-- Take the right to write at once: a transaction that reads first and writes later may
-- find that somebody else wrote in between, and then has to be given up.
BEGIN IMMEDIATE

-- :name commit
COMMIT
