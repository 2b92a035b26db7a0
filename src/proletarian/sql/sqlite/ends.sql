-- :name ended
-- Which of these jobs are in the archive, and how they ended. The lookup is by primary key, so the size of the archive
-- does not matter.
SELECT job_id, job_type, status, attempts, CASE WHEN status <> 'success' THEN errors END AS errors, result
  FROM proletarian_archived_job AS archived
 WHERE job_id IN (SELECT value FROM json_each(:job_ids))

-- :name begin
-- Refused inside an open transaction, which sees the state at its start and may keep every worker from writing.
BEGIN

-- :name let_go
ROLLBACK
