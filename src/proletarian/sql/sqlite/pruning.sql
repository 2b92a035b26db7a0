-- :name ended
-- A bounded look, so nobody waits for it.
SELECT job_id, job_type, status
  FROM proletarian_archived_job
 WHERE finished_at >= :since
   AND finished_at < :until
 LIMIT :most

-- :name delete
DELETE FROM proletarian_archived_job
 WHERE job_id IN (SELECT value FROM json_each(:job_ids))
   AND finished_at < :until

-- :name any_steps
SELECT 1 FROM proletarian_step LIMIT 1

-- :name free
-- The jobs that the next statement deletes, in the same transaction.
SELECT job_id
  FROM proletarian_archived_job
 WHERE job_id IN (SELECT value FROM json_each(:job_ids))
   AND finished_at < :until
