-- :name register
-- A worker is there from now on. `liveness_lock` and `pump_lock` prove its life; null: only its
-- heartbeat does. ON DUPLICATE KEY: said once more, because the answer to the first time was lost.
INSERT INTO proletarian_worker
       (worker_id, host, pid, queues, job_types, limits, process, liveness_lock, pump_lock, lost_after,
        started_at, seen_at)
VALUES (:worker_id, :host, :pid, :queues, :job_types, :limits, :process, :lock, :pump_lock, :lost_after,
        UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))
    ON DUPLICATE KEY UPDATE seen_at = UTC_TIMESTAMP(6)

-- :name beat
-- No row changed means that this worker was declared dead.
UPDATE proletarian_worker SET seen_at = UTC_TIMESTAMP(6) WHERE worker_id = :worker_id

-- :name seen
SELECT seen_at, (SELECT COUNT(*) FROM proletarian_worker) FROM proletarian_worker WHERE worker_id = :worker_id

-- :name unregister
DELETE FROM proletarian_worker WHERE worker_id = :worker_id

-- :name peers
-- Who is there, how long has its heartbeat been silent, and are the locks that prove its life held?
SELECT worker_id, host, pid, seen_at, TIMESTAMPDIFF(MICROSECOND, seen_at, UTC_TIMESTAMP(6)) / 1000000.0, lost_after,
       process, liveness_lock, IF(liveness_lock IS NULL, 0, IS_FREE_LOCK(liveness_lock) = 1),  -- MySQL takes no NULL for a name
       pump_lock, IF(pump_lock IS NULL, 0, IS_FREE_LOCK(pump_lock) = 1)
  FROM proletarian_worker

-- :name dying
-- One that is to be declared dead, unless it has beaten since it was judged: its row is as it was
-- seen. The row lock makes a late beat wait, and find its row gone. A row that somebody has locked
-- may be just beating, or be held for an hour by a forgotten client: it must not hold up the others.
SELECT host, pid, queues
  FROM proletarian_worker
 WHERE worker_id = :worker_id AND seen_at = :seen_at
   FOR UPDATE SKIP LOCKED

-- :name orphans
-- Runs whose worker is not there. Also looked for when nobody has died: the last statement
-- of a dead worker may commit after it was buried.
-- `apart` and whether that worker had other runs say which of them it died of.
SELECT worker_id, :JOB, run_id, apart,
       EXISTS (SELECT 1 FROM proletarian_running_job AS other
                WHERE other.worker_id = running.worker_id AND other.run_id <> running.run_id)
  FROM proletarian_running_job AS running
 WHERE NOT EXISTS (SELECT 1 FROM proletarian_worker AS worker WHERE worker.worker_id = running.worker_id)
 LIMIT :most
   FOR UPDATE SKIP LOCKED

-- :name hold
-- The worker's life as a lock of this session: it goes with the connection.
SELECT GET_LOCK(:lock, 0)

-- :name evict
-- Which session holds the lock of a worker that has lost it, or was buried? Its client is out of reach, and what it
-- had begun would keep its rows locked until `wait_timeout` is over: eight hours.
SELECT IF(IS_USED_LOCK(:lock) = CONNECTION_ID(), NULL, IS_USED_LOCK(:lock))

-- :name kill
-- Whoever has connected as the same user may.
KILL :session

-- :name held
-- Seen from another session: is that lock really held by the session that we took it with?
SELECT IS_USED_LOCK(:lock) = :session

-- :name held_by
-- How many runs of each queue a dead worker had, where one look at its orphans may not have shown all.
SELECT queue, count(*) FROM proletarian_running_job WHERE worker_id = :worker_id GROUP BY queue
