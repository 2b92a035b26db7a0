-- Jobs that wait for others. Three rules keep each statement away from rows that others may have locked:
--  * an acknowledgement only inserts into wait_over, and never touches the row of the waiting job;
--  * a separate transaction, the release, does the counting: it locks rows of held_job with SKIP LOCKED, consumes what
--    they were told, and moves the jobs that wait for nothing more. It keeps no state: the next release continues from
--    there;
--  * an edge to a job of an earlier transaction goes to late_dependency. The acknowledgement of that job may be under
--    way and cannot see the edge, so the awaited job is looked up, wherever it is, until it has ended.

-- :part WHICH
job_id = ANY (CAST(:job_ids AS :ID[]))

-- :name put
INSERT INTO proletarian.job (job_id, :NEW, attempts, enqueued_at, process_at, flow)
SELECT job_id, :NEW, 0, enqueued_at, process_at, flow
  FROM unnest(CAST(:job_id AS :ID[]), :NEW_ARRAYS,
              CAST(:enqueued_at AS timestamptz[]), CAST(:process_at AS timestamptz[]), CAST(:flow AS smallint[]))
    AS new(job_id, :NEW, enqueued_at, process_at, flow)

-- :name hold
INSERT INTO proletarian.held_job (job_id, :NEW, enqueued_at, process_at, flow, waits, if_failed)
SELECT job_id, :NEW, enqueued_at, process_at, flow, waits, if_failed
  FROM unnest(CAST(:job_id AS :ID[]), :NEW_ARRAYS,
              CAST(:enqueued_at AS timestamptz[]), CAST(:process_at AS timestamptz[]), CAST(:flow AS smallint[]),
              CAST(:waits AS int[]), CAST(:if_failed AS text[]))
    AS new(job_id, :NEW, enqueued_at, process_at, flow, waits, if_failed)

-- :name depend
INSERT INTO proletarian.dependency (awaited_id, waiting_id, outcome)
SELECT awaited_id, waiting_id, outcome
  FROM unnest(CAST(:awaited AS :ID[]), CAST(:waiting AS :ID[]), CAST(:outcomes AS smallint[]))
    AS edge(awaited_id, waiting_id, outcome)

-- :name depend_late
INSERT INTO proletarian.late_dependency (awaited_id, waiting_id, hold, outcome)
SELECT awaited_id, waiting_id, hold, outcome
  FROM unnest(CAST(:awaited AS :ID[]), CAST(:waiting AS :ID[]), CAST(:holds AS bigint[]), CAST(:outcomes AS smallint[]))
    AS edge(awaited_id, waiting_id, hold, outcome)

-- :name tell
-- These jobs have ended: tell the jobs that wait for them. Each edge is told once, so a job that ends again after a
-- retry tells nobody twice. Only so many edges are updated at a time, by their ctid: a join would tempt the planner to
-- read all edges of a large flow for each acknowledgement.
WITH told AS (
UPDATE proletarian.dependency AS edge
   SET outcome = CASE WHEN edge.awaited_id = ANY (CAST(:failed AS :ID[])) THEN 2 ELSE 1 END
 WHERE edge.ctid = ANY (ARRAY(
       SELECT pending.ctid
         FROM proletarian.dependency AS pending
        WHERE pending.awaited_id = ANY (CAST(:job_ids AS :ID[])) AND pending.outcome IS NULL
        LIMIT CAST(:most AS int)))
RETURNING edge.awaited_id, edge.waiting_id, edge.outcome),
noted AS (
INSERT INTO proletarian.wait_over (waiting_id, hold, done, failed, failed_id)
SELECT waiting_id, 0, count(*), count(*) FILTER (WHERE outcome = 2),
       (array_agg(awaited_id) FILTER (WHERE outcome = 2))[1]
  FROM told
 GROUP BY waiting_id)
SELECT count(*) FROM told

-- :name note
INSERT INTO proletarian.wait_over (waiting_id, hold, done, failed, failed_id)
SELECT waiting_id, hold, done, failed, failed_id
  FROM unnest(CAST(:waiting AS :ID[]), CAST(:holds AS bigint[]), CAST(:done AS int[]), CAST(:failed AS int[]),
              CAST(:failed_ids AS :ID[]))
    AS said(waiting_id, hold, done, failed, failed_id)

-- :name due
-- Jobs that were told something which has not been counted yet.
SELECT DISTINCT :SHOWN_WAITING
  FROM (SELECT waiting_id FROM proletarian.wait_over AS said ORDER BY number LIMIT CAST(:most AS int)) AS first

-- :name lock
SELECT :SHOWN_ID, queue, job_type, errors, waits, hold, if_failed
  FROM proletarian.held_job AS held
 WHERE :WHICH
 ORDER BY held.job_id
   FOR UPDATE SKIP LOCKED

-- :name said
-- What the jobs whose rows we have locked were told. This must be a later statement than the lock, so that it sees
-- everything committed before it.
SELECT number, :SHOWN_WAITING, hold, done, failed, :SHOWN_FAILED
  FROM proletarian.wait_over AS said
 WHERE waiting_id = ANY (CAST(:job_ids AS :ID[]))
 ORDER BY said.number
 LIMIT CAST(:most AS int)

