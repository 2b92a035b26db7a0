-- :name enqueue
-- The row goes in on the caller's connection, in the caller's transaction.
-- NOTIFY makes commits wait for each other, so it is only said where somebody listens:
-- an idle worker holds a shared lock on "asleep on this queue" (see waking.sql). If we can
-- take that lock for ourselves nobody sleeps, and it is given back in the same breath. Two
-- enqueues that meet here make one needless notification, which is harmless.
-- It is a condition that is true whatever the functions say: a RETURNING would do the same,
-- and cost the client a result to read.
-- The lock's number is made of the queue's name and the table's; the latter's part is a constant,
-- computed when the statement is planned.
INSERT INTO proletarian.job (job_id, :NEW, attempts, enqueued_at, process_at)
SELECT CAST(:job_id AS :ID), :NEW_VALUES, 0, t,
       greatest(coalesce(CAST(:process_at AS timestamptz), t + make_interval(secs => CAST(:delay AS float8))), t)
  FROM (SELECT coalesce(CAST(:now AS timestamptz), clock_timestamp()),
               hashtextextended(:queue, hashtext('proletarian.job asleep'))) AS here(t, asleep)
 WHERE CASE WHEN pg_try_advisory_lock(asleep) THEN pg_advisory_unlock(asleep)
            ELSE pg_notify('proletarian.job', :queue) IS NOT NULL END

-- :name enqueue_now
-- The same for a job that asks for nothing special: the common case, with half the parameters, and
-- without a subquery, which takes the server longer to set up than to carry out. It would be there
-- for clock_timestamp(), which says something else each time; statement_timestamp() does not.
INSERT INTO proletarian.job (job_id, queue, job_type, payload, attempts, enqueued_at, process_at)
SELECT CAST(:job_id AS :ID), :queue, :job_type, :payload, 0, statement_timestamp(), statement_timestamp()
 WHERE CASE WHEN pg_try_advisory_lock(hashtextextended(:queue, hashtext('proletarian.job asleep')))
            THEN pg_advisory_unlock(hashtextextended(:queue, hashtext('proletarian.job asleep')))
            ELSE pg_notify('proletarian.job', :queue) IS NOT NULL END

-- :name enqueue_generated
-- The same where the database makes the id, which has to be returned.
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
-- In microseconds: a number, whatever types the application has its timestamps read as.
SELECT CAST(extract(epoch FROM coalesce(CAST(:now AS timestamptz), clock_timestamp())) * 1000000 AS bigint)

-- :name wake
-- Tell sleeping workers of these queues, as `enqueue` does.
SELECT CASE WHEN pg_try_advisory_lock(asleep) THEN pg_advisory_unlock(asleep)
            ELSE pg_notify('proletarian.job', queue) IS NOT NULL END
  FROM unnest(CAST(:queues AS text[])) AS queue,
       hashtextextended(queue, hashtext('proletarian.job asleep')) AS asleep
