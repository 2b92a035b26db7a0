-- Enqueue unique jobs. A key is held while the job that took it last is in a table that the scope counts. Nobody has to
-- free it, so claims, retries, recovery and deletion by hand need not know about it. The jobs are passed in arrays
-- sorted by key, so rows are locked in that order, and two of these statements never deadlock.
--
-- A statement waits for a key that another open transaction is taking, but only a new statement sees what was taken:
-- the subqueries of the upsert keep the old snapshot, in which the other job does not exist yet. So a key is taken only
-- from the job that this statement saw as its owner (compare and set), and a key for which no row is returned is asked
-- for again. Under REPEATABLE READ, PostgreSQL raises 40001 instead.

-- :part TIME
coalesce(CAST(:now AS timestamptz), statement_timestamp())

-- :part WAKE
-- Notify a worker that sleeps on the queue; see `enqueue`.
WHEN pg_try_advisory_lock(hashtextextended(queue, hashtext('proletarian.job asleep')))
THEN pg_advisory_unlock(hashtextextended(queue, hashtext('proletarian.job asleep')))
ELSE pg_notify('proletarian.job', queue) IS NOT NULL

-- :part WAKE_REPLACED
WHEN pg_try_advisory_lock(hashtextextended(waiting.queue, hashtext('proletarian.job asleep')))
THEN pg_advisory_unlock(hashtextextended(waiting.queue, hashtext('proletarian.job asleep')))
ELSE pg_notify('proletarian.job', waiting.queue) IS NOT NULL

-- :part NAMED
SELECT :NEW, job_id, unique_key, :TIME + make_interval(secs => within) AS held_until,
       greatest(coalesce(process_at, :TIME + make_interval(secs => delay)), :TIME) AS process_at

-- :part HELD
held AS (
SELECT key.unique_key, key.job_id, key.held_until
  FROM asked JOIN proletarian.unique_job AS key USING (unique_key))

-- :part ASKED_KEYS
-- The keys alone: their jobs follow by COPY.
asked AS (
SELECT job_id, unique_key, :TIME + make_interval(secs => within) AS held_until
  FROM unnest(CAST(:job_id AS :ID[]), CAST(:unique_key AS text[]), CAST(:within AS float8[]))
    AS new(job_id, unique_key, within)),
:HELD

-- :part ASKED
asked AS (
:NAMED
  FROM unnest(:NEW_ARRAYS, CAST(:job_id AS :ID[]), CAST(:unique_key AS text[]), CAST(:within AS float8[]),
              CAST(:process_at AS timestamptz[]), CAST(:delay AS float8[]))
    AS new(:NEW, job_id, unique_key, within, process_at, delay)),
:HELD

-- :part ASKED_ONE
-- One job, without arrays. For an array of unknown length the generic plan assumes ten rows, looks more expensive than
-- a plan for the actual array, and so the planner plans again each time, which takes ten times as long as the rest.
asked AS NOT MATERIALIZED (
:NAMED
  FROM (VALUES (:NEW_VALUES, CAST(:job_id AS :ID), CAST(:unique_key AS text), CAST(:within AS float8),
                CAST(:process_at AS timestamptz), CAST(:delay AS float8)))
    AS new(:NEW, job_id, unique_key, within, process_at, delay)),
:HELD

-- :part KEYS
taken AS (
INSERT INTO proletarian.unique_job AS mine (unique_key, job_id, taken_at, held_until)
SELECT unique_key, job_id, :TIME, held_until
  FROM asked
 WHERE NOT EXISTS (SELECT FROM live WHERE live.unique_key = asked.unique_key)
   AND (NOT CAST(:all_or_none AS bool) OR NOT EXISTS (SELECT FROM live))
 ORDER BY unique_key
    ON CONFLICT (unique_key) DO UPDATE
   SET job_id = excluded.job_id, taken_at = excluded.taken_at, held_until = excluded.held_until
 WHERE (mine.unique_key, mine.job_id) IN (SELECT unique_key, job_id FROM held)  -- hashed: no search for each key
RETURNING unique_key)

