-- Claim jobs that are under a limit. Such a job has a lane, `name:key`; jobs with no lane ('') are claimed by
-- claiming.sql. The running jobs of a lane are counted in running_job itself, so dead workers, recovery and jobs given
-- back need no bookkeeping here. Each lane has a row of its own, on which claims meet: see `claim`. Nothing else locks
-- it.

-- :part T
extract(epoch FROM coalesce(CAST(:now AS timestamptz), clock_timestamp()))

-- :name present
-- Which of these queues have jobs with a lane.
SELECT asked.queue
  FROM unnest(CAST(:queues AS text[])) AS asked(queue)
 WHERE EXISTS (SELECT FROM proletarian.job AS job WHERE job.queue = asked.queue AND job.lane > '')

-- :name look
-- The lanes of a queue from :cursor on, by hops along the index (a lane of a million jobs is one hop), until it has
-- found :most lanes from which a job can be claimed now, or has made :hops hops. A row without a lane marks the end of
-- the queue.
--  * All lanes whose name has no rule here are skipped in one hop: ';' is the character after ':'.
--  * The result is only a hint, as old as its snapshot: the claim counts again.
--  * A first job that is not due may hide a due job of a lower priority. min(priority) uses the index; EXISTS (…
--    priority < …) was seen to read the whole table of a million jobs.
--  * Lanes without a row get one, in the order of their names, so two looks that insert the same rows cannot deadlock.
WITH RECURSIVE
rule(name, most) AS MATERIALIZED (
    SELECT * FROM unnest(CAST(:names AS text[]), CAST(:mosts AS int[]))),
hop(lane, is_free, wait, is_known, is_new, n, found) AS (
    SELECT CAST(:cursor AS text) COLLATE "C", false, CAST(NULL AS float8), true, false, 0, 0
     UNION ALL
    SELECT next.lane, state.is_free, state.wait, state.is_known, state.is_new,
           hop.n + 1, hop.found + CASE WHEN state.is_free THEN 1 ELSE 0 END
      FROM hop
      LEFT JOIN LATERAL (
           SELECT job.lane, job.priority, job.process_at, job.retry_at
             FROM proletarian.job AS job
            WHERE job.queue = :queue
              AND job.lane > (CASE WHEN hop.is_known OR strpos(hop.lane, ':') = 0 THEN hop.lane
                                   ELSE split_part(hop.lane, ':', 1) || ';' END) COLLATE "C"
         ORDER BY job.lane, job.priority DESC, job.process_at, job.job_id
            LIMIT 1) AS next ON true
      LEFT JOIN LATERAL (
           SELECT (SELECT state.next_at FROM proletarian.lane AS state WHERE state.lane = next.lane) AS next_at,
                  (SELECT rule.most FROM rule WHERE rule.name = split_part(next.lane, ':', 1)) AS most,
                  :T AS t) AS of_lane ON true
      LEFT JOIN LATERAL (
           SELECT of_lane.most IS NOT NULL AS is_known,
                  of_lane.next_at IS NULL AS is_new,
                  greatest(of_lane.next_at - of_lane.t, extract(epoch FROM next.process_at) - of_lane.t,
                           extract(epoch FROM next.retry_at) - of_lane.t, 0) AS wait,
                  of_lane.most IS NOT NULL
                  AND (next.process_at <= :NOW
                       OR (SELECT min(job.priority) FROM proletarian.job AS job
                            WHERE job.queue = :queue AND job.lane = next.lane) < next.priority)
                  AND coalesce(of_lane.next_at <= of_lane.t, true)
                  AND coalesce(next.retry_at <= :NOW, true)
                  AND (SELECT count(*)
                         FROM (SELECT FROM proletarian.running_job AS running
                                WHERE running.lane = next.lane AND running.lane <> '' LIMIT of_lane.most) AS counted)
                      < of_lane.most AS is_free) AS state ON true
     WHERE hop.lane IS NOT NULL AND hop.n < CAST(:hops AS int) AND hop.found < CAST(:most AS int)),
made AS (
INSERT INTO proletarian.lane AS state (lane)
SELECT lane FROM hop WHERE is_free AND is_new ORDER BY lane
    ON CONFLICT DO NOTHING)
SELECT lane, is_free, wait, is_known FROM hop WHERE n > 0

-- :name claim
-- Move due jobs of some lanes to `running_job`: from each as many as its share, its limit and its rate allow.
--  * A statement that locks a row and counts is not correct by itself: the count is as old as the statement's snapshot,
--    and another claim may have committed before we got the lock. So each claim increments the lane's version. It is
--    read twice: once from the statement's snapshot, and once with the lock, which shows the latest value. If they are
--    equal, no claim has committed in between, and only claims increase the count, so the count is right or too high.
--    If they differ, or another claim has the lock, the lane is left for later.
--  * OFFSET 0 makes the planner look up each lane by its key: with `= ANY` and a table without statistics, it read the
--    whole table.
--  * `next_at` is the earliest next start of a rate (GCRA): the theoretical arrival time, less the burst.
--  * The first job of an ordered lane may be locked by an application that is cancelling it, and SKIP LOCKED would then
--    start the second. So the picked job must be the very first one, locked or not.
WITH rule(name, most, every, burst, is_ordered) AS MATERIALIZED (
    SELECT * FROM unnest(CAST(:names AS text[]), CAST(:mosts AS int[]), CAST(:everys AS float8[]),
                         CAST(:bursts AS int[]), CAST(:ordereds AS bool[]))),
