-- What Proletarian says to PostgreSQL. Each block is one statement; `:name` is a parameter.
-- The tables are described in migrations/postgresql/.

-- :name enqueue
-- The row goes in on the caller's connection, in the caller's transaction.
-- NOTIFY makes commits wait for each other, so it is only said where somebody listens:
-- an idle worker holds a shared lock on "asleep on this queue" (see `lie_down`). If we can
-- take that lock for ourselves nobody sleeps, and it is given back in the same breath. Two
-- enqueues that meet here make one needless notification, which is harmless.
-- It is a condition that is true whatever the functions say: a RETURNING would do the same,
-- and cost the client a result to read.
-- The lock's number is made of the queue's name and the table's; the latter's part is a constant,
-- computed when the statement is planned.
INSERT INTO proletarian.job (job_id, queue, job_type, payload, priority, headers, enqueued_at, process_at)
SELECT CAST(:job_id AS /*job_id*/ UUID), :queue, :job_type, :payload, CAST(:priority AS smallint), :headers, t,
       greatest(coalesce(CAST(:process_at AS timestamptz), t + make_interval(secs => CAST(:delay AS float8))), t)
  FROM (SELECT coalesce(CAST(:now AS timestamptz), clock_timestamp()),
               hashtextextended(:queue, hashtext('proletarian.job asleep'))) AS here(t, asleep)
 WHERE CASE WHEN pg_try_advisory_lock(asleep) THEN pg_advisory_unlock(asleep)
            ELSE pg_notify('proletarian.job', :queue) IS NOT NULL END

-- :name enqueue_now
-- The same for a job that asks for nothing special: the common case, with half the parameters, and
-- without a subquery, which takes the server longer to set up than to carry out. It would be there
-- for clock_timestamp(), which says something else each time; statement_timestamp() does not.
INSERT INTO proletarian.job (job_id, queue, job_type, payload, enqueued_at, process_at)
SELECT CAST(:job_id AS /*job_id*/ UUID), :queue, :job_type, :payload, statement_timestamp(), statement_timestamp()
 WHERE CASE WHEN pg_try_advisory_lock(hashtextextended(:queue, hashtext('proletarian.job asleep')))
            THEN pg_advisory_unlock(hashtextextended(:queue, hashtext('proletarian.job asleep')))
            ELSE pg_notify('proletarian.job', :queue) IS NOT NULL END

-- :name enqueue_generated
-- The same where the database makes the id, which has to be returned.
INSERT INTO proletarian.job (queue, job_type, payload, priority, headers, enqueued_at, process_at)
SELECT :queue, :job_type, :payload, CAST(:priority AS smallint), :headers, t,
       greatest(coalesce(CAST(:process_at AS timestamptz), t + make_interval(secs => CAST(:delay AS float8))), t)
  FROM (SELECT coalesce(CAST(:now AS timestamptz), clock_timestamp()),
               hashtextextended(:queue, hashtext('proletarian.job asleep'))) AS here(t, asleep)
 WHERE CASE WHEN pg_try_advisory_lock(asleep) THEN pg_advisory_unlock(asleep)
            ELSE pg_notify('proletarian.job', :queue) IS NOT NULL END
RETURNING job_id

-- :name enqueue_many
INSERT INTO proletarian.job (job_id, queue, job_type, payload, priority, headers, enqueued_at, process_at)
SELECT job_id, queue, job_type, payload, priority, headers, enqueued_at, process_at
  FROM unnest(CAST(:job_ids AS /*job_id*/ UUID[]), CAST(:queues AS text[]), CAST(:job_types AS text[]),
              CAST(:payloads AS text[]), CAST(:priorities AS smallint[]), CAST(:headers AS text[]),
              CAST(:enqueued_ats AS timestamptz[]), CAST(:process_ats AS timestamptz[]))
    AS new(job_id, queue, job_type, payload, priority, headers, enqueued_at, process_at)

-- :name new_ids
SELECT nextval(pg_get_serial_sequence('proletarian.job', 'job_id')) FROM generate_series(1, CAST(:count AS int))

