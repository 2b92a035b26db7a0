-- What Proletarian says to MySQL (8.0.1 and newer) and MariaDB (10.6 and newer). Each block
-- is one statement; `:name` is a parameter. The tables are described in migrations/mysql/.
--
-- Neither has DELETE … RETURNING, so an operation is several statements in a transaction.
-- Batches travel as one JSON parameter that is joined, and joined first (STRAIGHT_JOIN):
-- behind IN (SELECT …) MariaDB reads the whole table for each row.
-- The worker's sessions use READ COMMITTED: without gap locks workers do not block each other.
-- `/*!80001 … */` is for MySQL only; MariaDB has no OF and does not need it.

-- :name enqueue
-- The row goes in on the caller's connection, in the caller's transaction.
INSERT INTO proletarian_job (job_id, queue, job_type, payload, priority, headers, enqueued_at, process_at)
SELECT :job_id, :queue, :job_type, :payload, :priority, :headers, t,
       GREATEST(COALESCE(CAST(:process_at AS DATETIME(6)),
                         t + INTERVAL CAST(:delay * 1000000 AS SIGNED) MICROSECOND, t), t)
  FROM (SELECT COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6)) AS t) AS clock

-- :name made_id
SELECT LAST_INSERT_ID()

-- :name enqueue_many
INSERT INTO proletarian_job (job_id, queue, job_type, payload, priority, headers, enqueued_at, process_at)
SELECT /*stored*/ UNHEX(new.job_id), new.queue, new.job_type, new.payload, new.priority, new.headers, t,
       GREATEST(COALESCE(CAST(new.process_at AS DATETIME(6)),
                         t + INTERVAL CAST(new.delay * 1000000 AS SIGNED) MICROSECOND, t), t)
  FROM (SELECT COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6)) AS t) AS clock
  JOIN JSON_TABLE(:jobs, '$[*]' COLUMNS (
           job_id     /*json_id*/ CHAR(32) PATH '$[0]',
           queue      VARCHAR(191) PATH '$[1]',
           job_type   VARCHAR(191) PATH '$[2]',
           payload    LONGTEXT     PATH '$[3]',
           priority   SMALLINT     PATH '$[4]',
           headers    LONGTEXT     PATH '$[5]',
           process_at VARCHAR(32)  PATH '$[6]',
           delay      DOUBLE       PATH '$[7]')) AS new

-- :name hop
-- The highest priority below :below that a queue has: one probe of the index, so that a
-- million jobs of a higher priority that are not due yet cost one hop. The values must be
-- constants: correlated with a table of queues, both servers read each queue whole.
-- All queues hop at once, by UNION ALL, until none has a lower priority. In passing each hop
-- says whether the level that it starts from has a due job: to find that out by picking from
-- it would be a round trip more.
SELECT :queue, MAX(waiting.priority),
       (SELECT MIN(first.process_at) <= COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6))
          FROM proletarian_job AS first
         WHERE first.queue = :queue AND first.priority = :below)
  FROM proletarian_job AS waiting
 WHERE waiting.queue = :queue AND waiting.priority < :below

-- :name pick
-- Lock due jobs of one priority, oldest first, from :mark onward. SKIP LOCKED lets workers
-- pass each other. A worker that has been declared dead gets nothing; it is asked for by a
-- count, for an EXISTS may be made a join, and its row be locked or skipped too.
SELECT job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors
  FROM proletarian_job AS job FORCE INDEX (job_in_order)
 WHERE queue = :queue
   AND priority = :priority
   AND process_at >= :mark
   AND process_at <= COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6))
   AND (SELECT COUNT(*) FROM proletarian_worker WHERE worker_id = :worker_id) = 1
 ORDER BY process_at, job_id
 LIMIT :most
   FOR UPDATE SKIP LOCKED

-- :name take
-- Move the picked jobs to running_job, in two steps: copy, then remove.
INSERT INTO proletarian_running_job
       (job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors,
        worker_id, run_id, started_at)
SELECT job.job_id, job.queue, job.job_type, job.payload, job.attempts, job.enqueued_at, job.process_at,
       job.priority, job.headers, job.lost, job.errors, :worker_id, picked.run_id, UTC_TIMESTAMP(6)
  FROM JSON_TABLE(:picked, '$[*]' COLUMNS (
           job_id /*json_id*/ CHAR(32) PATH '$[0]',
           run_id BIGINT PATH '$[1]')) AS picked
  STRAIGHT_JOIN proletarian_job AS job ON job.job_id = /*stored*/ UNHEX(picked.job_id)

