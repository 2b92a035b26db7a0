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

-- :name enqueue_unique
-- The same for a unique job that already owns its key; see uniqueness.sql.
INSERT INTO proletarian_job (job_id, :NEW, unique_key, attempts, enqueued_at, process_at)
SELECT :job_id, :NEW_VALUES, :unique_key, 0, t,
       max(coalesce(:process_at, strftime('%Y-%m-%d %H:%M:%f000', t, printf('%+.3f seconds', :delay)), t), t)
  FROM (SELECT coalesce(:now, strftime('%Y-%m-%d %H:%M:%f000', 'now')) AS t)

-- :name enqueue_many_unique
INSERT INTO proletarian_job (job_id, :NEW, unique_key, attempts, enqueued_at, process_at)
SELECT value ->> 0, :NEW_ITEMS, :UNIQUE_ITEM, 0, t,
       max(coalesce(value ->> 1,
                    CASE WHEN value ->> 2 IS NOT NULL
                         THEN strftime('%Y-%m-%d %H:%M:%f000', t, printf('%+.3f seconds', value ->> 2)) END, t), t)
  FROM json_each(:jobs),
       (SELECT coalesce(:now, strftime('%Y-%m-%d %H:%M:%f000', 'now')) AS t)
