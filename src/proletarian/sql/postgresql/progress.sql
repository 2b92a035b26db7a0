-- :name progress
UPDATE proletarian.running_job AS running
   SET progress = said.progress
  FROM unnest(CAST(CAST(:run_ids AS text) AS bigint[]), CAST(:progresses AS text[])) AS said(run_id, progress)
 WHERE running.worker_id = :worker_id
   AND running.run_id = said.run_id

-- :name set_apart
-- How a suspect's run starts: 1 beside others, 2 with no other run in its worker's hands. Written before its handler is
-- called, so it is there if the worker dies during the run.
UPDATE proletarian.running_job AS running SET apart = :apart WHERE worker_id = :worker_id AND run_id = :run_id
