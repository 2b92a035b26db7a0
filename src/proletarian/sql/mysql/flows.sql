-- Jobs that wait for others. Three rules keep each statement away from rows that others may have locked:
--  * an acknowledgement only inserts into wait_over, and never touches the row of the waiting job;
--  * a separate transaction, the release, does the counting: it locks rows of held_job with SKIP LOCKED, consumes what
--    they were told, and moves the jobs that wait for nothing more. It keeps no state: the next release continues from
--    there;
--  * an edge to a job of an earlier transaction goes to late_dependency. The acknowledgement of that job may be under
--    way and would wait for the edge, so the awaited job is looked up, wherever it is, until it has ended.
-- In an application's transaction, the statements here only insert, read without a lock, or write to rows by their full
-- key: under REPEATABLE READ anything else would lock gaps that others insert into.

-- :part WHICH
JSON_TABLE(CONVERT(:job_ids USING utf8mb4), '$[*]' COLUMNS (id :JSON_ID PATH '$')) AS which

-- :part EDGES
JSON_TABLE(CONVERT(:edges USING utf8mb4), '$[*]' COLUMNS (
           awaited :JSON_ID PATH '$[0]',
           waiting :JSON_ID PATH '$[1]',
           outcome SMALLINT PATH '$[2]',
           hold    BIGINT   PATH '$[3]')) AS said

-- :part NEW_ROWS
(SELECT COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6)) AS t) AS clock
  JOIN JSON_TABLE(CONVERT(:jobs USING utf8mb4), '$[*]' COLUMNS (
           id         :JSON_ID    PATH '$[0]',
           process_at VARCHAR(32) PATH '$[1]',
           delay      DOUBLE      PATH '$[2]',
           :NEW_ITEMS, :FLOW_ITEMS)) AS new

-- :part DUE_AT
GREATEST(COALESCE(CAST(new.process_at AS DATETIME(6)),
                         t + INTERVAL CAST(new.delay * 1000000 AS SIGNED) MICROSECOND, t), t)

-- :name put
INSERT INTO proletarian_job (job_id, :NEW, attempts, enqueued_at, process_at, flow)
SELECT :STORED_ID, :NEW, 0, t, :DUE_AT, flow
  FROM :NEW_ROWS

-- :name hold
INSERT INTO proletarian_held_job (job_id, :NEW, enqueued_at, process_at, flow, waits, if_failed)
SELECT :STORED_ID, :NEW, t, :DUE_AT, flow, waits, if_failed
  FROM :NEW_ROWS

-- :name depend
INSERT INTO proletarian_dependency (awaited_id, waiting_id, outcome)
SELECT :STORED_AWAITED, :STORED_WAITING, said.outcome FROM :EDGES

-- :name depend_late
INSERT INTO proletarian_late_dependency (awaited_id, waiting_id, hold, outcome)
SELECT :STORED_AWAITED, :STORED_WAITING, said.hold, said.outcome FROM :EDGES

-- :name edges
-- Edges to these jobs that nobody was told about yet; only so many at a time.
SELECT edge.awaited_id, edge.waiting_id
  FROM :WHICH STRAIGHT_JOIN proletarian_dependency AS edge ON edge.awaited_id = :STORED_ID
 WHERE edge.outcome IS NULL
 LIMIT :most

-- :name over
UPDATE :EDGES STRAIGHT_JOIN proletarian_dependency AS edge
    ON edge.awaited_id = :STORED_AWAITED AND edge.waiting_id = :STORED_WAITING
   SET edge.outcome = said.outcome

-- :name note
INSERT INTO proletarian_wait_over (waiting_id, hold, done, failed, failed_id)
SELECT :STORED_WAITING, said.hold, said.done, said.failed, :STORED_AWAITED
  FROM JSON_TABLE(CONVERT(:notes USING utf8mb4), '$[*]' COLUMNS (
           waiting :JSON_ID PATH '$[0]',
           hold    BIGINT   PATH '$[1]',
           done    INT      PATH '$[2]',
           failed  INT      PATH '$[3]',
           awaited :JSON_ID PATH '$[4]')) AS said

-- :name due
-- Jobs that were told something which has not been counted yet.
SELECT DISTINCT waiting_id FROM (SELECT waiting_id FROM proletarian_wait_over ORDER BY number LIMIT :most) AS first

-- :name lock
SELECT held.job_id, CAST(held.queue AS BINARY), CAST(held.job_type AS BINARY), CAST(held.errors AS BINARY), held.waits,
       held.hold, held.if_failed
  FROM :WHICH STRAIGHT_JOIN proletarian_held_job AS held ON held.job_id = :STORED_ID
   FOR UPDATE /*!80001 OF held */ SKIP LOCKED

-- :name said
-- What the jobs whose rows we have locked were told. This must be a later statement than the lock, so that it sees
-- everything committed before it.
SELECT said.number, said.waiting_id, said.hold, said.done, said.failed, said.failed_id
  FROM :WHICH STRAIGHT_JOIN proletarian_wait_over AS said ON said.waiting_id = :STORED_ID
 LIMIT :most

