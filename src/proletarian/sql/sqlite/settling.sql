-- :name ours
-- The runs that are still this worker's own. (worker_id, run_id) is the fence, and the primary key of the table: a run
-- that was taken back from the worker is no longer here under that key.
SELECT running.run_id
  FROM json_each(:ended) AS ended
  CROSS JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = ended.value ->> 'run_id'

-- :name archive
-- This fails if an id was given to two jobs, or if a value does not fit its column: the worker then finds out which row
-- it is, and settles that one separately; see `namesakes.sql`.
INSERT INTO proletarian_archived_job (:KEPT, attempts, process_at, lost, errors,
        status, started_at, finished_at, worker, result)
SELECT :KEPT, ended.value ->> 'attempts', running.process_at, ended.value ->> 'lost',
       coalesce(ended.value ->> 'errors', running.errors), ended.value ->> 'status', running.started_at,
       coalesce(:now, strftime('%Y-%m-%d %H:%M:%f000', 'now')), :worker, ended.value ->> 'result'
  FROM json_each(:ended) AS ended
  CROSS JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = ended.value ->> 'run_id'
 WHERE ended.value ->> 'status' IS NOT NULL

-- :name put_back
-- A job of an ordered lane keeps its place while it waits to be retried: `retry_in` instead of `delay`.
INSERT INTO proletarian_job (:KEPT, attempts, process_at, lost, errors, suspect, retry_at)
SELECT :KEPT, ended.value ->> 'attempts',
       CASE WHEN ended.value ->> 'delay' IS NULL THEN running.process_at
            ELSE strftime('%Y-%m-%d %H:%M:%f000', coalesce(:now, 'now'),
                          printf('%+.3f seconds', ended.value ->> 'delay')) END,
       ended.value ->> 'lost', coalesce(ended.value ->> 'errors', running.errors),
       coalesce(ended.value ->> 'suspect', 0),
       CASE WHEN ended.value ->> 'retry_in' IS NOT NULL
            THEN strftime('%Y-%m-%d %H:%M:%f000', coalesce(:now, 'now'),
                          printf('%+.3f seconds', ended.value ->> 'retry_in')) END
  FROM json_each(:ended) AS ended
  CROSS JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = ended.value ->> 'run_id'
 WHERE ended.value ->> 'status' IS NULL

-- :name end
DELETE FROM proletarian_running_job
 WHERE worker_id = :worker_id
   AND run_id IN (SELECT value ->> 'run_id' FROM json_each(:ended))

-- :name undecided
-- Is a run that was completed in its handler's own transaction still here?
SELECT running.run_id
  FROM json_each(:run_ids) AS ended
  CROSS JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = ended.value ->> 'run_id'

-- :name rolled_back
-- The same statement: with one writer at a time there is no open transaction to wait for.
SELECT running.run_id
  FROM json_each(:run_ids) AS ended
  CROSS JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = ended.value ->> 'run_id'
