-- Limits that people set, on the application's connection and in its transaction. Workers read them with their standing
-- orders.

-- :name set
INSERT INTO proletarian_lane_limit (name, running, rate, seconds, burst, set_by, set_at)
VALUES (:name, :running, :rate, :seconds, :burst, :by, strftime('%Y-%m-%d %H:%M:%f000', 'now'))
    ON CONFLICT (name) DO UPDATE
   SET running = excluded.running, rate = excluded.rate, seconds = excluded.seconds, burst = excluded.burst,
       set_by = excluded.set_by, set_at = excluded.set_at

-- :name is_set
SELECT name FROM proletarian_lane_limit WHERE name = :name

-- :name reset
DELETE FROM proletarian_lane_limit WHERE name = :name

-- :name changes
SELECT name, running, rate, seconds, burst, set_by,
       CAST(round((julianday(set_at) - 2440587.5) * 86400000) AS INTEGER) * 1000
  FROM proletarian_lane_limit
 ORDER BY name

-- :name declared
-- What the code of the live workers declares.
SELECT DISTINCT limits FROM proletarian_worker
 WHERE limits IS NOT NULL AND (julianday('now') - julianday(seen_at)) * 86400.0 <= lost_after

-- :name running
SELECT lane, count(*) FROM proletarian_running_job WHERE lane <> '' GROUP BY lane LIMIT 10000
