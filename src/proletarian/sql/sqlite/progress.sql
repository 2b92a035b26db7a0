-- :name progress
UPDATE proletarian_running_job
   SET progress = said.value ->> 1
  FROM json_each(:notes) AS said
 WHERE proletarian_running_job.worker_id = :worker_id
   AND proletarian_running_job.run_id = said.value ->> 0

-- :name set_apart
-- How a suspect's run starts: 1 beside others, 2 with no other run in its worker's hands. Written before its handler is
-- called, so it is there if the worker dies during the run.
UPDATE proletarian_running_job SET apart = :apart WHERE worker_id = :worker_id AND run_id = :run_id