-- :name clock
-- In microseconds: a number, whatever types the application has its timestamps read as.
SELECT CAST(extract(epoch FROM coalesce(CAST(:now AS timestamptz), clock_timestamp())) * 1000000 AS bigint)

-- :name wake
-- Tell sleeping workers of these queues, as `enqueue` does.
SELECT CASE WHEN pg_try_advisory_lock(asleep) THEN pg_advisory_unlock(asleep)
            ELSE pg_notify('proletarian.job', queue) IS NOT NULL END
  FROM unnest(CAST(:queues AS text[])) AS queue,
       hashtextextended(queue, hashtext('proletarian.job asleep')) AS asleep

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
WITH moved AS (
DELETE FROM proletarian.job AS job
 WHERE job.ctid = ANY (ARRAY(
       SELECT due.address
         FROM unnest(CAST(:queues AS text[]), CAST(:wants AS int[])) AS want(queue, n),
              LATERAL (
              WITH RECURSIVE level(priority) AS (
                  SELECT (SELECT max(waiting.priority) FROM proletarian.job AS waiting
                           WHERE waiting.queue = want.queue)
                   UNION ALL
                  SELECT (SELECT max(waiting.priority) FROM proletarian.job AS waiting
                           WHERE waiting.queue = want.queue AND waiting.priority < level.priority)
                    FROM level
                   WHERE level.priority IS NOT NULL)
              SELECT picked.address
                FROM level,
                     LATERAL (
                     SELECT waiting.ctid AS address
                       FROM proletarian.job AS waiting
                      WHERE waiting.queue = want.queue
                        AND waiting.priority = level.priority
                        AND waiting.process_at <= coalesce(CAST(:now AS timestamptz), statement_timestamp())
                   ORDER BY waiting.process_at, waiting.job_id
                      LIMIT want.n
                        FOR UPDATE SKIP LOCKED) AS picked
               LIMIT want.n) AS due
        WHERE EXISTS (SELECT FROM proletarian.worker WHERE worker_id = :worker_id)))
RETURNING job.*)
INSERT INTO proletarian.running_job AS running
       (job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors,
        worker_id, run_id, started_at)
SELECT job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors,
       :worker_id, CAST(:run_id AS bigint) + row_number() OVER (ORDER BY priority DESC, process_at, job_id), now()
  FROM moved
RETURNING job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors, run_id

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
                        AND waiting.priority = level.priority
                        AND waiting.process_at >= level.mark
                        AND waiting.process_at <= coalesce(CAST(:now AS timestamptz), statement_timestamp())
                   ORDER BY waiting.process_at, waiting.job_id
                      LIMIT want.n
                        FOR UPDATE SKIP LOCKED) AS picked
               LIMIT want.n) AS due
        WHERE EXISTS (SELECT FROM proletarian.worker WHERE worker_id = :worker_id)))
RETURNING job.*)
INSERT INTO proletarian.running_job AS running
       (job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors,
        worker_id, run_id, started_at)
SELECT job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors,
       :worker_id, CAST(:run_id AS bigint) + row_number() OVER (ORDER BY priority DESC, process_at, job_id), now()
  FROM moved
RETURNING job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors, run_id

-- :name claim_next
-- The same for one queue with one priority, which is what most workers have: half as much
-- of a plan, and a fifth less time until an idle worker has begun with a new job.
WITH moved AS (
DELETE FROM proletarian.job AS job
 WHERE job.ctid = ANY (ARRAY(
       SELECT waiting.ctid
         FROM proletarian.job AS waiting
        WHERE waiting.queue = :queue
          AND waiting.priority = CAST(:priority AS smallint)
          AND waiting.process_at >= CAST(:mark AS timestamptz)
          AND waiting.process_at <= coalesce(CAST(:now AS timestamptz), statement_timestamp())
          AND EXISTS (SELECT FROM proletarian.worker WHERE worker_id = :worker_id)
     ORDER BY waiting.process_at, waiting.job_id
        LIMIT CAST(:want AS int)
          FOR UPDATE SKIP LOCKED))
RETURNING job.*)
INSERT INTO proletarian.running_job AS running
       (job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors,
        worker_id, run_id, started_at)