-- :name eat
DELETE said
  FROM JSON_TABLE(CONVERT(:ids USING utf8mb4), '$[*]' COLUMNS (number BIGINT PATH '$')) AS which
  STRAIGHT_JOIN proletarian_wait_over AS said ON said.number = which.number

-- :name litter
-- What was told to jobs that are not held: they were cancelled before, and may be about to be held again. A job's row
-- in held_job is always there before the job can be told anything.
DELETE said
  FROM :WHICH STRAIGHT_JOIN proletarian_wait_over AS said ON said.waiting_id = :STORED_ID
 WHERE NOT EXISTS (SELECT 1 FROM proletarian_held_job AS held WHERE held.job_id = said.waiting_id)

-- :name fewer
UPDATE JSON_TABLE(CONVERT(:waits USING utf8mb4), '$[*]' COLUMNS (
           id    :JSON_ID PATH '$[0]',
           waits INT      PATH '$[1]')) AS said
  STRAIGHT_JOIN proletarian_held_job AS held ON held.job_id = :STORED_ID
   SET held.waits = said.waits

-- :name ready
-- process_at is now or later: a claim that continues from a later mark would not see an earlier time.
INSERT INTO proletarian_job (:KEPT, attempts, process_at, lost, errors)
SELECT :KEPT, held.attempts, GREATEST(held.process_at, COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6))), held.lost,
       held.errors
  FROM :WHICH STRAIGHT_JOIN proletarian_held_job AS held ON held.job_id = :STORED_ID

-- :name unhold
DELETE held FROM :WHICH STRAIGHT_JOIN proletarian_held_job AS held ON held.job_id = :STORED_ID

-- :name cancel
INSERT INTO proletarian_archived_job (:KEPT, attempts, process_at, lost, errors, status, finished_at)
SELECT :KEPT, held.attempts, held.process_at, held.lost, said.new_errors, 'cancelled',
       COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6))
  FROM JSON_TABLE(CONVERT(:said USING utf8mb4), '$[*]' COLUMNS (
           id         :JSON_ID PATH '$[0]',
           new_errors LONGTEXT CHARACTER SET utf8mb4 PATH '$[1]')) AS said
  STRAIGHT_JOIN proletarian_held_job AS held ON held.job_id = :STORED_ID

-- :name whereabouts
-- What became of jobs, in one statement: no status for a job that has not ended, no row for one that does not exist.
SELECT job.job_id, NULL AS status FROM :WHICH STRAIGHT_JOIN proletarian_job AS job ON job.job_id = :STORED_ID
 UNION ALL
SELECT running.job_id, NULL
  FROM proletarian_running_job AS running STRAIGHT_JOIN :WHICH ON running.job_id = :STORED_ID
 UNION ALL
SELECT held.job_id, NULL FROM :WHICH STRAIGHT_JOIN proletarian_held_job AS held ON held.job_id = :STORED_ID
 UNION ALL
SELECT archived.job_id, archived.status
  FROM :WHICH STRAIGHT_JOIN proletarian_archived_job AS archived ON archived.job_id = :STORED_ID

-- :name late
-- A page of late edges.
SELECT number, awaited_id, waiting_id, hold, outcome
  FROM proletarian_late_dependency
 WHERE number > :after
 ORDER BY number
 LIMIT :most

-- :name take_late
SELECT late.number
  FROM JSON_TABLE(CONVERT(:ids USING utf8mb4), '$[*]' COLUMNS (number BIGINT PATH '$')) AS which
  STRAIGHT_JOIN proletarian_late_dependency AS late ON late.number = which.number
   FOR UPDATE /*!80001 OF late */ SKIP LOCKED

-- :name drop_late
DELETE late
  FROM JSON_TABLE(CONVERT(:ids USING utf8mb4), '$[*]' COLUMNS (number BIGINT PATH '$')) AS which
  STRAIGHT_JOIN proletarian_late_dependency AS late ON late.number = which.number

-- :name settle_edge
INSERT INTO proletarian_dependency (awaited_id, waiting_id, outcome)
SELECT :STORED_AWAITED, :STORED_WAITING, said.outcome FROM :EDGES
    ON DUPLICATE KEY UPDATE outcome = said.outcome

-- :name failed_for
-- Jobs that were told that one of these had failed.
SELECT edge.awaited_id, edge.waiting_id
  FROM :WHICH STRAIGHT_JOIN proletarian_dependency AS edge ON edge.awaited_id = :STORED_ID
 WHERE edge.outcome = 2
 ORDER BY edge.awaited_id, edge.waiting_id
 LIMIT :most OFFSET :skip

-- :name seen_cancelled
SELECT archived.job_id
  FROM :WHICH STRAIGHT_JOIN proletarian_archived_job AS archived ON archived.job_id = :STORED_ID
 WHERE archived.status = 'cancelled'

