-- :name enqueue
-- The row goes in on the caller's connection, in the caller's transaction.
INSERT INTO proletarian_job (job_id, :NEW, attempts, enqueued_at, process_at)
SELECT :job_id, :NEW_VALUES, 0, t,
       max(coalesce(:process_at, strftime('%Y-%m-%d %H:%M:%f000', t, printf('%+.3f seconds', :delay)), t), t)
  FROM (SELECT coalesce(:now, strftime('%Y-%m-%d %H:%M:%f000', 'now')) AS t)

-- :name made_id
SELECT last_insert_rowid()

-- :name enqueue_many
INSERT INTO proletarian_job (job_id, :NEW, attempts, enqueued_at, process_at)
SELECT value ->> 0, :NEW_ITEMS, 0, t,
       max(coalesce(value ->> 1,
                    CASE WHEN value ->> 2 IS NOT NULL
                         THEN strftime('%Y-%m-%d %H:%M:%f000', t, printf('%+.3f seconds', value ->> 2)) END, t), t)
  FROM json_each(:jobs),
       (SELECT coalesce(:now, strftime('%Y-%m-%d %H:%M:%f000', 'now')) AS t)
