-- :part WHICH
job_id IN (SELECT value FROM json_each(:job_ids))

-- :name fates
-- Where jobs are and what their rows say, in one statement.
SELECT job_id, 'waiting', attempts, lost, errors, NULL, NULL FROM proletarian_job WHERE :WHICH
 UNION ALL
SELECT job_id, 'running', attempts, lost, errors, NULL, NULL FROM proletarian_running_job WHERE :WHICH
 UNION ALL
SELECT job_id, 'archived', attempts, lost, errors, worker, status FROM proletarian_archived_job WHERE :WHICH
