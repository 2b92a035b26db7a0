-- Claim jobs that are under a limit. Such a job has a lane, `name:key`; jobs with no lane ('') are claimed by
-- claiming.sql. The running jobs of a lane are counted in running_job itself, so dead workers, recovery and jobs given
-- back need no bookkeeping here. Each lane has a row of its own, which a claim locks from its count to its commit;
-- nothing else locks it. Where locks are not enough (Galera, or an isolation level above READ COMMITTED), the version
-- that each claim writes makes one of two claims fail. Both servers read a whole queue for each hop of a recursive
-- query, and sort and lock a whole lane to order across several priorities. So these statements use constants, one
-- SELECT for each lane, and a single priority.

-- :part TIME
COALESCE(CAST(:now AS DATETIME(6)), UTC_TIMESTAMP(6))

-- :part T
TIMESTAMPDIFF(MICROSECOND, '1970-01-01', :TIME) / 1000000e0

-- :part LANES
JSON_TABLE(CONVERT(:lanes USING utf8mb4), '$[*]' COLUMNS (
           place   FOR ORDINALITY,
           name    VARCHAR(191) CHARACTER SET utf8mb4 PATH '$[0]',
           next_at DOUBLE       PATH '$[1]')) AS listed

-- :name present
-- Whether a queue has jobs with a lane.
SELECT :queue FROM DUAL WHERE EXISTS (SELECT 1 FROM proletarian_job AS job WHERE job.queue = :queue AND job.lane > '')

-- :name window
-- The next index entries, starting at a lane. The first one of each lane counts: the earliest job of its lowest
-- priority.
SELECT lane, TIMESTAMPDIFF(MICROSECOND, :TIME, process_at) / 1000000e0
  FROM proletarian_job AS job FORCE INDEX (job_in_order)
 WHERE queue = :queue AND lane > :cursor
 ORDER BY lane, priority, process_at
 LIMIT :most

-- :name stands
-- How many jobs of each lane run, and how long its rate makes it wait; null: it has no row.
SELECT listed.place, COUNT(running.lane), MAX(state.next_at) - MAX(:T)
  FROM :LANES
  LEFT JOIN proletarian_lane AS state ON state.lane = listed.name
  LEFT JOIN proletarian_running_job AS running FORCE INDEX (running_job_lane) ON running.lane = listed.name
 GROUP BY listed.place

-- :name make
-- Insert a row for each lane that has none, in the order of their names, so two claims that insert the same rows cannot
-- deadlock. This is a separate statement before the claim: a row that does not exist locks nobody out, and two claims
-- would both count.
INSERT IGNORE INTO proletarian_lane (lane) SELECT listed.name FROM :LANES ORDER BY listed.place

-- :name lock
-- From here to the commit, nobody else claims from these lanes: two claims that count at the same time would each be
-- right, and together exceed the limit. SKIP LOCKED: a claim that finds a lane taken leaves it for later and waits for
-- nobody. FORCE INDEX, here and in the statements that write: a small table of lanes would be read, and therefore
-- locked, as a whole, and a write would wait for the lanes of another claim.
SELECT listed.place
  FROM :LANES
  STRAIGHT_JOIN proletarian_lane AS state FORCE INDEX (PRIMARY) ON state.lane = listed.name
   FOR UPDATE /*!80001 OF state */ SKIP LOCKED

-- :name state
-- For one lane: how many jobs run, its next start, the time, and its highest priority. This is not part of the locking
-- statement, because that one's snapshot could be older than the lock. Under READ COMMITTED, this statement sees all
-- claims that committed before we got the lock. In the meantime others can only decrease the count, so it may be too
-- high, but never too low.
SELECT :place,
       (SELECT COUNT(*) FROM proletarian_running_job FORCE INDEX (running_job_lane) WHERE lane = :lane),
       (SELECT next_at FROM proletarian_lane WHERE lane = :lane),
       :T,
       (SELECT MAX(priority) FROM proletarian_job WHERE queue = :queue AND lane = :lane)

-- :name below
-- The next lower priority of one lane.
SELECT :place, MAX(priority) FROM proletarian_job WHERE queue = :queue AND lane = :lane AND priority < :priority

-- :name head
-- The first due job of one priority in an ordered lane, whoever has it locked, and how long it waits to be retried.
-- Read without a lock, after `pick`: whichever of the two is older, the second job is never mistaken for the first.
(SELECT :place, job_id, TIMESTAMPDIFF(MICROSECOND, :TIME, retry_at) / 1000000e0
   FROM proletarian_job FORCE INDEX (job_in_order)
  WHERE queue = :queue AND lane = :lane AND priority = :priority AND process_at <= :TIME
  ORDER BY process_at, job_id
  LIMIT 1)

-- :name pick
-- Lock due jobs of one priority of one lane. SKIP LOCKED passes over a job that an application is cancelling; in an
-- ordered lane, the picked job is then compared with `head`. A worker that was declared dead gets nothing.
(SELECT :CLAIMED
   FROM proletarian_job AS job FORCE INDEX (job_in_order)
  WHERE queue = :queue AND lane = :lane AND priority = :priority AND process_at <= :TIME
    AND COALESCE(retry_at <= :TIME, TRUE)
    AND (SELECT COUNT(*) FROM proletarian_worker WHERE worker_id = :worker_id) = 1
  ORDER BY process_at, job_id
  LIMIT :most
    FOR UPDATE SKIP LOCKED)

-- :name write
-- The version is never read, but it has to change with each claim: on Galera, a lock is local to its node, and a claim
-- of other jobs from the same lane on another node conflicts with this one only through a row that both have written.
-- One of the two then fails at its commit (1213) and is retried.
UPDATE :LANES
  STRAIGHT_JOIN proletarian_lane AS state FORCE INDEX (PRIMARY) ON state.lane = listed.name
   SET state.version = state.version + 1, state.next_at = COALESCE(listed.next_at, state.next_at)

-- :name enter
-- Put runs that turned out to be under a limit into its lane, before they go back to waiting. This happens in the
-- transaction that puts them back, so nobody ever counts them as running in that lane.
UPDATE JSON_TABLE(CONVERT(:entered USING utf8mb4), '$[*]' COLUMNS (
           run_id BIGINT PATH '$[0]',
           name   VARCHAR(191) CHARACTER SET utf8mb4 PATH '$[1]')) AS entered
  STRAIGHT_JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = entered.run_id
   SET running.lane = entered.name

-- :name prunable
-- Lanes that nobody needs: no running job, and no start for an hour. SKIP LOCKED, because a lane that a claim has
-- locked is needed.
SELECT old.lane
  FROM proletarian_lane AS old
 WHERE old.next_at < TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1000000e0 - 3600
   AND NOT EXISTS (SELECT 1 FROM proletarian_running_job AS running WHERE running.lane = old.lane)
 LIMIT :most
   FOR UPDATE /*!80001 OF old */ SKIP LOCKED

-- :name prune
DELETE state FROM :LANES STRAIGHT_JOIN proletarian_lane AS state FORCE INDEX (PRIMARY) ON state.lane = listed.name
