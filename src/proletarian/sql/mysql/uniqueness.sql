-- Enqueue unique jobs. A key has a row of its own, which says whether it is held; claims and acknowledgements write
-- that down (`mark`), because on these databases no other table can be asked for its latest state without locking the
-- gap into which everybody inserts new jobs. The row is locked from an enqueue to its commit.
--  * A worker never waits for it (SKIP LOCKED): a job whose key is locked is not started now, because the transaction
--    with the lock may be keeping that job, and may change something that its run has to see. If the job has ended in
--    the meantime, the keeper frees its key, and does wait for the lock.
--  * A free key keeps its row, and is pruned after a day: if three transactions want a key that has no row, and the
--    first one rolls back, one of the others gets a deadlock error.

-- :part TIME
COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6))

-- :part KEYS
JSON_TABLE(CONVERT(:asked USING utf8mb4), '$[*]' COLUMNS (
           text_of VARCHAR(191) CHARACTER SET utf8mb4 PATH '$[0]',
           id      :JSON_ID PATH '$[1]',
           number  DOUBLE   PATH '$[2]')) AS listed

-- :name autocommit
SELECT @@autocommit

-- :name savepoint
SAVEPOINT proletarian_open

-- :name release
-- Fails outside a transaction, where a savepoint vanishes as soon as it is set.
RELEASE SAVEPOINT proletarian_open

-- :part TAKE
INSERT INTO proletarian_unique_job (unique_key, job_id, held, taken_at, held_until)
SELECT asked.unique_key, asked.job_id, 1, asked.t, asked.held_until

-- :part IF_FREE
-- Assignments are evaluated from left to right: the later ones see whether the first has taken the key.
    ON DUPLICATE KEY UPDATE
       job_id = IF(proletarian_unique_job.held = 0 OR proletarian_unique_job.held_until <= asked.t,
                   asked.job_id, proletarian_unique_job.job_id),
       held = IF(proletarian_unique_job.job_id = asked.job_id, 1, proletarian_unique_job.held),
       taken_at = IF(proletarian_unique_job.job_id = asked.job_id, asked.t, proletarian_unique_job.taken_at),
       held_until = IF(proletarian_unique_job.job_id = asked.job_id, asked.held_until,
                       proletarian_unique_job.held_until)

-- :name take
-- :counts
:TAKE
  FROM (SELECT CAST(text_of AS BINARY) AS unique_key, :STORED_ID AS job_id, t,
               t + INTERVAL CAST(number * 1000000 AS SIGNED) MICROSECOND AS held_until
          FROM (SELECT :TIME AS t) AS clock JOIN :KEYS) AS asked
:IF_FREE

-- :name take_one
-- :counts
:TAKE
  FROM (SELECT :key AS unique_key, :TOKEN AS job_id, t,
               t + INTERVAL CAST(:within * 1000000 AS SIGNED) MICROSECOND AS held_until
          FROM (SELECT :TIME AS t) AS clock) AS asked
:IF_FREE

-- :name insert_one
-- :counts
-- The job goes in if `take` has given it its key. We have locked the key's row, so INSERT … SELECT reads its latest
-- state, whatever the snapshot. That one row went in says that the key is ours, and nobody has to ask for it.
INSERT INTO proletarian_job (job_id, :NEW, unique_key, attempts, enqueued_at, process_at)
SELECT :JOB_ID_VALUE, :NEW_VALUES, CONVERT(:unique_key USING utf8mb4), 0, t,
       GREATEST(COALESCE(CAST(:process_at AS DATETIME(6)),
                         t + INTERVAL CAST(:delay * 1000000 AS SIGNED) MICROSECOND, t), t)
  FROM (SELECT :TIME AS t) AS clock
  STRAIGHT_JOIN proletarian_unique_job AS mine ON mine.unique_key = :key AND mine.job_id = :TOKEN

