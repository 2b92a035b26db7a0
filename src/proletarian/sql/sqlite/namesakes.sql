-- :name taken
-- Which of these runs share their id with another job: one in the archive, one that waits.
SELECT run_id, archived, waiting
  FROM (SELECT running.run_id AS run_id,
               EXISTS (SELECT 1 FROM proletarian_archived_job AS other WHERE other.job_id = running.job_id) AS archived,
               EXISTS (SELECT 1 FROM proletarian_job AS other WHERE other.job_id = running.job_id) AS waiting
          FROM json_each(:run_ids) AS ended
          CROSS JOIN proletarian_running_job AS running
             ON running.worker_id = :worker_id AND running.run_id = ended.value ->> 'run_id')
 WHERE archived OR waiting

-- :name rename
-- Only the run's own worker may do this, and ids are not unique in running_job, so it always succeeds.
UPDATE proletarian_running_job SET job_id = :job_id WHERE worker_id = :worker_id AND run_id = :run_id