-- :name eat
DELETE FROM proletarian.wait_over AS said WHERE number = ANY (CAST(CAST(:ids AS text) AS bigint[]))

-- :name litter
-- What was told to jobs that are not held: they were cancelled before, and may be about to be held again. A job's row
-- in held_job is always there before the job can be told anything.
DELETE FROM proletarian.wait_over AS said
 WHERE waiting_id = ANY (CAST(:job_ids AS :ID[]))
   AND NOT EXISTS (SELECT FROM proletarian.held_job AS held WHERE held.job_id = said.waiting_id)

-- :name fewer
UPDATE proletarian.held_job AS held
   SET waits = said.waits
  FROM unnest(CAST(:job_ids AS :ID[]), CAST(:waits AS int[])) AS said(id, waits)
 WHERE held.job_id = said.id

-- :name ready
-- process_at is now or later: a claim that continues from a later mark would not see an earlier time.
WITH over AS (
DELETE FROM proletarian.held_job AS held WHERE :WHICH RETURNING held.*)
INSERT INTO proletarian.job AS job (:KEPT, attempts, process_at, lost, errors)
SELECT :KEPT, attempts, greatest(process_at, coalesce(CAST(:now AS timestamptz), clock_timestamp())), lost, errors
  FROM over

-- :name cancel
WITH over AS (
DELETE FROM proletarian.held_job AS held
 USING unnest(CAST(:job_ids AS :ID[]), CAST(:errors AS text[])) AS said(id, new_errors)
 WHERE held.job_id = said.id
RETURNING held.*, said.new_errors)
INSERT INTO proletarian.archived_job AS archived (:KEPT, attempts, process_at, lost, errors, status, finished_at)
SELECT :KEPT, attempts, process_at, lost, new_errors, 'cancelled', coalesce(CAST(:now AS timestamptz), clock_timestamp())
  FROM over

-- :name whereabouts
-- What became of jobs, in one statement: no status for a job that has not ended, no row for one that does not exist.
SELECT :SHOWN_ID, NULL AS status FROM proletarian.job AS job WHERE :WHICH
 UNION ALL
SELECT :SHOWN_ID, NULL FROM proletarian.running_job AS running WHERE :WHICH
 UNION ALL
SELECT :SHOWN_ID, NULL FROM proletarian.held_job AS held WHERE :WHICH
 UNION ALL
SELECT :SHOWN_ID, status FROM proletarian.archived_job AS archived WHERE :WHICH

-- :name late
-- A page of late edges.
SELECT number, :SHOWN_AWAITED, :SHOWN_WAITING, hold, outcome
  FROM proletarian.late_dependency AS late
 WHERE number > :after
 ORDER BY late.number
 LIMIT CAST(:most AS int)

-- :name take_late
SELECT number
  FROM proletarian.late_dependency AS late
 WHERE number = ANY (CAST(CAST(:ids AS text) AS bigint[]))
   FOR UPDATE SKIP LOCKED

-- :name drop_late
DELETE FROM proletarian.late_dependency AS late WHERE number = ANY (CAST(CAST(:ids AS text) AS bigint[]))

-- :name settle_edge
INSERT INTO proletarian.dependency AS edge (awaited_id, waiting_id, outcome)
SELECT awaited_id, waiting_id, outcome
  FROM unnest(CAST(:awaited AS :ID[]), CAST(:waiting AS :ID[]), CAST(:outcomes AS smallint[]))
    AS said(awaited_id, waiting_id, outcome)
 ORDER BY awaited_id, waiting_id
    ON CONFLICT (awaited_id, waiting_id) DO UPDATE SET outcome = excluded.outcome

-- :name failed_for
-- Jobs that were told that one of these had failed.
SELECT :SHOWN_AWAITED, :SHOWN_WAITING
  FROM proletarian.dependency AS edge
 WHERE awaited_id = ANY (CAST(:job_ids AS :ID[]))
   AND outcome = 2
 ORDER BY edge.awaited_id, edge.waiting_id
 LIMIT CAST(:most AS int) OFFSET CAST(:skip AS int)

-- :name seen_cancelled
SELECT :SHOWN_ID FROM proletarian.archived_job AS archived WHERE :WHICH AND status = 'cancelled'

-- :name lock_cancelled
SELECT :SHOWN_ID, errors
  FROM proletarian.archived_job AS archived
 WHERE :WHICH AND status = 'cancelled'
 ORDER BY archived.job_id
   FOR UPDATE

-- :name unmet
-- What this job still waits for, or has waited for in vain: the ordinary and the late edges of its previous hold.
SELECT :SHOWN_AWAITED
  FROM (SELECT awaited_id FROM proletarian.dependency AS edge
         WHERE waiting_id = CAST(:job_id AS :ID) AND (outcome IS NULL OR outcome = 2)
         UNION
        SELECT awaited_id FROM proletarian.late_dependency AS late
         WHERE waiting_id = CAST(:job_id AS :ID) AND hold >= 0 AND outcome IS NULL) AS unmet
 ORDER BY unmet.awaited_id
 LIMIT CAST(:most AS int) OFFSET CAST(:skip AS int)