-- :part TOLD
SELECT unique_key, job_id, true FROM taken JOIN asked USING (unique_key)
 UNION ALL
SELECT unique_key, job_id, false FROM live

-- :part TAKEN
:KEYS,
enqueued AS (
INSERT INTO proletarian.job (job_id, :NEW, unique_key, attempts, enqueued_at, process_at)
SELECT job_id, :NEW, CAST(:scope AS text) || ':' || unique_key, 0, :TIME, process_at
  FROM taken JOIN asked USING (unique_key)
 WHERE CASE WHEN taken.unique_key IS NULL THEN false WHEN NOT CAST(:wake AS bool) THEN true :WAKE END)
:TOLD

-- :part UNFINISHED
-- OFFSET 0 makes the planner look up each job by an index. Without it, a plan that was made while a table was small
-- hashes the whole table, and still does so when it has grown.
live AS (
SELECT unique_key, job_id
  FROM held
 WHERE EXISTS (SELECT FROM proletarian.job AS waiting WHERE waiting.job_id = held.job_id OFFSET 0)
    -- The archive has an index on job_id and `running_job` has none, so that table is read only if the job is running.
    OR NOT EXISTS (SELECT FROM proletarian.archived_job AS archived WHERE archived.job_id = held.job_id OFFSET 0)
   AND EXISTS (SELECT FROM proletarian.running_job AS running WHERE running.job_id = held.job_id OFFSET 0))

-- :part UNTIL
live AS (SELECT unique_key, job_id FROM held WHERE held_until > :TIME)

-- :part REPLACED
replaced AS (
UPDATE proletarian.job AS waiting
   SET payload = asked.payload, headers = asked.headers, priority = asked.priority, lane = asked.lane,
       process_at = asked.process_at
  FROM locked JOIN asked USING (unique_key)
 WHERE waiting.job_id = locked.job_id
   AND CASE WHEN locked.job_id IS NULL THEN false WHEN NOT CAST(:wake AS bool) THEN true :WAKE_REPLACED END
RETURNING asked.unique_key, waiting.job_id)

-- :part KEEP_FINISHED
-- No lock on the job that is kept: it may be running anyway.
:UNFINISHED, :TAKEN

-- :name keep_finished
WITH :ASKED, :KEEP_FINISHED

-- :name keep_finished_one
WITH :ASKED_ONE, :KEEP_FINISHED

-- :part KEEP_WITHIN
:UNTIL, :TAKEN

-- :name take_finished
WITH :ASKED_KEYS, :UNFINISHED, :KEYS
:TOLD

-- :name keep_within
WITH :ASKED, :KEEP_WITHIN

-- :name keep_within_one
WITH :ASKED_ONE, :KEEP_WITHIN

-- :name take_within
WITH :ASKED_KEYS, :UNTIL, :KEYS
:TOLD

-- :part UNSTARTED
-- The job that is kept must not start before this transaction has committed: it would not see what this transaction has
-- changed, and nothing would run afterwards. So its row is locked, and claims skip it; transactions that keep the same
-- job do not wait for each other. To let a job run that is being kept all the time, a job that has been due for five
-- seconds is kept by only one transaction at a time; another one that finds it locked takes the key with a new job.
fresh AS (
SELECT held.unique_key, waiting.job_id
  FROM held JOIN proletarian.job AS waiting USING (job_id)
 WHERE waiting.attempts = 0 AND waiting.lost = 0 AND waiting.process_at > :TIME - interval '5 s'
   FOR KEY SHARE OF waiting),
stale AS (
SELECT held.unique_key, waiting.job_id
  FROM held JOIN proletarian.job AS waiting USING (job_id)
 WHERE waiting.attempts = 0 AND waiting.lost = 0 AND waiting.process_at <= :TIME - interval '5 s'
   FOR UPDATE OF waiting SKIP LOCKED),
