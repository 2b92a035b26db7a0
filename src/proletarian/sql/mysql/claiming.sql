-- :name hop
-- The highest priority of a queue that is lower than :below. One probe of the index, so a million jobs of a higher
-- priority that are not due yet cost one hop. The values must be constants: if they come from a table of queues, both
-- servers read each queue in full. All queues hop at once, by UNION ALL, until none has a lower priority. Each hop also
-- says whether the level it starts from has a due job: finding that out by picking from it would take another round
-- trip. Jobs with a lane, which are under a limit, are claimed separately: see lanes.sql.
SELECT :queue, MAX(waiting.priority),
       (SELECT MIN(first.process_at) <= COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6))
          FROM proletarian_job AS first
         WHERE first.queue = :queue AND first.lane = '' AND first.priority = :below)
  FROM proletarian_job AS waiting
 WHERE waiting.queue = :queue AND waiting.lane = '' AND waiting.priority < :below

-- :name pick
-- Lock due jobs of one priority, oldest first, from :mark onward. SKIP LOCKED lets workers pass each other. A worker
-- that has been declared dead gets nothing. This is tested by a count, because the server may turn an EXISTS into a
-- join, and then lock or skip the worker's row too. Heavy payloads are not returned here (see HEAVY): a thousand of
-- them would be gigabytes.
SELECT :CLAIMED
  FROM proletarian_job AS job FORCE INDEX (job_in_order)
 WHERE queue = :queue
   AND lane = ''
   AND priority = :priority
   AND process_at >= :mark
   AND process_at <= COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6))
   AND (SELECT COUNT(*) FROM proletarian_worker WHERE worker_id = :worker_id) = 1
 ORDER BY process_at, job_id
 LIMIT :most
   FOR UPDATE SKIP LOCKED

-- :name take
-- Move the picked jobs to running_job in two steps: copy, then remove.
INSERT INTO proletarian_running_job (:JOB, worker_id, run_id, started_at)
SELECT :JOB, :worker_id, picked.run_id, UTC_TIMESTAMP(6)
  FROM JSON_TABLE(CONVERT(:picked USING utf8mb4), '$[*]' COLUMNS (
           id     :JSON_ID PATH '$[0]',
           run_id BIGINT   PATH '$[1]')) AS picked
  STRAIGHT_JOIN proletarian_job AS job ON job.job_id = :STORED_ID

-- :name remove
DELETE job
  FROM JSON_TABLE(CONVERT(:picked USING utf8mb4), '$[*]' COLUMNS (
           id     :JSON_ID PATH '$[0]')) AS picked
  STRAIGHT_JOIN proletarian_job AS job ON job.job_id = :STORED_ID

-- :name sizes
-- The sizes of the payloads that the claim did not return.
SELECT run_id, :LENGTH
  FROM proletarian_running_job
 WHERE worker_id = :worker_id
   AND run_id BETWEEN :first AND :last
   AND :IS_HEAVY
 ORDER BY run_id

-- :name payloads
SELECT run_id, payload
  FROM proletarian_running_job
 WHERE worker_id = :worker_id
   AND run_id BETWEEN :first AND :last
   AND :IS_HEAVY

-- :name mine
-- This worker's own runs, to be compared with those it knows of when an answer was lost.
SELECT :CLAIMED, run_id
  FROM proletarian_running_job
 WHERE worker_id = :worker_id
