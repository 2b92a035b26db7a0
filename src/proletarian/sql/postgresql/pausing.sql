-- :name pause
-- On a repeated pause the later reason counts. The notification reaches workers at the commit, and only then.
INSERT INTO proletarian.paused_queue AS paused (queue, reason, paused_by, paused_at)
VALUES (:queue, :reason, :by, clock_timestamp())
    ON CONFLICT (queue) DO UPDATE
   SET reason = excluded.reason, paused_by = excluded.paused_by, paused_at = excluded.paused_at

-- :name resume
DELETE FROM proletarian.paused_queue AS paused WHERE queue = :queue RETURNING queue

-- :name pauses
SELECT queue, reason, paused_by, CAST(extract(epoch FROM paused_at) * 1000000 AS bigint)
  FROM proletarian.paused_queue AS paused
 ORDER BY queue
