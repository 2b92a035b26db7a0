-- A job is in one table, and moves in one transaction. So one statement reads all tables and sees a single moment: a
-- job that moves in the meantime is seen either where it was or where it is now, never nowhere or twice. `finding.py`
-- appends the conditions of a filter, the order and a limit to each of these.

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
-- Workers whose host and process id contain this text.
SELECT known.worker_id FROM proletarian.worker AS known WHERE strpos(known.host || ':' || known.pid, :worker) > 0