live AS (SELECT * FROM fresh UNION ALL SELECT * FROM stale)

-- :part KEEP_STARTED
:UNSTARTED, :TAKEN

-- :name keep_started
WITH :ASKED, :KEEP_STARTED

-- :name keep_started_one
WITH :ASKED_ONE, :KEEP_STARTED

-- :name take_started
WITH :ASKED_KEYS, :UNSTARTED, :KEYS
:TOLD

-- :part REPLACE_STARTED
-- FOR UPDATE does not find a job that starts in the meantime, and the key is taken with a new job.
locked AS (
SELECT held.unique_key, waiting.job_id
  FROM held JOIN proletarian.job AS waiting USING (job_id)
 WHERE waiting.attempts = 0 AND waiting.lost = 0
 ORDER BY held.unique_key
   FOR UPDATE OF waiting),
:REPLACED, live AS (SELECT * FROM replaced), :TAKEN

-- :name replace_started
WITH :ASKED, :REPLACE_STARTED

-- :name replace_started_one
WITH :ASKED_ONE, :REPLACE_STARTED

-- :part REPLACE_FINISHED
-- A job that starts in the meantime is kept as it is, like any running job.
:UNFINISHED,
locked AS (
SELECT live.unique_key, waiting.job_id
  FROM live JOIN proletarian.job AS waiting USING (job_id)
 WHERE waiting.attempts = 0 AND waiting.lost = 0
 ORDER BY live.unique_key
   FOR UPDATE OF waiting),
:REPLACED, :TAKEN

-- :name replace_finished
WITH :ASKED, :REPLACE_FINISHED

-- :name replace_finished_one
WITH :ASKED_ONE, :REPLACE_FINISHED

-- :part REPLACE_WITHIN
:UNTIL,
locked AS (
SELECT live.unique_key, waiting.job_id
  FROM live JOIN proletarian.job AS waiting USING (job_id)
 WHERE waiting.attempts = 0 AND waiting.lost = 0
 ORDER BY live.unique_key
   FOR UPDATE OF waiting),
:REPLACED, :TAKEN

-- :name replace_within
WITH :ASKED, :REPLACE_WITHIN

-- :name replace_within_one
WITH :ASKED_ONE, :REPLACE_WITHIN

-- :name give_up
-- Keys that were taken by jobs that could not be inserted. The application may have given one of them the id of another
-- job, which is there, and would hold the key.
DELETE FROM proletarian.unique_job AS key
 USING unnest(CAST(:job_id AS :ID[]), CAST(:unique_key AS text[])) AS taken(job_id, unique_key)
 WHERE key.unique_key = taken.unique_key AND key.job_id = taken.job_id

-- :name transaction
-- Two statements that see the same number are in one transaction, and roll back together.
SELECT txid_current()

-- :name sweep
-- A page of keys: whether each key's job is gone, and whether the key is more than a day old.
SELECT unique_key, job_id, coalesce(held_until < clock_timestamp(), true)
       AND NOT EXISTS (SELECT FROM proletarian.job AS waiting WHERE waiting.job_id = page.job_id)
       AND job_id NOT IN (SELECT job_id FROM proletarian.running_job),
       taken_at < clock_timestamp() - interval '1 day'
  FROM (SELECT * FROM proletarian.unique_job WHERE unique_key > :after ORDER BY unique_key LIMIT CAST(:most AS int))
    AS page
 ORDER BY unique_key

-- :name prune
-- Only if the key still belongs to that job, and nobody is taking it: a condition on the job's place would be as old as
-- this statement's snapshot.
DELETE FROM proletarian.unique_job AS key
 WHERE key.ctid = ANY (ARRAY(
       SELECT old.ctid
         FROM proletarian.unique_job AS old
        WHERE old.unique_key = :unique_key AND old.job_id = :job_id
          FOR UPDATE SKIP LOCKED))
