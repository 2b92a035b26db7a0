-- Lanes as they are shown to people, one after another in the order of their names. Each statement is one step along an
-- index, or a count that stops at a limit: however many jobs wait in a lane, it is one hop. A page takes a few
-- statements for each lane, and never reads lanes that are not shown.

-- :name next
-- The next lane of a queue that has waiting jobs.
SELECT min(lane) FROM proletarian.job AS job WHERE queue = :queue AND lane > :after

-- :name next_running
-- The next lane with running jobs.
SELECT min(lane) FROM proletarian.running_job AS running WHERE lane > :after AND lane <> ''

-- :name waiting
SELECT count(*)
  FROM (SELECT 1 AS one FROM proletarian.job AS job
         WHERE queue = :queue AND lane = :lane LIMIT CAST(:most AS int)) AS counted

-- :name running
SELECT count(*)
  FROM (SELECT 1 AS one FROM proletarian.running_job AS running
         WHERE lane = :lane AND lane <> '' LIMIT CAST(:most AS int)) AS counted