SELECT job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors,
       :worker_id, CAST(:run_id AS bigint) + row_number() OVER (ORDER BY process_at, job_id), now()
  FROM moved
RETURNING job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors, run_id

-- :name succeed
-- Archive runs that ended well and have nothing more to say: the common case, and the
-- short one. (worker_id, run_id) is the fence, and the key of the table: a run that was
-- taken back from this worker is not there under both any more, and nothing happens to it.
-- OFFSET 0 has each run looked up by that key, one by one: with the statistics of a table
-- that empties and fills within a second, the planner was seen to read it whole for each run.
WITH ended AS (
DELETE FROM proletarian.running_job AS running
 WHERE running.ctid = ANY (ARRAY(
       SELECT own.address
         FROM unnest(CAST(CAST(:run_ids AS text) AS bigint[])) AS ended(run_id),
              LATERAL (SELECT mine.ctid AS address
                         FROM proletarian.running_job AS mine
                        WHERE mine.worker_id = :worker_id AND mine.run_id = ended.run_id
                       OFFSET 0) AS own))
RETURNING running.*),
archived AS (
INSERT INTO proletarian.archived_job
       (job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors,
        status, started_at, finished_at, worker)
SELECT job_id, queue, job_type, payload, attempts + 1, enqueued_at, process_at, priority, headers, lost, errors,
       'success', started_at, coalesce(CAST(:now AS timestamptz), clock_timestamp()), :worker
  FROM ended)
SELECT run_id FROM ended

-- :name settle
-- Archive runs, or move them back to wait, each by its own outcome, with the same fence.
-- The outcomes come as one JSON object by run_id: looking one up costs the same under
-- every plan, where a join of two unknown sizes was seen to go quadratic.
-- ON CONFLICT: somebody used a job id twice. One that was archived already, or waits already,
-- stays as it is; to fail here would hold up the outcomes of all others. (`succeed` leaves
-- that out, for speed: what it cannot archive comes here.)
WITH ended AS (
DELETE FROM proletarian.running_job AS running
 WHERE running.ctid = ANY (ARRAY(
       SELECT own.address
         FROM unnest(CAST(CAST(:run_ids AS text) AS bigint[])) AS ended(run_id),
              LATERAL (SELECT mine.ctid AS address
                         FROM proletarian.running_job AS mine
                        WHERE mine.worker_id = :worker_id AND mine.run_id = ended.run_id
                       OFFSET 0) AS own))
RETURNING running.*, CAST(:outcomes AS jsonb) -> CAST(running.run_id AS text) AS outcome),
said AS (
SELECT ended.*, t,
       outcome ->> 'status' AS status,
       CAST(outcome ->> 'attempts' AS int) AS new_attempts,
       CAST(outcome ->> 'lost' AS smallint) AS new_lost,
       CAST(outcome ->> 'delay' AS float8) AS delay,
       coalesce(outcome ->> 'errors', errors) AS new_errors,
       outcome ->> 'result' AS result
  FROM ended, (SELECT coalesce(CAST(:now AS timestamptz), clock_timestamp())) AS clock(t)),
archived AS (
INSERT INTO proletarian.archived_job
       (job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors,
        status, started_at, finished_at, worker, result)
SELECT job_id, queue, job_type, payload, new_attempts, enqueued_at, process_at, priority, headers, new_lost,
       new_errors, status, started_at, t, :worker, result
  FROM said
 WHERE status IS NOT NULL
    ON CONFLICT DO NOTHING),
waiting AS (
INSERT INTO proletarian.job
       (job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors)
SELECT job_id, queue, job_type, payload, new_attempts, enqueued_at,
       coalesce(t + make_interval(secs => delay), process_at), priority, headers, new_lost, new_errors
  FROM said
 WHERE status IS NULL
    ON CONFLICT DO NOTHING)
