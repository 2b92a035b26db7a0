-- :part WHICH
job_id = ANY (CAST(:job_ids AS :ID[]))

-- :name fates
-- Where jobs are and what their rows say, in one look: one that moves meanwhile is seen where it was or where it is.
SELECT job_id, 'waiting', attempts, lost, errors, NULL, NULL FROM proletarian.job AS job WHERE :WHICH
 UNION ALL
SELECT job_id, 'running', attempts, lost, errors, NULL, NULL FROM proletarian.running_job AS running WHERE :WHICH
 UNION ALL
SELECT job_id, 'archived', attempts, lost, errors, worker, status FROM proletarian.archived_job AS archived WHERE :WHICH
