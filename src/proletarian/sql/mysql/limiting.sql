-- Limits that people set, on the application's connection and in its transaction. Workers read them with their standing
-- orders, and lock nothing here. Text is returned as UTF-8 bytes, whatever the connection's character set.

-- :name set
INSERT INTO proletarian_lane_limit (name, running, rate, seconds, burst, set_by, set_at)
VALUES (CONVERT(:name USING utf8mb4), :running, :rate, :seconds, :burst, CONVERT(:by USING utf8mb4), UTC_TIMESTAMP(6))
    ON DUPLICATE KEY UPDATE running = :running, rate = :rate, seconds = :seconds, burst = :burst,
                            set_by = CONVERT(:by USING utf8mb4), set_at = UTC_TIMESTAMP(6)

-- :name is_set
SELECT name FROM proletarian_lane_limit WHERE name = CONVERT(:name USING utf8mb4) FOR UPDATE

-- :name reset
DELETE FROM proletarian_lane_limit WHERE name = CONVERT(:name USING utf8mb4)

-- :name changes
SELECT CAST(name AS BINARY), running, rate, seconds, burst, CAST(set_by AS BINARY),
       TIMESTAMPDIFF(MICROSECOND, '1970-01-01', set_at)
  FROM proletarian_lane_limit
 ORDER BY name

-- :name declared
-- What the code of the live workers declares.
SELECT DISTINCT CAST(limits AS BINARY) FROM proletarian_worker
 WHERE limits IS NOT NULL AND TIMESTAMPDIFF(MICROSECOND, seen_at, UTC_TIMESTAMP(6)) <= lost_after * 1000000

-- :name running
SELECT CAST(lane AS BINARY), COUNT(*)
  FROM proletarian_running_job FORCE INDEX (running_job_lane) WHERE lane > '' GROUP BY lane LIMIT 10000
