-- Claim jobs that are under a limit. Such a job has a lane, `name:key`; '' is none, and claimed by claiming.sql. How
-- many of a lane run is counted where they run, so a dead worker, a recovery or a job given back need no word here.
-- A lane has a row of its own, which a claim locks from its count to its commit; nobody else locks it. Where locks
-- are not enough (Galera, or an isolation above READ COMMITTED) the version that each claim writes makes one of two
-- fail. Both servers read a whole queue for each hop of a recursive query, and sort and lock a whole lane for an
-- order over several priorities: so what is asked for has constants, one SELECT for each lane, and one priority.

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
-- The next entries of the index from a lane on. Of each lane the first is seen: its lowest priority's earliest.
SELECT lane, TIMESTAMPDIFF(MICROSECOND, :TIME, process_at) / 1000000e0
  FROM proletarian_job AS job FORCE INDEX (job_in_order)
 WHERE queue = :queue AND lane > :cursor
 ORDER BY lane, priority, process_at
 LIMIT :most

-- :name stands
-- How many of each lane run, and how long its rate has it wait; null: it has no row.
SELECT listed.place, COUNT(running.lane), MAX(state.next_at) - MAX(:T)
  FROM :LANES
  LEFT JOIN proletarian_lane AS state ON state.lane = listed.name
  LEFT JOIN proletarian_running_job AS running FORCE INDEX (running_job_lane) ON running.lane = listed.name
 GROUP BY listed.place

-- :name make
-- A row for each lane that has none, in the order of their names: two that make the same ones cannot deadlock. In a
-- statement of its own, before the claim: a row that is not there keeps nobody out, and two claims would both count.
INSERT IGNORE INTO proletarian_lane (lane) SELECT listed.name FROM :LANES ORDER BY listed.place

-- :name lock
-- From here to the commit nobody else claims from these lanes: two that count at once would both be right, and together
-- wrong. SKIP LOCKED: who finds a lane taken leaves it for later and waits for nobody. FORCE INDEX, here and in what
-- writes: a table of few lanes would be read as a whole, and so locked as a whole; a write would wait for the lanes of
-- another claim.
SELECT listed.place
  FROM :LANES
  STRAIGHT_JOIN proletarian_lane AS state FORCE INDEX (PRIMARY) ON state.lane = listed.name
   FOR UPDATE /*!80001 OF state */ SKIP LOCKED

-- :name state
-- Of one lane: how many run, its next start, the time, and its highest priority. Not in the statement that locks: its
-- snapshot could be older than the lock. This one, under READ COMMITTED, sees all claims that were committed before the
-- lock was ours. Others may only make the count smaller meanwhile: then it is too high, never too low.
SELECT :place,
       (SELECT COUNT(*) FROM proletarian_running_job FORCE INDEX (running_job_lane) WHERE lane = :lane),
       (SELECT next_at FROM proletarian_lane WHERE lane = :lane),
       :T,
       (SELECT MAX(priority) FROM proletarian_job WHERE queue = :queue AND lane = :lane)

-- :name below
-- The next lower priority of one lane.
SELECT :place, MAX(priority) FROM proletarian_job WHERE queue = :queue AND lane = :lane AND priority < :priority

-- :name head
-- The first due job of one priority of an ordered lane, whoever has it locked; and how long it waits to be retried.
-- Read without a lock, after `pick`: whichever of the two is older, the second job is never taken for the first.
(SELECT :place, job_id, TIMESTAMPDIFF(MICROSECOND, :TIME, retry_at) / 1000000e0
   FROM proletarian_job FORCE INDEX (job_in_order)
  WHERE queue = :queue AND lane = :lane AND priority = :priority AND process_at <= :TIME
  ORDER BY process_at, job_id
  LIMIT 1)

-- :name pick
-- Lock due jobs of one priority of one lane. One that an application is cancelling is passed by, with SKIP LOCKED; of an
-- ordered lane what was picked is then compared with `head`. A worker that was declared dead gets nothing.
(SELECT :CLAIMED
   FROM proletarian_job AS job FORCE INDEX (job_in_order)
  WHERE queue = :queue AND lane = :lane AND priority = :priority AND process_at <= :TIME
    AND COALESCE(retry_at <= :TIME, TRUE)
    AND (SELECT COUNT(*) FROM proletarian_worker WHERE worker_id = :worker_id) = 1
  ORDER BY process_at, job_id
  LIMIT :most
    FOR UPDATE SKIP LOCKED)

-- :name write
-- The version is read nowhere, and still has to grow with each claim: on Galera the lock is this node's alone, and a
-- claim for the same lane on another node, of other jobs, conflicts with this one only by a row that both have written.
-- One of the two then fails at its commit (1213) and is tried again.
UPDATE :LANES
  STRAIGHT_JOIN proletarian_lane AS state FORCE INDEX (PRIMARY) ON state.lane = listed.name
   SET state.version = state.version + 1, state.next_at = COALESCE(listed.next_at, state.next_at)

-- :name enter
-- Runs that turned out to be under a limit, before they are put back to wait: into its lane. In the transaction that
-- puts them back, so that nobody ever counts them in that lane.
UPDATE JSON_TABLE(CONVERT(:entered USING utf8mb4), '$[*]' COLUMNS (
           run_id BIGINT PATH '$[0]',
           name   VARCHAR(191) CHARACTER SET utf8mb4 PATH '$[1]')) AS entered
  STRAIGHT_JOIN proletarian_running_job AS running
     ON running.worker_id = :worker_id AND running.run_id = entered.run_id
   SET running.lane = entered.name

-- :name prunable
-- Lanes that nobody needs: without a run, and without a start for an hour. SKIP LOCKED: one that a claim holds is needed.
SELECT old.lane
  FROM proletarian_lane AS old
 WHERE old.next_at < TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1000000e0 - 3600
   AND NOT EXISTS (SELECT 1 FROM proletarian_running_job AS running WHERE running.lane = old.lane)
 LIMIT :most
   FOR UPDATE /*!80001 OF old */ SKIP LOCKED

-- :name prune
DELETE state FROM :LANES STRAIGHT_JOIN proletarian_lane AS state FORCE INDEX (PRIMARY) ON state.lane = listed.name
