-- :name paused
-- A plain read: it waits for nobody, and an open transaction of an application locks nothing that a worker needs.
SELECT queue FROM proletarian_paused_queue

-- :name requests
-- All requests; each worker knows which jobs are its own. A request lives for a second or two.
SELECT job_id, reason, requested_by FROM proletarian_cancel_request ORDER BY requested_at LIMIT 1000

-- :name limits
-- The limits that people have set; they change those of the code. Workers that claim from lanes read them.
SELECT name, running, rate, seconds, burst FROM proletarian_lane_limit
