-- :part TIME
coalesce(CAST(:now AS timestamptz), clock_timestamp())
-- :part MICROSECONDS
CAST(extract(epoch FROM :TIME) * 1000000 AS bigint)
-- :part OURS
app = :app AND paused_at IS NULL AND (digest IS NULL OR CAST(:declares AS boolean))
   AND name <> ALL (CAST(:refused AS text[]))
-- :part SHOWN
app, name, cron, every, tz, missed, job_type, queue, payload, options, digest,
       CAST(extract(epoch FROM next_at) * 1000000 AS bigint), CAST(extract(epoch FROM last_at) * 1000000 AS bigint),
       CAST(extract(epoch FROM paused_at) * 1000000 AS bigint)

-- :name time
-- In microseconds: a number does not depend on the type that the application has chosen for timestamps.
SELECT :MICROSECONDS

-- :name next
-- The time, and when the application's next tick is due: most looks need no more.
SELECT :MICROSECONDS,
       (SELECT CAST(extract(epoch FROM next_at) * 1000000 AS bigint)
          FROM proletarian.schedule
         WHERE :OURS
         ORDER BY next_at
         LIMIT 1)

-- :name due
-- The worker that locks a row fires it. Others pass it over, and everybody does so while an application has it locked.
-- The job and the next tick are written in the same commit, so a tick is fired exactly once, no matter which worker
-- dies.
SELECT :SHOWN
  FROM proletarian.schedule
 WHERE :OURS AND next_at <= :TIME
 ORDER BY next_at
 LIMIT CAST(:most AS int)
   FOR UPDATE SKIP LOCKED

-- :name fired
UPDATE proletarian.schedule
   SET next_at = CAST(:next_at AS timestamptz), last_at = CAST(:last_at AS timestamptz)
 WHERE app = :app AND name = :name

-- :name one
SELECT :SHOWN FROM proletarian.schedule WHERE app = :app AND name = :name

-- :name page
SELECT :SHOWN
  FROM proletarian.schedule
 WHERE app = :app AND name > :after
 ORDER BY name
 LIMIT CAST(:most AS int)

-- :name put
-- A schedule continues where it was, unless its times have changed; it stays paused if it was.
INSERT INTO proletarian.schedule AS old
       (app, name, cron, every, tz, missed, job_type, queue, payload, options, digest, next_at)
VALUES (:app, :name, :cron, CAST(:every AS float8), :tz, :missed, :job_type, :queue, :payload, :options, :digest,
        CAST(:next_at AS timestamptz))
    ON CONFLICT (app, name) DO UPDATE
   SET cron = excluded.cron, every = excluded.every, tz = excluded.tz, missed = excluded.missed,
       job_type = excluded.job_type, queue = excluded.queue, payload = excluded.payload, options = excluded.options,
       digest = excluded.digest,
       next_at = CASE WHEN CAST(:retimed AS boolean) THEN excluded.next_at ELSE old.next_at END

-- :name pause
UPDATE proletarian.schedule
   SET paused_at = :TIME
 WHERE app = :app AND name = :name AND paused_at IS NULL

-- :name resume
UPDATE proletarian.schedule
   SET paused_at = NULL, next_at = CAST(:next_at AS timestamptz)
 WHERE app = :app AND name = :name AND paused_at IS NOT NULL

-- :name delete
DELETE FROM proletarian.schedule WHERE app = :app AND name = :name

-- :name declared
SELECT :SHOWN FROM proletarian.schedule WHERE app = :app AND digest IS NOT NULL

-- :name is_said
-- Whether a worker of this release has declared it within the last half minute; then no other worker needs to.
SELECT 1
  FROM proletarian.schedule_release
 WHERE app = :app AND digest = :digest
   AND seen_at BETWEEN clock_timestamp() - INTERVAL '30 s' AND clock_timestamp() + INTERVAL '30 s'

-- :name turn
INSERT INTO proletarian.schedule_release (app, digest, born_at, seen_at)
VALUES (:app, '', clock_timestamp(), clock_timestamp())
    ON CONFLICT (app, digest) DO NOTHING

-- :name take_turn
-- Two releases that start at the same time must see each other, so they take turns by locking a row that is no release.
SELECT 1 FROM proletarian.schedule_release WHERE app = :app AND digest = '' FOR UPDATE

-- :name say
-- The age of a release counts from the start of its present life: three minutes without a worker end it. Times in the
-- future come from a clock that has been set back since.
INSERT INTO proletarian.schedule_release AS old (app, digest, born_at, seen_at)
VALUES (:app, :digest, clock_timestamp(), clock_timestamp())
    ON CONFLICT (app, digest) DO UPDATE
   SET born_at = CASE WHEN old.seen_at < clock_timestamp() - INTERVAL '3 min' OR old.seen_at > clock_timestamp()
                        OR old.born_at > clock_timestamp() THEN clock_timestamp() ELSE old.born_at END,
       seen_at = clock_timestamp()

-- :name ruling
SELECT digest
  FROM proletarian.schedule_release
 WHERE app = :app AND digest <> ''
   AND seen_at BETWEEN clock_timestamp() - INTERVAL '3 min' AND clock_timestamp() + INTERVAL '3 min'
 ORDER BY born_at DESC, digest
 LIMIT 1

-- :name forget
DELETE FROM proletarian.schedule_release
 WHERE app = :app AND digest <> '' AND seen_at < clock_timestamp() - INTERVAL '1 day'

-- :name savepoint
SAVEPOINT before_firing

-- :name undo
ROLLBACK TO SAVEPOINT before_firing

-- :name release
RELEASE SAVEPOINT before_firing
