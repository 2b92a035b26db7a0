-- A job is in one table, and moves in one transaction. So all tables are read by one statement, which sees
-- one moment: a job that moves meanwhile is seen where it was or where it is, never nowhere or twice.
-- The conditions of a filter, the order and a limit are put behind each of these by `finding.py`.

-- :name held
SELECT 'held' AS state, :EVERYWHERE,
       CAST(NULL AS timestamptz) AS started_at, CAST(NULL AS timestamptz) AS finished_at, CAST(NULL AS text) AS worker,
       CAST(NULL AS text) AS progress, CAST(NULL AS text) AS result
  FROM proletarian.held_job AS held

-- :name waiting
SELECT CASE WHEN process_at <= :NOW THEN 'waiting' ELSE 'scheduled' END AS state, :EVERYWHERE,
       CAST(NULL AS timestamptz) AS started_at, CAST(NULL AS timestamptz) AS finished_at, CAST(NULL AS text) AS worker,
       CAST(NULL AS text) AS progress, CAST(NULL AS text) AS result
  FROM proletarian.job AS job

-- :name running
SELECT 'running' AS state, :EVERYWHERE, started_at, CAST(NULL AS timestamptz) AS finished_at,
       (SELECT known.host || ':' || known.pid FROM proletarian.worker AS known
         WHERE known.worker_id = running.worker_id) AS worker,
       progress, CAST(NULL AS text) AS result
  FROM proletarian.running_job AS running

-- :name archived
SELECT CASE status WHEN 'success' THEN 'succeeded' WHEN 'failure' THEN 'failed' ELSE 'cancelled' END AS state, :EVERYWHERE,
       started_at, finished_at, worker, CAST(NULL AS text) AS progress, result
  FROM proletarian.archived_job AS archived

-- :name workers
-- Those whose host and process id have this in them.
SELECT known.worker_id FROM proletarian.worker AS known WHERE strpos(known.host || ':' || known.pid, :worker) > 0