-- :name insert
-- :counts
INSERT INTO proletarian_job (job_id, :NEW, unique_key, attempts, enqueued_at, process_at)
SELECT :STORED_ID, :NEW, new.unique_key, 0, t,
       GREATEST(COALESCE(CAST(new.process_at AS DATETIME(6)),
                         t + INTERVAL CAST(new.delay * 1000000 AS SIGNED) MICROSECOND, t), t)
  FROM (SELECT :TIME AS t) AS clock
  STRAIGHT_JOIN JSON_TABLE(CONVERT(:jobs USING utf8mb4), '$[*]' COLUMNS (
           id         :JSON_ID    PATH '$[0]',
           process_at VARCHAR(32) PATH '$[1]',
           delay      DOUBLE      PATH '$[2]',
           :NEW_ITEMS, :UNIQUE_ITEMS)) AS new
  STRAIGHT_JOIN proletarian_unique_job AS mine
     ON mine.unique_key = CAST(new.text_of AS BINARY) AND mine.job_id = :STORED_ID

-- :name owners
-- Which job owns each key now, and whether that job waits for its first run. We have locked the rows already, and a
-- locking read sees their latest state, whatever the snapshot.
SELECT mine.unique_key, mine.job_id, mine.held = 1
  FROM :KEYS
  STRAIGHT_JOIN proletarian_unique_job AS mine ON mine.unique_key = CAST(listed.text_of AS BINARY)
   FOR UPDATE /*!80001 OF mine */

-- :name give_up
UPDATE proletarian_unique_job SET held = 0 WHERE unique_key = :unique_key AND job_id = :job_id

-- :name named
UPDATE proletarian_unique_job SET job_id = :job_id WHERE unique_key = :unique_key

-- :name replace
-- Only for a job that waits according to `owners`: it cannot start, because we have locked its key. Looking for a job
-- that does not exist would lock a gap.
UPDATE proletarian_job
   SET payload = CONVERT(:payload USING utf8mb4), headers = CONVERT(:headers USING utf8mb4), priority = :priority,
       lane = CONVERT(:lane USING utf8mb4),
       process_at = GREATEST(COALESCE(CAST(:process_at AS DATETIME(6)),
           :TIME + INTERVAL CAST(:delay * 1000000 AS SIGNED) MICROSECOND, :TIME), :TIME)
 WHERE job_id = :job_id

-- :name lock
SELECT mine.unique_key
  FROM :KEYS
  STRAIGHT_JOIN proletarian_unique_job AS mine ON mine.unique_key = CAST(listed.text_of AS BINARY)
   FOR UPDATE /*!80001 OF mine */ SKIP LOCKED

-- :name holders
-- The same without a lock: the last committed state.
SELECT mine.unique_key, mine.job_id, mine.held
  FROM :KEYS
  STRAIGHT_JOIN proletarian_unique_job AS mine ON mine.unique_key = CAST(listed.text_of AS BINARY)

-- :name mark
UPDATE :KEYS
  STRAIGHT_JOIN proletarian_unique_job AS mine
     ON mine.unique_key = CAST(listed.text_of AS BINARY) AND mine.job_id = :STORED_ID
   SET mine.held = listed.number

-- :name mark_one
-- This one waits for the lock.
UPDATE proletarian_unique_job SET held = :held WHERE unique_key = :unique_key AND job_id = :job_id AND held <> 0

-- :name sweep
-- A page of keys: whether each key's job is gone, and whether the key is more than a day old.
SELECT unique_key, job_id, COALESCE(held_until < UTC_TIMESTAMP(6), TRUE)
       AND NOT EXISTS (SELECT 1 FROM proletarian_job AS waiting WHERE waiting.job_id = page.job_id)
       AND job_id NOT IN (SELECT job_id FROM proletarian_running_job),
       taken_at < UTC_TIMESTAMP(6) - INTERVAL 1 DAY, held
  FROM (SELECT * FROM proletarian_unique_job WHERE unique_key > :after ORDER BY unique_key LIMIT :most) AS page
 ORDER BY unique_key

-- :name prune
DELETE FROM proletarian_unique_job WHERE unique_key = :unique_key AND job_id = :job_id