-- :name remove
DELETE job
  FROM JSON_TABLE(:picked, '$[*]' COLUMNS (
           job_id /*json_id*/ CHAR(32) PATH '$[0]')) AS picked
  STRAIGHT_JOIN proletarian_job AS job ON job.job_id = /*stored*/ UNHEX(picked.job_id)

-- :name ours
-- Lock the runs that are still this worker's own. (worker_id, run_id) is the fence, and the
-- key of the table: what was taken back from it is not here under both any more.
SELECT running.run_id
  FROM JSON_TABLE(:ended, '$[*]' COLUMNS (
           run_id BIGINT PATH '$.run_id')) AS ended
  STRAIGHT_JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = ended.run_id
   FOR UPDATE /*!80001 OF running */

-- :name archive
-- ON DUPLICATE KEY: somebody used a job id twice. One that was archived already, or (below)
-- waits already, stays as it is; to fail here would hold up the outcomes of all others.
INSERT INTO proletarian_archived_job
       (job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors,
        status, started_at, finished_at, worker, result)
SELECT running.job_id, running.queue, running.job_type, running.payload, ended.attempts, running.enqueued_at,
       running.process_at, running.priority, running.headers, ended.lost, COALESCE(ended.errors, running.errors),
       ended.status, running.started_at, COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6)), :worker, ended.result
  FROM JSON_TABLE(:ended, '$[*]' COLUMNS (
           run_id   BIGINT      PATH '$.run_id',
           status   VARCHAR(16) PATH '$.status',
           attempts INT         PATH '$.attempts',
           lost     SMALLINT    PATH '$.lost',
           errors   LONGTEXT    PATH '$.errors',
           result   LONGTEXT    PATH '$.result')) AS ended
  STRAIGHT_JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = ended.run_id
 WHERE ended.status IS NOT NULL
    ON DUPLICATE KEY UPDATE job_id = proletarian_archived_job.job_id

-- :name put_back
INSERT INTO proletarian_job
       (job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors)
SELECT running.job_id, running.queue, running.job_type, running.payload, ended.attempts, running.enqueued_at,
       COALESCE(COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6))
                + INTERVAL CAST(ended.delay * 1000000 AS SIGNED) MICROSECOND, running.process_at),
       running.priority, running.headers, ended.lost, COALESCE(ended.errors, running.errors)
  FROM JSON_TABLE(:ended, '$[*]' COLUMNS (
           run_id   BIGINT      PATH '$.run_id',
           status   VARCHAR(16) PATH '$.status',
           attempts INT         PATH '$.attempts',
           lost     SMALLINT    PATH '$.lost',
           delay    DOUBLE      PATH '$.delay',
           errors   LONGTEXT    PATH '$.errors')) AS ended
  STRAIGHT_JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = ended.run_id
 WHERE ended.status IS NULL
    ON DUPLICATE KEY UPDATE job_id = proletarian_job.job_id

-- :name end
DELETE running
  FROM JSON_TABLE(:ended, '$[*]' COLUMNS (
           run_id BIGINT PATH '$.run_id')) AS ended
  STRAIGHT_JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = ended.run_id

-- :name register
-- A worker is there from now on. `liveness_lock` proves its life; null: only its heartbeat does.
INSERT INTO proletarian_worker (worker_id, host, pid, queues, liveness_lock, lost_after, started_at, seen_at)
VALUES (:worker_id, :host, :pid, :queues, :lock, :lost_after, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))

-- :name beat
-- No row changed means that this worker was declared dead.
UPDATE proletarian_worker SET seen_at = UTC_TIMESTAMP(6) WHERE worker_id = :worker_id

-- :name seen
SELECT seen_at, (SELECT COUNT(*) FROM proletarian_worker) FROM proletarian_worker WHERE worker_id = :worker_id

-- :name unregister
DELETE FROM proletarian_worker WHERE worker_id = :worker_id

-- :name colleagues
-- Who else is there, is the lock that proves it held, and is its heartbeat late?
SELECT worker_id, liveness_lock,
       liveness_lock IS NOT NULL AND IS_FREE_LOCK(liveness_lock) = 1,
       seen_at < UTC_TIMESTAMP(6) - INTERVAL CAST(lost_after * 1000000 AS SIGNED) MICROSECOND
  FROM proletarian_worker

-- :name dying
-- Those to be declared dead: seen without their lock, or with a heartbeat that is late at
-- this very moment. The row lock makes a late beat wait, and find its row gone.
-- After an outage everybody's heartbeat is late: whoever comes back first must not judge
-- the others before they had the time to come back too.
SELECT worker_id, host, pid
  FROM proletarian_worker
 WHERE FIND_IN_SET(LOWER(HEX(worker_id)), :lock_free)
    OR (seen_at < UTC_TIMESTAMP(6) - INTERVAL CAST(lost_after * 1000000 AS SIGNED) MICROSECOND
        AND lost_after <= 2 * :in_touch)
   FOR UPDATE

