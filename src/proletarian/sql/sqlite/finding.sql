-- A job is in one table, and moves in one transaction. So all tables are read by one statement, which sees
-- one moment: a job that moves meanwhile is seen where it was or where it is, never nowhere or twice.
-- The conditions of a filter, the order and a limit are put behind each of these by `finding.py`.

-- :name held
SELECT 'held' AS state, :EVERYWHERE,
       NULL AS started_at, NULL AS finished_at, NULL AS worker, NULL AS progress, NULL AS result
  FROM proletarian_held_job AS held

-- :name waiting
SELECT CASE WHEN process_at <= :NOW THEN 'waiting' ELSE 'scheduled' END AS state, :EVERYWHERE,
       NULL AS started_at, NULL AS finished_at, NULL AS worker, NULL AS progress, NULL AS result
  FROM proletarian_job AS job

-- :name running
SELECT 'running' AS state, :EVERYWHERE, started_at, NULL AS finished_at,
       (SELECT known.host || ':' || known.pid FROM proletarian_worker AS known
         WHERE known.worker_id = running.worker_id) AS worker,
       progress, NULL AS result
  FROM proletarian_running_job AS running

-- :name archived
SELECT CASE status WHEN 'success' THEN 'succeeded' WHEN 'failure' THEN 'failed' ELSE 'cancelled' END AS state, :EVERYWHERE,
       started_at, finished_at, worker, NULL AS progress, result
  FROM proletarian_archived_job AS archived

-- :name workers
-- Those whose host and process id have this in them.
SELECT known.worker_id FROM proletarian_worker AS known WHERE instr(known.host || ':' || known.pid, :worker) > 0
