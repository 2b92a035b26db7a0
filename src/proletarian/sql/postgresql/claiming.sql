-- :name claim
-- Move due jobs of several queues from `job` to `running_job`, for each queue the higher
-- priorities first, oldest first within one.
--  * SKIP LOCKED lets workers pass each other. The rows are picked and locked first, and
--    deleted by their address: a join with `job` would tempt the planner to read it whole,
--    `IN (SELECT … LIMIT)` to run the inner query, with its limit, more than once.
--  * Priorities are found by hops along the index (max, then the next smaller one, …), so
--    that a million jobs of a higher priority that are not due yet cost one hop.
--  * A worker that has been declared dead has no row in `worker` and gets nothing. The
--    test must stand in the innermost query: one further out would come after the DELETE.
--  * Jobs of a lane, which have a limit, are taken another way: see lanes.sql.
--  * Heavy payloads do not come along (see HEAVY): a thousand of them would be gigabytes. To
--    add up sizes here would cost each claim a tenth more; the length of a value is at hand.
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
-- The same, going on from where the last claim of each (queue, priority) ended. Under an
-- old snapshot (a forgotten transaction, a backup) the index keeps every job that has left,
-- at its front; a plain claim reads past all of them each time. This one starts behind
-- them. What it cannot see (an earlier process_at committed late, a priority it does not
-- know) `claim` finds, which is used once a second and whenever this one comes up short.
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
-- The same for one queue with one priority, which is what most workers have: half as much
-- of a plan, and a fifth less time until an idle worker has begun with a new job.
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
-- How much the payloads weigh that did not come along.
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
-- The runs that are this worker's own; compared with what it knows of, after a lost answer.
SELECT :CLAIMED, run_id
  FROM proletarian.running_job AS running
 WHERE worker_id = :worker_id
