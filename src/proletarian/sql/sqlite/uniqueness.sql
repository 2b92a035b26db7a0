-- Enqueue unique jobs. A key is held while the job that took it last is in a table that the scope counts. Nobody has to
-- free it, so claims, retries, recovery and deletion by hand need not know about it. Only one connection writes at a
-- time, from the first write of a transaction to its end, so what it finds out about the place of a job stays true
-- until the commit, and a job that is kept cannot start before then.

-- :part TIME
coalesce(:now, strftime('%Y-%m-%d %H:%M:%f000', 'now'))

-- :part WAITS
EXISTS (SELECT 1 FROM proletarian_job AS waiting
         WHERE waiting.job_id = mine.job_id AND waiting.attempts = 0 AND waiting.lost = 0)

-- :part TAKE
INSERT INTO proletarian_unique_job AS mine (unique_key, job_id, taken_at, held_until)
SELECT value ->> 0, value ->> 1, t,
       CASE WHEN value ->> 2 IS NOT NULL
            THEN strftime('%Y-%m-%d %H:%M:%f000', t, printf('%+.3f seconds', value ->> 2)) END
  FROM json_each(:asked), (SELECT :TIME AS t)
 WHERE true
    ON CONFLICT (unique_key) DO UPDATE
   SET job_id = excluded.job_id, taken_at = excluded.taken_at, held_until = excluded.held_until

-- :name take_started
-- :counts
:TAKE
 WHERE NOT :WAITS

-- :name take_finished
-- :counts
-- The archive has an index on job_id and `running_job` has none, so that table is read only if the job is running.
:TAKE
 WHERE NOT EXISTS (SELECT 1 FROM proletarian_job AS waiting WHERE waiting.job_id = mine.job_id)
   AND (EXISTS (SELECT 1 FROM proletarian_archived_job AS archived WHERE archived.job_id = mine.job_id)
        OR NOT EXISTS (SELECT 1 FROM proletarian_running_job AS running WHERE running.job_id = mine.job_id))

-- :name take_within
-- :counts
:TAKE
 WHERE coalesce(mine.held_until <= excluded.taken_at, true)

-- :name insert_one
-- :counts
-- The job goes in if `take` has given it its key: that one row went in says so, and nobody has to ask for it.
INSERT INTO proletarian_job (job_id, :NEW, unique_key, attempts, enqueued_at, process_at)
SELECT :job_id, :NEW_VALUES, :unique_key, 0, t,
       max(coalesce(:process_at, strftime('%Y-%m-%d %H:%M:%f000', t, printf('%+.3f seconds', :delay)), t), t)
  FROM (SELECT :TIME AS t)
  JOIN proletarian_unique_job AS mine ON mine.unique_key = :key AND mine.job_id = :token

-- :name insert
-- :counts
INSERT INTO proletarian_job (job_id, :NEW, unique_key, attempts, enqueued_at, process_at)
SELECT value ->> 0, :NEW_ITEMS, :UNIQUE_ITEM, 0, t,
       max(coalesce(value ->> 1,
                    CASE WHEN value ->> 2 IS NOT NULL
                         THEN strftime('%Y-%m-%d %H:%M:%f000', t, printf('%+.3f seconds', value ->> 2)) END, t), t)
  FROM (SELECT :TIME AS t)
  CROSS JOIN json_each(:jobs)
  CROSS JOIN proletarian_unique_job AS mine ON mine.unique_key = :KEY_ITEM AND mine.job_id = value ->> 0

-- :name owners
-- Which job owns each key now, and whether that job waits for its first run.
SELECT unique_key, job_id, :WAITS
  FROM json_each(:asked) AS asked
  CROSS JOIN proletarian_unique_job AS mine ON mine.unique_key = asked.value ->> 0

-- :name give_up
DELETE FROM proletarian_unique_job WHERE unique_key = :unique_key AND job_id = :job_id

-- :name named
UPDATE proletarian_unique_job SET job_id = :job_id WHERE unique_key = :unique_key

-- :name replace
UPDATE proletarian_job
   SET payload = :payload, headers = :headers, priority = :priority, lane = :lane,
       process_at = max(coalesce(:process_at,
           strftime('%Y-%m-%d %H:%M:%f000', :TIME, printf('%+.3f seconds', :delay)), :TIME), :TIME)
 WHERE job_id = :job_id

-- :name sweep
-- A page of keys: whether each key's job is gone, and whether the key is more than a day old.
SELECT unique_key, job_id, coalesce(julianday(held_until) < julianday('now'), true)
       AND NOT EXISTS (SELECT 1 FROM proletarian_job AS waiting WHERE waiting.job_id = page.job_id)
       AND job_id NOT IN (SELECT job_id FROM proletarian_running_job),
       julianday(taken_at) < julianday('now') - 1
  FROM (SELECT * FROM proletarian_unique_job WHERE unique_key > :after ORDER BY unique_key LIMIT :most) AS page
 ORDER BY unique_key

-- :name prune
DELETE FROM proletarian_unique_job WHERE unique_key = :unique_key AND job_id = :job_id
