-- :name taken
-- Which of these runs have an id that another job has as well: one that is archived, one that waits.
SELECT run_id, archived, waiting
  FROM (SELECT running.run_id,
               EXISTS (SELECT FROM proletarian.archived_job AS other WHERE other.job_id = running.job_id),
               EXISTS (SELECT FROM proletarian.job AS other WHERE other.job_id = running.job_id)
          FROM proletarian.running_job AS running
         WHERE running.worker_id = :worker_id
           AND running.run_id = ANY (CAST(CAST(:run_ids AS text) AS bigint[]))) AS asked(run_id, archived, waiting)
 WHERE archived OR waiting

-- :name rename
-- Only its own worker may do so, and running_job holds no id unique: this always goes.
UPDATE proletarian.running_job AS running
   SET job_id = CAST(:job_id AS :ID)
 WHERE running.worker_id = :worker_id
   AND running.run_id = CAST(:run_id AS bigint)
