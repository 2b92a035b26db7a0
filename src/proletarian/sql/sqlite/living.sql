-- :name register
-- From now on this worker is known. `liveness_lock` is the file that it keeps locked; null: only its heartbeat proves
-- that it lives.
INSERT INTO proletarian_worker
       (worker_id, host, pid, queues, job_types, limits, process, liveness_lock, pump_lock, lost_after,
        started_at, seen_at)
VALUES (:worker_id, :host, :pid, :queues, :job_types, :limits, :process, :lock, :pump_lock, :lost_after,
        strftime('%Y-%m-%d %H:%M:%f000', 'now'), strftime('%Y-%m-%d %H:%M:%f000', 'now'))
    ON CONFLICT (worker_id) DO UPDATE SET seen_at = excluded.seen_at

-- :name beat
-- No row changed means that this worker was declared dead.
UPDATE proletarian_worker SET seen_at = strftime('%Y-%m-%d %H:%M:%f000', 'now') WHERE worker_id = :worker_id

-- :name seen
SELECT seen_at, (SELECT count(*) FROM proletarian_worker) FROM proletarian_worker WHERE worker_id = :worker_id

-- :name unregister
DELETE FROM proletarian_worker WHERE worker_id = :worker_id

-- :name peers
-- Which workers there are, and how long each one's heartbeat has been silent. The file shows whether its lock is free.
SELECT worker_id, host, pid, seen_at, (julianday('now') - julianday(seen_at)) * 86400.0, lost_after, process,
       liveness_lock, 0, pump_lock, 0
  FROM proletarian_worker

-- :name dying
-- A worker to be declared dead, unless it has sent a heartbeat since it was judged: its row has not changed since then.
SELECT host, pid, queues FROM proletarian_worker WHERE worker_id = :worker_id AND seen_at = :seen_at

-- :name orphans
-- Runs whose worker does not exist any more. `apart`, and whether that worker had other runs, tell which run killed it.
SELECT worker_id, :JOB, run_id, apart,
       EXISTS (SELECT 1 FROM proletarian_running_job AS other
                WHERE other.worker_id = running.worker_id AND other.run_id <> running.run_id)
  FROM proletarian_running_job AS running
 WHERE NOT EXISTS (SELECT 1 FROM proletarian_worker AS worker WHERE worker.worker_id = running.worker_id)
 LIMIT :most

-- :name held_by
-- How many runs of each queue a dead worker had; one look at its orphans may not have shown all.
SELECT queue, count(*) FROM proletarian_running_job WHERE worker_id = :worker_id GROUP BY queue
