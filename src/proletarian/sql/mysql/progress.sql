-- :name progress
UPDATE JSON_TABLE(CONVERT(:notes USING utf8mb4), '$[*]' COLUMNS (
           run_id   BIGINT       PATH '$[0]',
           progress VARCHAR(191) CHARACTER SET utf8mb4 PATH '$[1]')) AS said
  STRAIGHT_JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = said.run_id
   SET running.progress = said.progress

-- :name set_apart
-- How a suspect's run starts: 1 beside others, 2 with no other run in its worker's hands. Written before its handler is
-- called, so it is there if the worker dies during the run.
UPDATE proletarian_running_job SET apart = :apart WHERE worker_id = :worker_id AND run_id = :run_id
