-- :name progress
UPDATE proletarian_running_job
   SET progress = said.value ->> 1
  FROM json_each(:notes) AS said
 WHERE proletarian_running_job.worker_id = :worker_id
   AND proletarian_running_job.run_id = said.value ->> 0

-- :name set_apart
-- How a suspect's run is begun: 1 beside others, 2 with nothing else in its worker's hands.
-- Said before its handler is called, so that a death under it finds it said.
UPDATE proletarian_running_job SET apart = :apart WHERE worker_id = :worker_id AND run_id = :run_id