-- :name hold_again
WITH revived AS (
DELETE FROM proletarian.archived_job AS archived WHERE job_id = CAST(:job_id AS :ID) RETURNING archived.*)
INSERT INTO proletarian.held_job (:KEPT, attempts, process_at, lost, errors, hold, waits, if_failed)
SELECT :KEPT, attempts, process_at, lost, errors, CAST(:hold AS bigint), CAST(:waits AS int), 'cancel'
  FROM revived

-- :name awaited_by
-- What a job waits or waited for, and what waits or waited for it.
SELECT * FROM (SELECT 'after' AS side, :SHOWN_AWAITED, outcome FROM proletarian.dependency AS edge
                WHERE waiting_id = CAST(:job_id AS :ID) ORDER BY edge.awaited_id LIMIT CAST(:most AS int)) AS one
 UNION ALL
SELECT * FROM (SELECT 'after' AS side, :SHOWN_AWAITED, outcome FROM proletarian.late_dependency AS late
                WHERE waiting_id = CAST(:job_id AS :ID) AND hold >= 0 ORDER BY late.awaited_id LIMIT CAST(:most AS int)) AS two
 UNION ALL
SELECT * FROM (SELECT 'before' AS side, :SHOWN_WAITING, outcome FROM proletarian.dependency AS edge
                WHERE awaited_id = CAST(:job_id AS :ID) ORDER BY edge.waiting_id LIMIT CAST(:most AS int)) AS three
 UNION ALL
SELECT * FROM (SELECT 'before' AS side, :SHOWN_WAITING, outcome FROM proletarian.late_dependency AS late
                WHERE awaited_id = CAST(:job_id AS :ID) AND hold >= 0 ORDER BY late.waiting_id LIMIT CAST(:most AS int)) AS four

-- :name waits
SELECT :SHOWN_ID, waits FROM proletarian.held_job AS held WHERE :WHICH

-- :name results
-- A page of the results of the jobs that this run's job has waited for.
SELECT :SHOWN_AWAITED, archived.status, archived.result
  FROM (SELECT awaited_id FROM proletarian.dependency AS edge WHERE waiting_id = CAST(:job_id AS :ID)
         UNION
        SELECT awaited_id FROM proletarian.late_dependency AS late WHERE waiting_id = CAST(:job_id AS :ID) AND hold >= 0) AS awaited
  JOIN proletarian.archived_job AS archived ON archived.job_id = awaited.awaited_id
 ORDER BY awaited.awaited_id
 LIMIT CAST(:most AS int) OFFSET CAST(:skip AS int)

-- :part NOWHERE
NOT EXISTS (SELECT FROM proletarian.held_job AS held WHERE held.job_id = edge.waiting_id)
       AND NOT EXISTS (SELECT FROM proletarian.job AS job WHERE job.job_id = edge.waiting_id)
       AND NOT EXISTS (SELECT FROM proletarian.running_job AS running WHERE running.job_id = edge.waiting_id)
       AND NOT EXISTS (SELECT FROM proletarian.archived_job AS archived WHERE archived.job_id = edge.waiting_id)

-- :name sweep_first
-- A page of edges: does the waiting job still exist, and did the awaited job end without telling it? (A worker of the
-- original Proletarian, in Clojure, tells nobody; nor does SQL written by hand.)
SELECT :SHOWN_AWAITED, :SHOWN_WAITING, outcome, :NOWHERE
  FROM proletarian.dependency AS edge
 ORDER BY edge.awaited_id, edge.waiting_id
 LIMIT CAST(:most AS int)

-- :name sweep
SELECT :SHOWN_AWAITED, :SHOWN_WAITING, outcome, :NOWHERE
  FROM proletarian.dependency AS edge
 WHERE (awaited_id, waiting_id) > (CAST(:awaited AS :ID), CAST(:waiting AS :ID))
 ORDER BY edge.awaited_id, edge.waiting_id
 LIMIT CAST(:most AS int)

-- :name drop_edges
DELETE FROM proletarian.dependency AS edge
 USING unnest(CAST(:awaited AS :ID[]), CAST(:waiting AS :ID[])) AS gone(awaited_id, waiting_id)
 WHERE edge.awaited_id = gone.awaited_id AND edge.waiting_id = gone.waiting_id

-- :name taken
-- Which of these ids another job already has, waiting or archived.
SELECT :SHOWN_ID FROM proletarian.job AS job WHERE :WHICH
 UNION ALL
SELECT :SHOWN_ID FROM proletarian.archived_job AS archived WHERE :WHICH

-- :name rename
UPDATE proletarian.held_job AS held SET job_id = CAST(:new_id AS :ID) WHERE job_id = CAST(:job_id AS :ID)
