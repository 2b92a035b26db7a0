-- :name ended
-- Which of these jobs are in the archive, and how they ended. By the primary key, whatever the archive holds.
SELECT job_id, job_type, status, attempts, CASE WHEN status <> 'success' THEN errors END AS errors, result
  FROM proletarian_archived_job AS archived
 WHERE job_id IN (SELECT value FROM json_each(:job_ids))

-- :name begin
-- Refused in an open transaction, which sees what there was at its beginning, and may keep every worker from writing.
BEGIN

-- :name let_go
ROLLBACK
