-- :name pause
-- On a repeated pause the later reason counts.
INSERT INTO proletarian_paused_queue (queue, reason, paused_by, paused_at)
VALUES (CONVERT(:queue USING utf8mb4), CONVERT(:reason USING utf8mb4), CONVERT(:by USING utf8mb4), UTC_TIMESTAMP(6))
    ON DUPLICATE KEY UPDATE reason = CONVERT(:reason USING utf8mb4), paused_by = CONVERT(:by USING utf8mb4),
                            paused_at = UTC_TIMESTAMP(6)

-- :name is_paused
SELECT queue FROM proletarian_paused_queue WHERE queue = CONVERT(:queue USING utf8mb4) FOR UPDATE

-- :name resume
DELETE FROM proletarian_paused_queue WHERE queue = CONVERT(:queue USING utf8mb4)

-- :name pauses
-- Text is returned as UTF-8 bytes: the connection's character set may lack a character, which would then read as `?`.
SELECT CAST(queue AS BINARY), CAST(reason AS BINARY), CAST(paused_by AS BINARY),
       TIMESTAMPDIFF(MICROSECOND, '1970-01-01', paused_at)
  FROM proletarian_paused_queue
 ORDER BY queue
