-- Lanes as they are shown to people, one after another in the order of their names. Each statement is one step along an
-- index, or a count that stops at a limit: however many jobs wait in a lane, it is one hop. A page takes a few
-- statements for each lane, and never reads lanes that are not shown. Text is returned as UTF-8 bytes.

-- :name next
-- The next lane of a queue that has waiting jobs.
SELECT CAST(MIN(lane) AS BINARY)
  FROM proletarian_job AS job
 WHERE queue = CONVERT(:queue USING utf8mb4) AND lane > CONVERT(:after USING utf8mb4)

-- :name next_running
-- The next lane with running jobs.
SELECT CAST(MIN(lane) AS BINARY)
  FROM proletarian_running_job AS running FORCE INDEX (running_job_lane)
 WHERE lane > CONVERT(:after USING utf8mb4) AND lane <> ''

-- :name waiting
SELECT COUNT(*)
  FROM (SELECT 1 AS one FROM proletarian_job AS job
         WHERE queue = CONVERT(:queue USING utf8mb4) AND lane = CONVERT(:lane USING utf8mb4) LIMIT :most) AS counted

-- :name running
SELECT COUNT(*)
  FROM (SELECT 1 AS one FROM proletarian_running_job AS running FORCE INDEX (running_job_lane)
         WHERE lane = CONVERT(:lane USING utf8mb4) AND lane <> '' LIMIT :most) AS counted
