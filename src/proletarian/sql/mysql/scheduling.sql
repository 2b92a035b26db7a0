-- Text is sent and returned as UTF-8 bytes: the connection's character set may lack a character.

-- :part TIME
COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6))
-- :part MICROSECONDS
TIMESTAMPDIFF(MICROSECOND, '1970-01-01', :TIME)
-- :part OURS
app = CONVERT(:app USING utf8mb4) AND paused_at IS NULL AND (digest IS NULL OR :declares)
   AND NOT JSON_CONTAINS(:refused, JSON_QUOTE(name))
-- :part SHOWN
CAST(app AS BINARY), CAST(name AS BINARY), CAST(cron AS BINARY), every, CAST(tz AS BINARY), CAST(missed AS BINARY),
       CAST(job_type AS BINARY), CAST(queue AS BINARY), CAST(payload AS BINARY), CAST(options AS BINARY),
       CAST(digest AS BINARY), TIMESTAMPDIFF(MICROSECOND, '1970-01-01', next_at),
       TIMESTAMPDIFF(MICROSECOND, '1970-01-01', last_at), TIMESTAMPDIFF(MICROSECOND, '1970-01-01', paused_at)

-- :name time
-- In microseconds: a number does not depend on the type that the application has chosen for timestamps.
SELECT :MICROSECONDS

-- :name next
-- The time, and when the application's next tick is due: most looks need no more.
SELECT :MICROSECONDS,
       (SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', next_at)
          FROM proletarian_schedule
         WHERE :OURS
         ORDER BY next_at
         LIMIT 1)

-- :name due
-- The worker that locks a row fires it. Others pass it over, and everybody does so while an application has it locked.
-- The job and the next tick are written in the same commit, so a tick is fired exactly once, no matter which worker
-- dies.
SELECT :SHOWN
  FROM proletarian_schedule
 WHERE :OURS AND next_at <= :TIME
 ORDER BY next_at
 LIMIT :most
   FOR UPDATE SKIP LOCKED

-- :name fired
UPDATE proletarian_schedule
   SET next_at = CAST(:next_at AS DATETIME(6)), last_at = CAST(:last_at AS DATETIME(6))
 WHERE app = CONVERT(:app USING utf8mb4) AND name = CONVERT(:name USING utf8mb4)

-- :name one
SELECT :SHOWN FROM proletarian_schedule WHERE app = CONVERT(:app USING utf8mb4) AND name = CONVERT(:name USING utf8mb4)

-- :name page
SELECT :SHOWN
  FROM proletarian_schedule
 WHERE app = CONVERT(:app USING utf8mb4) AND name > CONVERT(:after USING utf8mb4)
 ORDER BY name
 LIMIT :most

-- :name put
-- A schedule continues where it was, unless its times have changed; it stays paused if it was.
INSERT INTO proletarian_schedule
       (app, name, cron, every, tz, missed, job_type, queue, payload, options, digest, next_at)
VALUES (CONVERT(:app USING utf8mb4), CONVERT(:name USING utf8mb4), CONVERT(:cron USING utf8mb4), :every,
        CONVERT(:tz USING utf8mb4), CONVERT(:missed USING utf8mb4), CONVERT(:job_type USING utf8mb4),
        CONVERT(:queue USING utf8mb4), CONVERT(:payload USING utf8mb4), CONVERT(:options USING utf8mb4),
        CONVERT(:digest USING utf8mb4), CAST(:next_at AS DATETIME(6)))
    ON DUPLICATE KEY UPDATE
       cron = CONVERT(:cron USING utf8mb4), every = :every, tz = CONVERT(:tz USING utf8mb4),
       missed = CONVERT(:missed USING utf8mb4), job_type = CONVERT(:job_type USING utf8mb4),
       queue = CONVERT(:queue USING utf8mb4), payload = CONVERT(:payload USING utf8mb4),
       options = CONVERT(:options USING utf8mb4), digest = CONVERT(:digest USING utf8mb4),
       next_at = IF(:retimed, CAST(:next_at AS DATETIME(6)), next_at)

-- :name pause
UPDATE proletarian_schedule
   SET paused_at = :TIME
 WHERE app = CONVERT(:app USING utf8mb4) AND name = CONVERT(:name USING utf8mb4) AND paused_at IS NULL

-- :name resume
UPDATE proletarian_schedule
   SET paused_at = NULL, next_at = CAST(:next_at AS DATETIME(6))
 WHERE app = CONVERT(:app USING utf8mb4) AND name = CONVERT(:name USING utf8mb4) AND paused_at IS NOT NULL

-- :name delete
DELETE FROM proletarian_schedule WHERE app = CONVERT(:app USING utf8mb4) AND name = CONVERT(:name USING utf8mb4)

-- :name declared
SELECT :SHOWN FROM proletarian_schedule WHERE app = CONVERT(:app USING utf8mb4) AND digest IS NOT NULL

-- :name is_said
-- Whether a worker of this release has declared it within the last half minute; then no other worker needs to.
SELECT 1
  FROM proletarian_schedule_release
 WHERE app = CONVERT(:app USING utf8mb4) AND digest = CONVERT(:digest USING utf8mb4)
   AND seen_at BETWEEN UTC_TIMESTAMP(6) - INTERVAL 30 SECOND AND UTC_TIMESTAMP(6) + INTERVAL 30 SECOND

-- :name turn
INSERT INTO proletarian_schedule_release (app, digest, born_at, seen_at)
VALUES (CONVERT(:app USING utf8mb4), '', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))
    ON DUPLICATE KEY UPDATE seen_at = seen_at

-- :name take_turn
-- Two releases that start at the same time must see each other, so they take turns by locking a row that is no release.
SELECT 1 FROM proletarian_schedule_release WHERE app = CONVERT(:app USING utf8mb4) AND digest = '' FOR UPDATE

-- :name say
-- The age of a release counts from the start of its present life: three minutes without a worker end it. Times in the
-- future come from a clock that has been set back since. (Assignments are evaluated from left to right here, so
-- `seen_at` comes last.)
INSERT INTO proletarian_schedule_release (app, digest, born_at, seen_at)
VALUES (CONVERT(:app USING utf8mb4), CONVERT(:digest USING utf8mb4), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))
    ON DUPLICATE KEY UPDATE
       born_at = IF(seen_at < UTC_TIMESTAMP(6) - INTERVAL 3 MINUTE OR seen_at > UTC_TIMESTAMP(6)
                    OR born_at > UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), born_at),
       seen_at = UTC_TIMESTAMP(6)

-- :name ruling
SELECT digest
  FROM proletarian_schedule_release
 WHERE app = CONVERT(:app USING utf8mb4) AND digest <> ''
   AND seen_at BETWEEN UTC_TIMESTAMP(6) - INTERVAL 3 MINUTE AND UTC_TIMESTAMP(6) + INTERVAL 3 MINUTE
 ORDER BY born_at DESC, digest
 LIMIT 1

-- :name forget
DELETE FROM proletarian_schedule_release
 WHERE app = CONVERT(:app USING utf8mb4) AND digest <> '' AND seen_at < UTC_TIMESTAMP(6) - INTERVAL 1 DAY

-- :name savepoint
SAVEPOINT before_firing

-- :name undo
ROLLBACK TO SAVEPOINT before_firing

-- :name release
RELEASE SAVEPOINT before_firing
