-- A job is in one table, and moves in one transaction. So one statement reads all tables and sees a single moment: a
-- job that moves in the meantime is seen either where it was or where it is now, never nowhere or twice. `finding.py`
-- appends the conditions of a filter, the order and a limit to each of these.

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
       (SELECT CONCAT(known.host, ':', known.pid) FROM proletarian_worker AS known
         WHERE known.worker_id = running.worker_id) AS worker,
       progress, NULL AS result
  FROM proletarian_running_job AS running

-- :name archived
SELECT CASE status WHEN 'success' THEN 'succeeded' WHEN 'failure' THEN 'failed' ELSE 'cancelled' END AS state, :EVERYWHERE,
       started_at, finished_at, worker, NULL AS progress, result
  FROM proletarian_archived_job AS archived

-- :name workers
-- Workers whose host and process id contain this text.
SELECT known.worker_id FROM proletarian_worker AS known WHERE INSTR(CONCAT(known.host, ':', known.pid), CONVERT(:worker USING utf8mb4)) > 0
