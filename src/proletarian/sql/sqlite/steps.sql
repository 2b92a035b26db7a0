-- :name load
-- The results of steps from earlier runs of these runs' jobs, but not of another job that had the same id before.
SELECT running.run_id, step.name, step.result
  FROM json_each(:run_ids) AS asked
  CROSS JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = asked.value ->> 'run_id'
  CROSS JOIN proletarian_step AS step ON step.job_id = running.job_id AND step.enqueued_at = running.enqueued_at

-- :name ours
-- Those of these runs that are still this worker's own. With one writer at a time, nobody takes one back in the
-- meantime.
SELECT running.run_id
  FROM json_each(:run_ids) AS asked
  CROSS JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = asked.value ->> 'run_id'

-- :name keep
-- What was stored first stays, so this can be repeated after a lost answer.
INSERT INTO proletarian_step (job_id, name, enqueued_at, result, kept_at)
SELECT running.job_id, said.value ->> 1, running.enqueued_at, said.value ->> 2, strftime('%Y-%m-%d %H:%M:%f000', 'now')
  FROM json_each(:said) AS said
  CROSS JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = said.value ->> 0
 WHERE true
    ON CONFLICT (job_id, name) DO UPDATE
   SET enqueued_at = excluded.enqueued_at, result = excluded.result, kept_at = excluded.kept_at
 WHERE proletarian_step.enqueued_at <> excluded.enqueued_at

-- :name forget
DELETE FROM proletarian_step WHERE job_id IN (SELECT value FROM json_each(:job_ids))