SELECT run_id,
       CASE WHEN status IS NULL AND coalesce(delay, 0) = 0 THEN CAST(pg_notify('proletarian.job', queue) AS text) END
  FROM said

-- :name register
-- A worker is there from now on. `liveness_lock` proves its life; null: only its heartbeat does.
INSERT INTO proletarian.worker (worker_id, host, pid, queues, liveness_lock, lost_after, started_at, seen_at)
VALUES (:worker_id, :host, :pid, :queues, :lock, :lost_after, clock_timestamp(), clock_timestamp())
RETURNING seen_at, (SELECT count(*) FROM proletarian.worker)

-- :name beat
-- No row means that this worker was declared dead.
UPDATE proletarian.worker AS worker
   SET seen_at = clock_timestamp()
 WHERE worker_id = :worker_id
RETURNING seen_at, (SELECT count(*) FROM proletarian.worker)

-- :name unregister
DELETE FROM proletarian.worker AS worker WHERE worker_id = :worker_id

-- :name colleagues
-- Who else is there, is the lock that proves it held, and is its heartbeat late?
-- Reading pg_locks takes nothing from anybody, where trying the lock would.
SELECT worker.worker_id, worker.liveness_lock,
       worker.liveness_lock IS NOT NULL AND NOT EXISTS (
           SELECT FROM pg_locks AS held
            WHERE held.locktype = 'advisory'
              AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND held.objsubid = 1
              AND held.granted
              AND ((CAST(held.classid AS bigint) << 32) | CAST(held.objid AS bigint)) = worker.liveness_lock) AS lock_free,
       worker.seen_at < clock_timestamp() - make_interval(secs => worker.lost_after) AS late
  FROM proletarian.worker AS worker

-- :name bury
-- Declare workers dead: those seen without their lock, and those whose heartbeat is late
-- at this very moment. What they ran becomes nobody's, in the same transaction.
-- After an outage everybody's heartbeat is late: whoever comes back first must not judge
-- the others before they had the time to come back too.
DELETE FROM proletarian.worker AS worker
 WHERE worker.worker_id = ANY (CAST(:lock_free AS uuid[]))
    OR (worker.seen_at < clock_timestamp() - make_interval(secs => worker.lost_after)
        AND worker.lost_after <= 2 * CAST(:in_touch AS float8))
RETURNING worker.worker_id, worker.host, worker.pid

-- :name orphans
-- Runs whose worker is not there. Also looked for when nobody has died: the last statement
-- of a dead worker may commit after it was buried.
SELECT running.worker_id, running.job_id, running.queue, running.job_type, running.payload, running.attempts,
       running.enqueued_at, running.process_at, running.priority, running.headers, running.lost, running.errors,
       running.run_id
  FROM proletarian.running_job AS running
 WHERE NOT EXISTS (SELECT FROM proletarian.worker AS worker WHERE worker.worker_id = running.worker_id)
 LIMIT 200
   FOR UPDATE OF running SKIP LOCKED

-- :name mine
-- The runs that are this worker's own; compared with what it knows of, after a lost answer.
SELECT job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors, run_id
  FROM proletarian.running_job AS running
 WHERE worker_id = :worker_id

-- :name undecided
-- Is a run that was completed in its handler's own transaction still here? A row that is
-- here but locked belongs to a transaction that is still open.
SELECT run_id
  FROM proletarian.running_job AS running
 WHERE running.worker_id = :worker_id
   AND running.run_id = ANY (CAST(CAST(:run_ids AS text) AS bigint[]))

-- :name rolled_back
SELECT run_id
  FROM proletarian.running_job AS running
 WHERE running.worker_id = :worker_id
   AND running.run_id = ANY (CAST(CAST(:run_ids AS text) AS bigint[]))
   FOR UPDATE SKIP LOCKED