-- :name orphans
-- Runs whose worker is not there. Also looked for when nobody has died: the last statement
-- of a dead worker may commit after it was buried.
SELECT running.worker_id, running.job_id, running.queue, running.job_type, running.payload, running.attempts,
       running.enqueued_at, running.process_at, running.priority, running.headers, running.lost, running.errors,
       running.run_id
  FROM proletarian_running_job AS running
 WHERE NOT EXISTS (SELECT 1 FROM proletarian_worker AS worker WHERE worker.worker_id = running.worker_id)
 LIMIT 200
   FOR UPDATE SKIP LOCKED

-- :name mine
-- The runs that are this worker's own; compared with what it knows of, after a lost answer.
SELECT job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors, run_id
  FROM proletarian_running_job
 WHERE worker_id = :worker_id

-- :name undecided
-- Is a run that was completed in its handler's own transaction still here? A row that is
-- here but locked belongs to a transaction that is still open.
SELECT running.run_id
  FROM JSON_TABLE(:ended, '$[*]' COLUMNS (
           run_id BIGINT PATH '$.run_id')) AS ended
  STRAIGHT_JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = ended.run_id

-- :name rolled_back
SELECT running.run_id
  FROM JSON_TABLE(:ended, '$[*]' COLUMNS (
           run_id BIGINT PATH '$.run_id')) AS ended
  STRAIGHT_JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = ended.run_id
   FOR UPDATE /*!80001 OF running */ SKIP LOCKED

-- :name progress
UPDATE JSON_TABLE(:notes, '$[*]' COLUMNS (
           run_id   BIGINT       PATH '$[0]',
           progress VARCHAR(191) PATH '$[1]')) AS said
  STRAIGHT_JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = said.run_id
   SET running.progress = said.progress

-- :name prune
-- A bounded bite, so that nobody waits for it.
DELETE FROM proletarian_archived_job
 WHERE finished_at < UTC_TIMESTAMP(6) - INTERVAL CAST(:older_than * 1000000 AS SIGNED) MICROSECOND
   AND (status = 'success') = :succeeded
 ORDER BY finished_at
 LIMIT :most

-- :name changed
SELECT ROW_COUNT()

-- :name id_type
SELECT UPPER(COLUMN_TYPE)
  FROM information_schema.COLUMNS
 WHERE TABLE_SCHEMA = COALESCE(:schema, DATABASE()) AND TABLE_NAME = :table AND COLUMN_NAME = 'job_id'

-- :name queues
SELECT DISTINCT queue FROM proletarian_job

-- :name waiting_in
-- How many wait in a queue, and how many of them are due; counted up to a limit.
SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM proletarian_job WHERE queue = :queue LIMIT :most) AS waiting),
       (SELECT COUNT(*) FROM (SELECT 1 FROM proletarian_job
                               WHERE queue = :queue AND process_at <= UTC_TIMESTAMP(6) LIMIT :most) AS due),
       (SELECT TIMESTAMPDIFF(MICROSECOND, MIN(process_at), UTC_TIMESTAMP(6)) / 1000000.0
          FROM (SELECT process_at FROM proletarian_job
                 WHERE queue = :queue AND process_at <= UTC_TIMESTAMP(6) LIMIT :most) AS oldest)

-- :name running
SELECT queue, COUNT(*) FROM proletarian_running_job GROUP BY queue

-- :name failed
SELECT queue, COUNT(*)
  FROM (SELECT queue FROM proletarian_archived_job WHERE status = 'failure' LIMIT :most) AS failed
 GROUP BY queue

-- :name workers
SELECT worker_id, host, pid, queues, started_at,
       TIMESTAMPDIFF(MICROSECOND, seen_at, UTC_TIMESTAMP(6)) / 1000000.0, liveness_lock IS NOT NULL
  FROM proletarian_worker
 ORDER BY started_at

-- :name hold
-- The worker's life as a lock of this session: it goes with the connection.
SELECT GET_LOCK(:lock, 0)

-- :name held
-- Seen from another session: is that lock really held by the session that we took it with?
SELECT IS_USED_LOCK(:lock) = :session

-- :name session
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED

-- :name session_time
SET SESSION time_zone = '+00:00'

-- :name begin
START TRANSACTION

-- :name commit
COMMIT
