-- Lanes as people look at them, one after the other in the order of their names. Each statement is one step along an
-- index, or a count that ends at a limit: however many jobs wait in a lane, it is one hop. A page of lanes takes a few
-- statements for each, and never reads those that are not shown.

-- :name next
-- The next lane of a queue that has waiting jobs.
SELECT min(lane) FROM proletarian_job AS job WHERE queue = :queue AND lane > :after

-- :name next_running
-- The next lane of which jobs run.
SELECT min(lane) FROM proletarian_running_job AS running WHERE lane > :after AND lane <> ''

-- :name waiting
SELECT count(*) FROM (SELECT 1 AS one FROM proletarian_job AS job WHERE queue = :queue AND lane = :lane LIMIT :most)

-- :name running
SELECT count(*)
  FROM (SELECT 1 AS one FROM proletarian_running_job AS running WHERE lane = :lane AND lane <> '' LIMIT :most)
