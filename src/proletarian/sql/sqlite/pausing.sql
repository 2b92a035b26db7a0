-- :name pause
-- On a repeated pause the later reason counts.
INSERT INTO proletarian_paused_queue (queue, reason, paused_by, paused_at)
VALUES (:queue, :reason, :by, strftime('%Y-%m-%d %H:%M:%f000', 'now'))
    ON CONFLICT (queue) DO UPDATE
   SET reason = excluded.reason, paused_by = excluded.paused_by, paused_at = excluded.paused_at

-- :name is_paused
SELECT queue FROM proletarian_paused_queue WHERE queue = :queue

-- :name resume
DELETE FROM proletarian_paused_queue WHERE queue = :queue

-- :name pauses
SELECT queue, reason, paused_by, CAST(round((julianday(paused_at) - 2440587.5) * 86400000) AS INTEGER) * 1000 FROM proletarian_paused_queue ORDER BY queue