asked(lane, share) AS MATERIALIZED (
    SELECT * FROM unnest(CAST(:lanes AS text[]), CAST(:shares AS int[]))),
mine AS MATERIALIZED (
SELECT locked.lane, locked.next_at, asked.share
  FROM asked,
       LATERAL (SELECT state.version FROM proletarian.lane AS state WHERE state.lane = asked.lane OFFSET 0) AS seen,
       LATERAL (SELECT state.lane, state.version, state.next_at FROM proletarian.lane AS state
                 WHERE state.lane = asked.lane FOR UPDATE SKIP LOCKED) AS locked
 WHERE locked.version = seen.version
   AND EXISTS (SELECT FROM proletarian.worker WHERE worker_id = :worker_id)),
standing AS MATERIALIZED (
SELECT mine.lane, mine.share, mine.next_at, rule.every, rule.burst, rule.is_ordered, t,
       greatest(mine.next_at + (rule.burst - 1) * rule.every, t) AS arrival,
       rule.most - (SELECT count(*)
                      FROM (SELECT FROM proletarian.running_job AS running
                             WHERE running.lane = mine.lane AND running.lane <> '' LIMIT rule.most) AS counted) AS room
  FROM mine
  JOIN rule ON rule.name = split_part(mine.lane, ':', 1),
       (SELECT CAST(:T AS float8)) AS clock(t)),
free AS MATERIALIZED (
SELECT standing.*,
       CAST(greatest(0, least(share, room, CASE WHEN every IS NOT NULL
                                                THEN floor((t + burst * every - arrival) / every + 1e-6) END)) AS int) AS n
  FROM standing),
moved AS (
DELETE FROM proletarian.job AS job
 WHERE job.ctid = ANY (ARRAY(
       SELECT picked.address
         FROM free,
              LATERAL (
              WITH RECURSIVE level(priority) AS (
                  SELECT (SELECT max(waiting.priority) FROM proletarian.job AS waiting
                           WHERE waiting.queue = :queue AND waiting.lane = free.lane)
                   UNION ALL
                  SELECT (SELECT max(waiting.priority) FROM proletarian.job AS waiting
                           WHERE waiting.queue = :queue AND waiting.lane = free.lane AND waiting.priority < level.priority)
                    FROM level
                   WHERE level.priority IS NOT NULL)
              SELECT one.address
                FROM level,
                     LATERAL (
                     SELECT waiting.ctid AS address
                       FROM proletarian.job AS waiting
                      WHERE waiting.queue = :queue AND waiting.lane = free.lane
                        AND waiting.priority = level.priority
                        AND waiting.process_at <= :NOW
                        AND coalesce(waiting.retry_at <= :NOW, true)
                   ORDER BY waiting.process_at, waiting.job_id
                      LIMIT free.n
                        FOR UPDATE SKIP LOCKED) AS one
               LIMIT free.n) AS picked
        WHERE free.n > 0
          AND (NOT free.is_ordered
               OR picked.address = (SELECT waiting.ctid FROM proletarian.job AS waiting
                                     WHERE waiting.queue = :queue AND waiting.lane = free.lane
                                       AND waiting.process_at <= :NOW
                                  ORDER BY waiting.priority DESC, waiting.process_at, waiting.job_id
                                     LIMIT 1))))
RETURNING job.*),
written AS (
UPDATE proletarian.lane AS state
   SET version = state.version + 1,
       next_at = CASE WHEN took.every IS NULL THEN state.next_at
                      ELSE took.arrival + (took.n - took.burst + 1) * took.every END
  FROM (SELECT free.lane, free.every, free.burst, free.arrival, count(*) AS n
          FROM free JOIN moved ON moved.lane = free.lane
         GROUP BY free.lane, free.every, free.burst, free.arrival) AS took
 WHERE state.lane = took.lane),
ran AS (
INSERT INTO proletarian.running_job AS running (:JOB, worker_id, run_id, started_at)
SELECT :JOB, :worker_id,
       CAST(:run_id AS bigint) + row_number() OVER (ORDER BY lane, priority DESC, process_at, job_id), statement_timestamp()
  FROM moved
RETURNING :JOB, run_id)
SELECT stood.stood_in, stood.waits, :CLAIMED, run_id
  FROM (SELECT free.lane AS stood_in, CASE WHEN every IS NOT NULL THEN greatest(next_at - t, 0) END AS waits
          FROM free) AS stood
  LEFT JOIN ran ON ran.lane = stood.stood_in

-- :name enter
-- Put runs that turned out to be under a limit into its lane, before they go back to waiting. This happens in the
-- transaction that puts them back, so nobody ever counts them as running in that lane.
UPDATE proletarian.running_job AS running
   SET lane = entered.lane
  FROM unnest(CAST(CAST(:run_ids AS text) AS bigint[]), CAST(:lanes AS text[])) AS entered(run_id, lane)
 WHERE running.worker_id = :worker_id AND running.run_id = entered.run_id

-- :name prune
-- Lanes that nobody needs: no running job, and no start for an hour. A row that is inserted again is not visible in any
-- older snapshot, so no claim mistakes it for the deleted one.
DELETE FROM proletarian.lane AS state
 WHERE state.ctid = ANY (ARRAY(
       SELECT old.ctid
         FROM proletarian.lane AS old
        WHERE old.next_at < extract(epoch FROM clock_timestamp()) - 3600
          AND NOT EXISTS (SELECT FROM proletarian.running_job AS running WHERE running.lane = old.lane AND running.lane <> '')
        LIMIT CAST(:most AS int)
          FOR UPDATE SKIP LOCKED))
RETURNING 1