-- :name progress
UPDATE proletarian.running_job AS running
   SET progress = said.progress
  FROM unnest(CAST(CAST(:run_ids AS text) AS bigint[]), CAST(:progresses AS text[])) AS said(run_id, progress)
 WHERE running.worker_id = :worker_id
   AND running.run_id = said.run_id

-- :name prune
-- A bounded bite, so that nobody waits for it.
DELETE FROM proletarian.archived_job AS archived
 WHERE archived.ctid = ANY (ARRAY(
       SELECT old.ctid
         FROM proletarian.archived_job AS old
        WHERE old.finished_at < clock_timestamp() - make_interval(secs => CAST(:older_than AS float8))
          AND (old.status = 'success') = :succeeded
        LIMIT CAST(:most AS int)
          FOR UPDATE SKIP LOCKED))
RETURNING 1

-- :name id_type
SELECT upper(format_type(attribute.atttypid, NULL))
  FROM pg_attribute AS attribute
 WHERE attribute.attrelid = to_regclass(concat_ws('.', quote_ident(CAST(:schema AS text)), quote_ident(:table)))
   AND attribute.attname = 'job_id'

-- :name queues
-- The queues that have waiting jobs, by hops along the index.
WITH RECURSIVE known(queue) AS (
    SELECT (SELECT min(queue) FROM proletarian.job)
     UNION ALL
    SELECT (SELECT min(job.queue) FROM proletarian.job AS job WHERE job.queue > known.queue)
      FROM known
     WHERE known.queue IS NOT NULL)
SELECT queue FROM known WHERE queue IS NOT NULL

-- :name waiting_in
-- How many wait in a queue, and how many of them are due; counted up to a limit.
SELECT (SELECT count(*) FROM (SELECT FROM proletarian.job AS job WHERE queue = :queue LIMIT CAST(:most AS int)) AS waiting),
       (SELECT count(*) FROM (SELECT FROM proletarian.job AS job
                               WHERE queue = :queue AND process_at <= now() LIMIT CAST(:most AS int)) AS due),
       (SELECT extract(epoch FROM now() - min(process_at))
          FROM (SELECT process_at FROM proletarian.job AS job
                 WHERE queue = :queue AND process_at <= now() LIMIT CAST(:most AS int)) AS oldest)

-- :name running
SELECT queue, count(*) FROM proletarian.running_job AS running GROUP BY queue

-- :name failed
SELECT queue, count(*)
  FROM (SELECT queue FROM proletarian.archived_job AS archived WHERE status = 'failure' LIMIT CAST(:most AS int)) AS failed
 GROUP BY queue

-- :name workers
SELECT worker_id, host, pid, queues, started_at, extract(epoch FROM clock_timestamp() - seen_at), liveness_lock IS NOT NULL
  FROM proletarian.worker AS worker
 ORDER BY started_at

-- :name hold
-- The worker's life as a lock of this session: it goes with the connection.
SELECT pg_try_advisory_lock(:lock)

-- :name held
-- Seen from another session: is that lock really held by the server process that we took
-- it with? Behind a pool of connections it is not.
SELECT EXISTS (SELECT FROM pg_locks AS held
                WHERE held.locktype = 'advisory' AND held.objsubid = 1 AND held.granted
                  AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND held.pid = :session
                  AND ((CAST(held.classid AS bigint) << 32) | CAST(held.objid AS bigint)) = :lock)

-- :name lie_down
-- From now on, an enqueue on these queues notifies.
SELECT pg_try_advisory_lock_shared(hashtextextended(queue, hashtext('proletarian.job asleep')))
  FROM unnest(CAST(:queues AS text[])) AS queue

-- :name get_up
SELECT pg_advisory_unlock_shared(hashtextextended(queue, hashtext('proletarian.job asleep')))
  FROM unnest(CAST(:queues AS text[])) AS queue

-- :name listen
-- The channel is named after the table, so that neither has to be a parameter.
LISTEN "proletarian.job"

-- :name begin
BEGIN

-- :name commit
COMMIT
