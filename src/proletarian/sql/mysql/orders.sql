-- :name paused
-- A plain read: it waits for nobody, and an application's open transaction holds nothing that a worker needs.
SELECT queue FROM proletarian_paused_queue

-- :name requests
-- All of them, and each worker knows which jobs are its own: a request lives for a second or two.
SELECT job_id, reason, requested_by FROM proletarian_cancel_request ORDER BY requested_at LIMIT 1000

-- :name limits
-- Those of the code, as people have changed them: read by whoever claims from lanes.
SELECT name, running, rate, seconds, burst FROM proletarian_lane_limit
