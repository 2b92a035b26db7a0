-- Enqueue unique jobs. A key has a row of its own, which says whether it is held; the worker's claim and
-- acknowledgement write that down (`mark`), as here nothing else can be asked for the newest state without locking
-- the gap that everybody's new jobs go into. The row is locked from an enqueue to its commit.
--  * A worker never waits for it (SKIP LOCKED): a job whose key is locked is not started now, since who holds the lock
--    may be keeping it, and changes something that its run has to see. The key of a job that has ended meanwhile is
--    freed by the keeper, which waits its turn.
--  * A free key stays, and is pruned after a day: of three that want one which is not there, and the first of which
--    rolls back, one would have a deadlock.

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
-- Fails without a transaction, where a savepoint is gone as soon as it is made.
RELEASE SAVEPOINT proletarian_open

-- :name take
-- Assignments are carried out from left to right: the later ones see whether the first has taken the key.
INSERT INTO proletarian_unique_job (unique_key, job_id, held, taken_at, held_until)
SELECT asked.unique_key, asked.job_id, 1, asked.t, asked.held_until
  FROM (SELECT CAST(text_of AS BINARY) AS unique_key, :STORED_ID AS job_id, t,
               t + INTERVAL CAST(number * 1000000 AS SIGNED) MICROSECOND AS held_until
          FROM (SELECT :TIME AS t) AS clock JOIN :KEYS) AS asked
    ON DUPLICATE KEY UPDATE
       job_id = IF(proletarian_unique_job.held = 0 OR proletarian_unique_job.held_until <= asked.t,
                   asked.job_id, proletarian_unique_job.job_id),
       held = IF(proletarian_unique_job.job_id = asked.job_id, 1, proletarian_unique_job.held),
       taken_at = IF(proletarian_unique_job.job_id = asked.job_id, asked.t, proletarian_unique_job.taken_at),
       held_until = IF(proletarian_unique_job.job_id = asked.job_id, asked.held_until,
                       proletarian_unique_job.held_until)

-- :name owners
-- Whose the keys are now, and whether that job waits for its first run. The rows are ours already, and a locking
-- read sees their newest state, whatever the snapshot.
SELECT mine.unique_key, mine.job_id, mine.held = 1
  FROM :KEYS
  STRAIGHT_JOIN proletarian_unique_job AS mine ON mine.unique_key = CAST(listed.text_of AS BINARY)
   FOR UPDATE /*!80001 OF mine */

-- :name give_up
UPDATE proletarian_unique_job SET held = 0 WHERE unique_key = :unique_key AND job_id = :job_id

-- :name named
UPDATE proletarian_unique_job SET job_id = :job_id WHERE unique_key = :unique_key

-- :name replace
-- Only for a job that `owners` says waits: it cannot start, because its key is ours. To look for one that is not
-- there would lock a gap.
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
-- The same without a lock, as they were last committed.
SELECT mine.unique_key, mine.job_id, mine.held
  FROM :KEYS
  STRAIGHT_JOIN proletarian_unique_job AS mine ON mine.unique_key = CAST(listed.text_of AS BINARY)

-- :name mark
UPDATE :KEYS
  STRAIGHT_JOIN proletarian_unique_job AS mine
     ON mine.unique_key = CAST(listed.text_of AS BINARY) AND mine.job_id = :STORED_ID
   SET mine.held = listed.number

-- :name mark_one
-- This one waits for whoever has the row.
UPDATE proletarian_unique_job SET held = :held WHERE unique_key = :unique_key AND job_id = :job_id AND held <> 0

-- :name sweep
-- A page of keys: whether a key has no job any more, and for how long it has been there.
SELECT unique_key, job_id, COALESCE(held_until < UTC_TIMESTAMP(6), TRUE)
       AND NOT EXISTS (SELECT 1 FROM proletarian_job AS waiting WHERE waiting.job_id = page.job_id)
       AND job_id NOT IN (SELECT job_id FROM proletarian_running_job),
       taken_at < UTC_TIMESTAMP(6) - INTERVAL 1 DAY, held
  FROM (SELECT * FROM proletarian_unique_job WHERE unique_key > :after ORDER BY unique_key LIMIT :most) AS page
 ORDER BY unique_key

-- :name prune
DELETE FROM proletarian_unique_job WHERE unique_key = :unique_key AND job_id = :job_id
