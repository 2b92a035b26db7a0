-- :name taken
-- Which of these runs share their id with another job: one in the archive, one that waits.
SELECT run_id, archived, waiting
  FROM (SELECT running.run_id,
               EXISTS (SELECT FROM proletarian.archived_job AS other WHERE other.job_id = running.job_id),
               EXISTS (SELECT FROM proletarian.job AS other WHERE other.job_id = running.job_id)
          FROM proletarian.running_job AS running
         WHERE running.worker_id = :worker_id
           AND running.run_id = ANY (CAST(CAST(:run_ids AS text) AS bigint[]))) AS asked(run_id, archived, waiting)
 WHERE archived OR waiting

-- :name rename
-- Only the run's own worker may do this, and ids are not unique in running_job, so it always succeeds.
UPDATE proletarian.running_job AS running
   SET job_id = CAST(:job_id AS :ID)
 WHERE running.worker_id = :worker_id
   AND running.run_id = CAST(:run_id AS bigint)
