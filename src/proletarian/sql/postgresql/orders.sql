-- :name paused
-- A plain read: it waits for nobody, and an open transaction of an application locks nothing that a worker needs.
SELECT queue FROM proletarian.paused_queue AS paused

-- :name requests
-- All requests; each worker knows which jobs are its own. A request lives for a second or two.
SELECT job_id, reason, requested_by FROM proletarian.cancel_request AS request ORDER BY requested_at LIMIT 1000

-- :name limits
-- The limits that people have set; they change those of the code. Workers that claim from lanes read them.
SELECT name, running, rate, seconds, burst FROM proletarian.lane_limit AS lane_limit

-- :name tell
-- Makes listening workers read their orders at once. No queue has this name.
SELECT pg_notify('proletarian.job', '')