-- :name lock_cancelled
SELECT archived.job_id, CAST(archived.errors AS BINARY)
  FROM :WHICH STRAIGHT_JOIN proletarian_archived_job AS archived ON archived.job_id = :STORED_ID
 WHERE archived.status = 'cancelled'
   FOR UPDATE /*!80001 OF archived */

-- :name unmet
-- What this job still waits for, or has waited for in vain: the ordinary and the late edges of its previous hold.
SELECT awaited_id
  FROM (SELECT awaited_id FROM proletarian_dependency
         WHERE waiting_id = :JOB_ID_VALUE AND (outcome IS NULL OR outcome = 2)
         UNION
        SELECT awaited_id FROM proletarian_late_dependency
         WHERE waiting_id = :JOB_ID_VALUE AND hold >= 0 AND outcome IS NULL) AS unmet
 ORDER BY awaited_id
 LIMIT :most OFFSET :skip

-- :name hold_again
INSERT INTO proletarian_held_job (:KEPT, attempts, process_at, lost, errors, hold, waits, if_failed)
SELECT :KEPT, attempts, process_at, lost, errors, :hold, :waits, 'cancel'
  FROM proletarian_archived_job
 WHERE job_id = :JOB_ID_VALUE

-- :name awaited_by
-- What a job waits or waited for, and what waits or waited for it.
(SELECT 'after' AS side, awaited_id, outcome FROM proletarian_dependency
  WHERE waiting_id = :JOB_ID_VALUE ORDER BY awaited_id LIMIT :most)
 UNION ALL
(SELECT 'after', awaited_id, outcome FROM proletarian_late_dependency
  WHERE waiting_id = :JOB_ID_VALUE AND hold >= 0 ORDER BY awaited_id LIMIT :most)
 UNION ALL
(SELECT 'before', waiting_id, outcome FROM proletarian_dependency
  WHERE awaited_id = :JOB_ID_VALUE ORDER BY waiting_id LIMIT :most)
 UNION ALL
(SELECT 'before', waiting_id, outcome FROM proletarian_late_dependency
  WHERE awaited_id = :JOB_ID_VALUE AND hold >= 0 ORDER BY waiting_id LIMIT :most)

-- :name waits
SELECT held.job_id, held.waits FROM :WHICH STRAIGHT_JOIN proletarian_held_job AS held ON held.job_id = :STORED_ID

-- :name results
-- A page of the results of the jobs that this run's job has waited for.
SELECT awaited.awaited_id, archived.status, CAST(archived.result AS BINARY)
  FROM (SELECT awaited_id FROM proletarian_dependency WHERE waiting_id = :JOB_ID_VALUE
         UNION
        SELECT awaited_id FROM proletarian_late_dependency WHERE waiting_id = :JOB_ID_VALUE AND hold >= 0) AS awaited
  JOIN proletarian_archived_job AS archived ON archived.job_id = awaited.awaited_id
 ORDER BY awaited.awaited_id
 LIMIT :most OFFSET :skip

-- :part NOWHERE
NOT EXISTS (SELECT 1 FROM proletarian_held_job AS held WHERE held.job_id = edge.waiting_id)
       AND NOT EXISTS (SELECT 1 FROM proletarian_job AS job WHERE job.job_id = edge.waiting_id)
       AND NOT EXISTS (SELECT 1 FROM proletarian_running_job AS running WHERE running.job_id = edge.waiting_id)
       AND NOT EXISTS (SELECT 1 FROM proletarian_archived_job AS archived WHERE archived.job_id = edge.waiting_id)

-- :name sweep_first
-- A page of edges: does the waiting job still exist, and did the awaited job end without telling it? (A worker of the
-- original Proletarian, in Clojure, tells nobody; nor does SQL written by hand.)
SELECT edge.awaited_id, edge.waiting_id, edge.outcome, :NOWHERE
  FROM proletarian_dependency AS edge
 ORDER BY edge.awaited_id, edge.waiting_id
 LIMIT :most

-- :name sweep
-- The next page. (A comparison of rows would read the table from the start.)
SELECT edge.awaited_id, edge.waiting_id, edge.outcome, :NOWHERE
  FROM proletarian_dependency AS edge
 WHERE edge.awaited_id >= :awaited AND (edge.awaited_id > :awaited OR edge.waiting_id > :waiting)
 ORDER BY edge.awaited_id, edge.waiting_id
 LIMIT :most

-- :name drop_edges
DELETE edge FROM :EDGES STRAIGHT_JOIN proletarian_dependency AS edge
    ON edge.awaited_id = :STORED_AWAITED AND edge.waiting_id = :STORED_WAITING

-- :name taken
-- Which of these ids another job already has, waiting or archived.
SELECT job.job_id FROM :WHICH STRAIGHT_JOIN proletarian_job AS job ON job.job_id = :STORED_ID
 UNION ALL
SELECT archived.job_id FROM :WHICH STRAIGHT_JOIN proletarian_archived_job AS archived ON archived.job_id = :STORED_ID

-- :name rename
UPDATE proletarian_held_job SET job_id = :new_id WHERE job_id = :JOB_ID_VALUE
