-- :part WHICH
JSON_TABLE(CONVERT(:job_ids USING utf8mb4), '$[*]' COLUMNS (id :JSON_ID PATH '$')) AS which

-- :name ended
-- A bounded look, so nobody waits for it.
SELECT job_id, job_type, status
  FROM proletarian_archived_job
 WHERE finished_at >= CAST(:since AS DATETIME(6))
   AND finished_at < CAST(:until AS DATETIME(6))
 LIMIT :most

-- :name free
-- A job that an open transaction is retrying is passed over.
SELECT archived.job_id
  FROM :WHICH STRAIGHT_JOIN proletarian_archived_job AS archived ON archived.job_id = :STORED_ID
 WHERE archived.finished_at < CAST(:until AS DATETIME(6))
   FOR UPDATE /*!80001 OF archived */ SKIP LOCKED

-- :name delete
DELETE archived FROM :WHICH STRAIGHT_JOIN proletarian_archived_job AS archived ON archived.job_id = :STORED_ID

-- :name any_steps
SELECT 1 FROM proletarian_step LIMIT 1
