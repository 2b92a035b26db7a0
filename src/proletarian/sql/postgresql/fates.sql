-- :part WHICH
job_id = ANY (CAST(:job_ids AS :ID[]))

-- :name fates
-- Where jobs are and what their rows say, in one statement: a job that moves in the meantime is seen either where it
-- was or where it is now.
SELECT job_id, 'waiting', attempts, lost, errors, NULL, NULL FROM proletarian.job AS job WHERE :WHICH
 UNION ALL
SELECT job_id, 'running', attempts, lost, errors, NULL, NULL FROM proletarian.running_job AS running WHERE :WHICH
 UNION ALL
SELECT job_id, 'archived', attempts, lost, errors, worker, status FROM proletarian.archived_job AS archived WHERE :WHICH
