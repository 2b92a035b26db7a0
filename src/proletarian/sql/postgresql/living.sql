-- :name register
-- From now on this worker is known. `liveness_lock` and `pump_lock` prove that it lives; null: only its heartbeat does.
-- ON CONFLICT: this is a repetition, because the first answer was lost.
INSERT INTO proletarian.worker AS worker
       (worker_id, host, pid, queues, job_types, limits, process, liveness_lock, pump_lock, lost_after,
        started_at, seen_at)
VALUES (:worker_id, :host, :pid, :queues, :job_types, :limits, :process, :lock, :pump_lock, :lost_after,
        clock_timestamp(), clock_timestamp())
    ON CONFLICT (worker_id) DO UPDATE SET seen_at = clock_timestamp()
RETURNING seen_at, (SELECT count(*) FROM proletarian.worker)

-- :name beat
-- No row means that this worker was declared dead.
UPDATE proletarian.worker AS worker
   SET seen_at = clock_timestamp()
 WHERE worker_id = :worker_id
RETURNING seen_at, (SELECT count(*) FROM proletarian.worker)

-- :name unregister
DELETE FROM proletarian.worker AS worker WHERE worker_id = :worker_id

-- :name peers
-- Which workers there are, how long each one's heartbeat has been silent, and whether the locks that prove its life are
-- held. Reading pg_locks takes no lock away from anybody, as trying one would; it is read once for all workers.
WITH held AS MATERIALIZED (
SELECT (CAST(held.classid AS bigint) << 32) | CAST(held.objid AS bigint) AS lock
  FROM pg_locks AS held
 WHERE held.locktype = 'advisory'
   AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND held.objsubid = 1
   AND held.granted)
SELECT worker.worker_id, worker.host, worker.pid, worker.seen_at,
       extract(epoch FROM clock_timestamp() - worker.seen_at), worker.lost_after, worker.process,
       worker.liveness_lock, worker.liveness_lock NOT IN (SELECT lock FROM held),
       worker.pump_lock, worker.pump_lock NOT IN (SELECT lock FROM held)
  FROM proletarian.worker AS worker

-- :name bury
-- Declare workers dead that have not sent a heartbeat since they were judged: their rows have not changed since then.
-- Their runs lose their owner in the same transaction. A locked row may be in the middle of a heartbeat, or be locked
-- for an hour by a forgotten psql: it must not hold up the others.
DELETE FROM proletarian.worker AS worker
 WHERE worker.ctid = ANY (ARRAY(
       SELECT dying.ctid
         FROM proletarian.worker AS dying
         JOIN unnest(CAST(:worker_ids AS uuid[]), CAST(:seen_ats AS timestamptz[])) AS judged(worker_id, seen_at)
           ON dying.worker_id = judged.worker_id AND dying.seen_at = judged.seen_at
          FOR UPDATE OF dying SKIP LOCKED))
RETURNING worker.worker_id, worker.host, worker.pid, worker.queues

-- :name orphans
-- Runs whose worker does not exist any more. They are looked for even if nobody has died: the last statement of a dead
-- worker may commit after it was buried. `apart`, and whether that worker had other runs, tell which run killed it.
SELECT worker_id, :JOB, run_id, apart,
       EXISTS (SELECT 1 FROM proletarian.running_job AS other
                WHERE other.worker_id = running.worker_id AND other.run_id <> running.run_id)
  FROM proletarian.running_job AS running
 WHERE NOT EXISTS (SELECT FROM proletarian.worker AS worker WHERE worker.worker_id = running.worker_id)
 LIMIT :most
   FOR UPDATE OF running SKIP LOCKED

-- :name hold
-- The proof that the worker lives: a lock of this session, released when the connection ends.
SELECT pg_try_advisory_lock(:lock)

-- :name evict
-- End the session that holds the lock of a worker that has lost this session, or was buried. Its client is out of
-- reach, and its open transaction would keep rows locked for as long as the server considers the session alive.
SELECT pg_terminate_backend(held.pid)
  FROM pg_locks AS held
 WHERE held.locktype = 'advisory' AND held.objsubid = 1 AND held.granted
   AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND held.pid <> pg_backend_pid()
   AND ((CAST(held.classid AS bigint) << 32) | CAST(held.objid AS bigint)) = :lock

-- :name held
-- Checked from another session: is the lock really held by the server process with which we took it? Behind a
-- connection pooler it is not.
SELECT EXISTS (SELECT FROM pg_locks AS held
                WHERE held.locktype = 'advisory' AND held.objsubid = 1 AND held.granted
                  AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND held.pid = :session
                  AND ((CAST(held.classid AS bigint) << 32) | CAST(held.objid AS bigint)) = :lock)

-- :name held_by
-- How many runs of each queue a dead worker had; one look at its orphans may not have shown all.
SELECT queue, count(*) FROM proletarian.running_job WHERE worker_id = :worker_id GROUP BY queue
