-- :name register
-- From now on this worker is known. `liveness_lock` and `pump_lock` prove that it lives; null: only its heartbeat does.
-- ON DUPLICATE KEY: this is a repetition, because the first answer was lost.
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
-- Which workers there are, how long each one's heartbeat has been silent, and whether the locks that prove its life are
-- held.
SELECT worker_id, host, pid, seen_at, TIMESTAMPDIFF(MICROSECOND, seen_at, UTC_TIMESTAMP(6)) / 1000000.0, lost_after,
       process, liveness_lock, IF(liveness_lock IS NULL, 0, IS_FREE_LOCK(liveness_lock) = 1),  -- MySQL refuses NULL as a name
       pump_lock, IF(pump_lock IS NULL, 0, IS_FREE_LOCK(pump_lock) = 1)
  FROM proletarian_worker

-- :name dying
-- A worker to be declared dead, unless it has sent a heartbeat since it was judged: its row has not changed since then.
-- The row lock makes a late heartbeat wait and then find its row gone. A locked row may be in the middle of a
-- heartbeat, or be locked for an hour by a forgotten client: it must not hold up the others.
SELECT host, pid, queues
  FROM proletarian_worker
 WHERE worker_id = :worker_id AND seen_at = :seen_at
   FOR UPDATE SKIP LOCKED

-- :name orphans
-- Runs whose worker does not exist any more. They are looked for even if nobody has died: the last statement of a dead
-- worker may commit after it was buried. `apart`, and whether that worker had other runs, tell which run killed it.
SELECT worker_id, :JOB, run_id, apart,
       EXISTS (SELECT 1 FROM proletarian_running_job AS other
                WHERE other.worker_id = running.worker_id AND other.run_id <> running.run_id)
  FROM proletarian_running_job AS running
 WHERE NOT EXISTS (SELECT 1 FROM proletarian_worker AS worker WHERE worker.worker_id = running.worker_id)
 LIMIT :most
   FOR UPDATE SKIP LOCKED

-- :name hold
-- The proof that the worker lives: a lock of this session, released when the connection ends.
SELECT GET_LOCK(:lock, 0)

-- :name evict
-- The session that holds the lock of a worker that has lost this session, or was buried. Its client is out of reach,
-- and its open transaction would keep rows locked until `wait_timeout` expires: eight hours.
SELECT IF(IS_USED_LOCK(:lock) = CONNECTION_ID(), NULL, IS_USED_LOCK(:lock))

-- :name kill
-- Anyone connected as the same user may do this.
KILL :session

-- :name held
-- Checked from another session: is the lock really held by the session in which we took it?
SELECT IS_USED_LOCK(:lock) = :session

-- :name held_by
-- How many runs of each queue a dead worker had; one look at its orphans may not have shown all.
SELECT queue, count(*) FROM proletarian_running_job WHERE worker_id = :worker_id GROUP BY queue
