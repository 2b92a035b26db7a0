-- :name claim
-- Move due jobs of several queues from `job` to `running_job`: within each queue the higher priorities first, and
-- within a priority the oldest first.
--  * SKIP LOCKED lets workers pass each other. Rows are picked and locked first, then deleted by their ctid: a join
--    with `job` would tempt the planner to read the whole table, and `IN (SELECT … LIMIT)` to run the inner query, with
--    its limit, more than once.
--  * Priorities are found by hops along the index (max, then the next lower one, …), so a million jobs of a higher
--    priority that are not due yet cost one hop.
--  * A worker that has been declared dead has no row in `worker` and gets nothing. The test must be in the innermost
--    query: any further out, it would run after the DELETE.
--  * Jobs with a lane, which are under a limit, are claimed separately: see lanes.sql.
--  * Heavy payloads are not returned here (see HEAVY): a thousand of them would be gigabytes. Adding up sizes would
--    make each claim a tenth more expensive; the length of a single value is cheap to read.
WITH moved AS (
DELETE FROM proletarian.job AS job
 WHERE job.ctid = ANY (ARRAY(
       SELECT due.address
         FROM unnest(CAST(:queues AS text[]), CAST(:wants AS int[])) AS want(queue, n),
              LATERAL (
              WITH RECURSIVE level(priority) AS (
                  SELECT (SELECT max(waiting.priority) FROM proletarian.job AS waiting
                           WHERE waiting.queue = want.queue AND waiting.lane = '')
                   UNION ALL
                  SELECT (SELECT max(waiting.priority) FROM proletarian.job AS waiting
                           WHERE waiting.queue = want.queue AND waiting.lane = ''
                             AND waiting.priority < level.priority)
                    FROM level
                   WHERE level.priority IS NOT NULL)
              SELECT picked.address
                FROM level,
                     LATERAL (
                     SELECT waiting.ctid AS address
                       FROM proletarian.job AS waiting
                      WHERE waiting.queue = want.queue
                        AND waiting.lane = ''
                        AND waiting.priority = level.priority
                        AND waiting.process_at <= coalesce(CAST(:now AS timestamptz), statement_timestamp())
                   ORDER BY waiting.process_at, waiting.job_id
                      LIMIT want.n
                        FOR UPDATE SKIP LOCKED) AS picked
               LIMIT want.n) AS due
        WHERE EXISTS (SELECT FROM proletarian.worker WHERE worker_id = :worker_id)))
RETURNING job.*)
INSERT INTO proletarian.running_job AS running (:JOB, worker_id, run_id, started_at)
SELECT :JOB, :worker_id,
       CAST(:run_id AS bigint) + row_number() OVER (ORDER BY priority DESC, process_at, job_id), statement_timestamp()
  FROM moved
RETURNING :CLAIMED, run_id

-- :name claim_onward
-- The same, starting where the last claim of each (queue, priority) ended. Under an old snapshot (a forgotten
-- transaction, a backup) the index keeps the entries of all jobs that have left, at its front, and a plain claim reads
-- past all of them each time. This one starts after them. What it cannot see (an earlier process_at committed late, a
-- priority it does not know) is found by `claim`, which runs once a second and whenever this one comes up short.
WITH moved AS (
DELETE FROM proletarian.job AS job
 WHERE job.ctid = ANY (ARRAY(
       SELECT due.address
         FROM unnest(CAST(:queues AS text[]), CAST(:wants AS int[])) AS want(queue, n),
              LATERAL (
              SELECT picked.address
                FROM (SELECT level.priority, level.mark
                        FROM unnest(CAST(:level_queues AS text[]), CAST(:level_priorities AS smallint[]),
                                    CAST(:level_marks AS timestamptz[])) AS level(queue, priority, mark)
                       WHERE level.queue = want.queue
                    ORDER BY level.priority DESC) AS level,
                     LATERAL (
                     SELECT waiting.ctid AS address
                       FROM proletarian.job AS waiting
                      WHERE waiting.queue = want.queue
                        AND waiting.lane = ''
                        AND waiting.priority = level.priority
                        AND waiting.process_at >= level.mark
                        AND waiting.process_at <= coalesce(CAST(:now AS timestamptz), statement_timestamp())
                   ORDER BY waiting.process_at, waiting.job_id
                      LIMIT want.n
                        FOR UPDATE SKIP LOCKED) AS picked
               LIMIT want.n) AS due
        WHERE EXISTS (SELECT FROM proletarian.worker WHERE worker_id = :worker_id)))
RETURNING job.*)
INSERT INTO proletarian.running_job AS running (:JOB, worker_id, run_id, started_at)
SELECT :JOB, :worker_id,
       CAST(:run_id AS bigint) + row_number() OVER (ORDER BY priority DESC, process_at, job_id), statement_timestamp()
  FROM moved
RETURNING :CLAIMED, run_id

-- :name claim_next
-- The same for one queue with one priority, which is what most workers have: the plan is half as large, and an idle
-- worker takes a fifth less time to start a new job.
WITH moved AS (
DELETE FROM proletarian.job AS job
 WHERE job.ctid = ANY (ARRAY(
       SELECT waiting.ctid
         FROM proletarian.job AS waiting
        WHERE waiting.queue = :queue
          AND waiting.lane = ''
          AND waiting.priority = CAST(:priority AS smallint)
          AND waiting.process_at >= CAST(:mark AS timestamptz)
          AND waiting.process_at <= coalesce(CAST(:now AS timestamptz), statement_timestamp())
          AND EXISTS (SELECT FROM proletarian.worker WHERE worker_id = :worker_id)
     ORDER BY waiting.process_at, waiting.job_id
        LIMIT CAST(:want AS int)
          FOR UPDATE SKIP LOCKED))
RETURNING job.*)
INSERT INTO proletarian.running_job AS running (:JOB, worker_id, run_id, started_at)
SELECT :JOB, :worker_id,
       CAST(:run_id AS bigint) + row_number() OVER (ORDER BY process_at, job_id), statement_timestamp()
  FROM moved
RETURNING :CLAIMED, run_id

-- :name sizes
-- The sizes of the payloads that the claim did not return.
SELECT run_id, :LENGTH
  FROM proletarian.running_job
 WHERE worker_id = :worker_id
   AND run_id BETWEEN CAST(:first AS bigint) AND CAST(:last AS bigint)
   AND :IS_HEAVY
 ORDER BY run_id

-- :name payloads
SELECT run_id, payload
  FROM proletarian.running_job
 WHERE worker_id = :worker_id
   AND run_id BETWEEN CAST(:first AS bigint) AND CAST(:last AS bigint)
   AND :IS_HEAVY

-- :name mine
-- This worker's own runs, to be compared with those it knows of when an answer was lost.
SELECT :CLAIMED, run_id
  FROM proletarian.running_job AS running
 WHERE worker_id = :worker_id
