-- :name enqueue
-- The row goes in on the caller's connection, in the caller's transaction, whatever its character set: text that is not
-- ASCII is sent as bytes, and CONVERT declares them to be UTF-8.
INSERT INTO proletarian_job (job_id, :NEW, attempts, enqueued_at, process_at)
SELECT :JOB_ID_VALUE, :NEW_VALUES, 0, t,
       GREATEST(COALESCE(CAST(:process_at AS DATETIME(6)),
                         t + INTERVAL CAST(:delay * 1000000 AS SIGNED) MICROSECOND, t), t)
  FROM (SELECT COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6)) AS t) AS clock

-- :name packet
-- The maximum size of a statement in bytes; a larger one ends the session, and with it the caller's transaction.
SELECT @@max_allowed_packet

-- :name made_id
SELECT LAST_INSERT_ID()

-- :name enqueue_many
INSERT INTO proletarian_job (job_id, :NEW, attempts, enqueued_at, process_at)
SELECT :STORED_ID, :NEW, 0, t,
       GREATEST(COALESCE(CAST(new.process_at AS DATETIME(6)),
                         t + INTERVAL CAST(new.delay * 1000000 AS SIGNED) MICROSECOND, t), t)
  FROM (SELECT COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6)) AS t) AS clock
  JOIN JSON_TABLE(CONVERT(:jobs USING utf8mb4), '$[*]' COLUMNS (
           id         :JSON_ID    PATH '$[0]',
           process_at VARCHAR(32) PATH '$[1]',
           delay      DOUBLE      PATH '$[2]',
           :NEW_ITEMS)) AS new
