-- :name enqueue
-- The row goes in on the caller's connection, in the caller's transaction. NOTIFY makes commits wait for each other, so
-- it is only sent if somebody is listening: an idle worker holds a shared lock on "asleep on this queue" (see
-- waking.sql). If we can take that lock exclusively, nobody is asleep, and we release it at once. Two enqueues that
-- meet here cause one needless notification, which is harmless. This is a condition that is always true, whatever the
-- functions return: a RETURNING would do the same, but the client would have to read a result. The lock's number is
-- computed from the names of the queue and the table; the table's part is a constant, computed when the statement is
-- planned.
INSERT INTO proletarian.job (job_id, :NEW, attempts, enqueued_at, process_at)
SELECT CAST(:job_id AS :ID), :NEW_VALUES, 0, t,
       greatest(coalesce(CAST(:process_at AS timestamptz), t + make_interval(secs => CAST(:delay AS float8))), t)
  FROM (SELECT coalesce(CAST(:now AS timestamptz), clock_timestamp()),
               hashtextextended(:queue, hashtext('proletarian.job asleep'))) AS here(t, asleep)
 WHERE CASE WHEN pg_try_advisory_lock(asleep) THEN pg_advisory_unlock(asleep)
            ELSE pg_notify('proletarian.job', :queue) IS NOT NULL END

-- :name enqueue_now
-- The same for a job without options: the common case, with half the parameters, and without the subquery, which takes
-- the server longer to set up than to run. `enqueue` needs it because clock_timestamp() returns a new value on each
-- call; statement_timestamp() does not.
INSERT INTO proletarian.job (job_id, queue, job_type, payload, attempts, enqueued_at, process_at)
SELECT CAST(:job_id AS :ID), :queue, :job_type, :payload, 0, statement_timestamp(), statement_timestamp()
 WHERE CASE WHEN pg_try_advisory_lock(hashtextextended(:queue, hashtext('proletarian.job asleep')))
            THEN pg_advisory_unlock(hashtextextended(:queue, hashtext('proletarian.job asleep')))
            ELSE pg_notify('proletarian.job', :queue) IS NOT NULL END

-- :name enqueue_generated
-- The same where the database generates the id, which has to be returned.
INSERT INTO proletarian.job (:NEW, attempts, enqueued_at, process_at)
SELECT :NEW_VALUES, 0, t,
       greatest(coalesce(CAST(:process_at AS timestamptz), t + make_interval(secs => CAST(:delay AS float8))), t)
  FROM (SELECT coalesce(CAST(:now AS timestamptz), clock_timestamp()),
               hashtextextended(:queue, hashtext('proletarian.job asleep'))) AS here(t, asleep)
 WHERE CASE WHEN pg_try_advisory_lock(asleep) THEN pg_advisory_unlock(asleep)
            ELSE pg_notify('proletarian.job', :queue) IS NOT NULL END
RETURNING job_id

-- :name enqueue_many
INSERT INTO proletarian.job (job_id, :NEW, attempts, enqueued_at, process_at)
SELECT job_id, :NEW, 0, enqueued_at, process_at
  FROM unnest(CAST(:job_id AS :ID[]), :NEW_ARRAYS,
              CAST(:enqueued_at AS timestamptz[]), CAST(:process_at AS timestamptz[]))
    AS new(job_id, :NEW, enqueued_at, process_at)

-- :name new_ids
SELECT nextval(pg_get_serial_sequence('proletarian.job', 'job_id')) FROM generate_series(1, CAST(:count AS int))

-- :name clock
-- In microseconds: a number does not depend on the type that the application has chosen for timestamps.
SELECT CAST(extract(epoch FROM coalesce(CAST(:now AS timestamptz), clock_timestamp())) * 1000000 AS bigint)

-- :name wake
-- Notify sleeping workers of these queues, as `enqueue` does.
SELECT CASE WHEN pg_try_advisory_lock(asleep) THEN pg_advisory_unlock(asleep)
            ELSE pg_notify('proletarian.job', queue) IS NOT NULL END
  FROM unnest(CAST(:queues AS text[])) AS queue,
       hashtextextended(queue, hashtext('proletarian.job asleep')) AS asleep
