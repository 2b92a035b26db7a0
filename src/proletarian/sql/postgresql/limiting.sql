-- Limits that people set, on the application's connection and in its transaction. Workers read them with their standing
-- orders, and lock nothing here.

-- :name set
INSERT INTO proletarian.lane_limit AS lane_limit (name, running, rate, seconds, burst, set_by, set_at)
VALUES (:name, CAST(:running AS int), CAST(:rate AS int), CAST(:seconds AS float8), CAST(:burst AS int), :by, clock_timestamp())
    ON CONFLICT (name) DO UPDATE
   SET running = excluded.running, rate = excluded.rate, seconds = excluded.seconds, burst = excluded.burst,
       set_by = excluded.set_by, set_at = excluded.set_at

-- :name reset
DELETE FROM proletarian.lane_limit AS lane_limit WHERE name = :name RETURNING name

-- :name changes
SELECT name, running, rate, seconds, burst, set_by, CAST(extract(epoch FROM set_at) * 1000000 AS bigint)
  FROM proletarian.lane_limit AS lane_limit
 ORDER BY name

-- :name declared
-- What the code of the live workers declares.
SELECT DISTINCT limits FROM proletarian.worker AS worker
 WHERE limits IS NOT NULL AND seen_at >= clock_timestamp() - make_interval(secs => lost_after)

-- :name running
SELECT lane, count(*) FROM proletarian.running_job AS running WHERE lane <> '' GROUP BY lane LIMIT 10000
