-- :part TIME
coalesce(:now, strftime('%Y-%m-%d %H:%M:%f000', 'now'))
-- :part OURS
app = :app AND paused_at IS NULL AND (digest IS NULL OR :declares)
   AND name NOT IN (SELECT value FROM json_each(:refused))
-- :part SHOWN
app, name, cron, every, tz, missed, job_type, queue, payload, options, digest, next_at, last_at, paused_at

-- :name time
SELECT :TIME

-- :name next
-- The time, and when the application's next tick is due: most looks need no more.
SELECT :TIME,
       (SELECT next_at
          FROM proletarian_schedule
         WHERE :OURS
         ORDER BY next_at
         LIMIT 1)

-- :name due
-- Nobody else writes in the meantime. The job and the next tick are written in the same commit, so a tick is fired
-- exactly once, no matter which worker dies.
SELECT :SHOWN
  FROM proletarian_schedule
 WHERE :OURS AND next_at <= :TIME
 ORDER BY next_at
 LIMIT :most

-- :name fired
UPDATE proletarian_schedule
   SET next_at = :next_at, last_at = :last_at
 WHERE app = :app AND name = :name

-- :name one
SELECT :SHOWN FROM proletarian_schedule WHERE app = :app AND name = :name

-- :name page
SELECT :SHOWN
  FROM proletarian_schedule
 WHERE app = :app AND name > :after
 ORDER BY name
 LIMIT :most

-- :name put
-- A schedule continues where it was, unless its times have changed; it stays paused if it was.
INSERT INTO proletarian_schedule AS old
       (app, name, cron, every, tz, missed, job_type, queue, payload, options, digest, next_at)
VALUES (:app, :name, :cron, :every, :tz, :missed, :job_type, :queue, :payload, :options, :digest,
        :next_at)
    ON CONFLICT (app, name) DO UPDATE
   SET cron = excluded.cron, every = excluded.every, tz = excluded.tz, missed = excluded.missed,
       job_type = excluded.job_type, queue = excluded.queue, payload = excluded.payload, options = excluded.options,
       digest = excluded.digest,
       next_at = CASE WHEN :retimed THEN excluded.next_at ELSE old.next_at END

-- :name pause
UPDATE proletarian_schedule
   SET paused_at = :TIME
 WHERE app = :app AND name = :name AND paused_at IS NULL

-- :name resume
UPDATE proletarian_schedule
   SET paused_at = NULL, next_at = :next_at
 WHERE app = :app AND name = :name AND paused_at IS NOT NULL

-- :name delete
DELETE FROM proletarian_schedule WHERE app = :app AND name = :name

-- :name declared
SELECT :SHOWN FROM proletarian_schedule WHERE app = :app AND digest IS NOT NULL

-- :name is_said
-- Whether a worker of this release has declared it within the last half minute; then no other worker needs to.
SELECT 1
  FROM proletarian_schedule_release
 WHERE app = :app AND digest = :digest
   AND seen_at BETWEEN strftime('%Y-%m-%d %H:%M:%f000', 'now', '-30 seconds')
                   AND strftime('%Y-%m-%d %H:%M:%f000', 'now', '+30 seconds')

-- :name turn
INSERT INTO proletarian_schedule_release (app, digest, born_at, seen_at)
VALUES (:app, '', strftime('%Y-%m-%d %H:%M:%f000', 'now'), strftime('%Y-%m-%d %H:%M:%f000', 'now'))
    ON CONFLICT (app, digest) DO NOTHING

-- :name take_turn
-- Two releases that start at the same time must see each other, so they take turns by locking a row that is no release.
SELECT 1 FROM proletarian_schedule_release WHERE app = :app AND digest = ''

-- :name say
-- The age of a release counts from the start of its present life: three minutes without a worker end it. Times in the
-- future come from a clock that has been set back since.
INSERT INTO proletarian_schedule_release AS old (app, digest, born_at, seen_at)
VALUES (:app, :digest, strftime('%Y-%m-%d %H:%M:%f000', 'now'), strftime('%Y-%m-%d %H:%M:%f000', 'now'))
    ON CONFLICT (app, digest) DO UPDATE
   SET born_at = CASE WHEN old.seen_at < strftime('%Y-%m-%d %H:%M:%f000', 'now', '-3 minutes')
                        OR old.seen_at > excluded.seen_at OR old.born_at > excluded.born_at
                      THEN excluded.born_at ELSE old.born_at END,
       seen_at = excluded.seen_at

-- :name ruling
SELECT digest
  FROM proletarian_schedule_release
 WHERE app = :app AND digest <> ''
   AND seen_at BETWEEN strftime('%Y-%m-%d %H:%M:%f000', 'now', '-3 minutes')
                   AND strftime('%Y-%m-%d %H:%M:%f000', 'now', '+3 minutes')
 ORDER BY born_at DESC, digest
 LIMIT 1

-- :name forget
DELETE FROM proletarian_schedule_release
 WHERE app = :app AND digest <> '' AND seen_at < strftime('%Y-%m-%d %H:%M:%f000', 'now', '-1 day')

-- :name savepoint
SAVEPOINT before_firing

-- :name undo
ROLLBACK TO SAVEPOINT before_firing

-- :name release
RELEASE SAVEPOINT before_firing
