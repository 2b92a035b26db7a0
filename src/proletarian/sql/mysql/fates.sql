-- :part WHICH
JSON_TABLE(CONVERT(:job_ids USING utf8mb4), '$[*]' COLUMNS (id :JSON_ID PATH '$')) AS which

-- :name fates
-- Where jobs are and what their rows say, in one statement: a job that moves in the meantime is seen either where it
-- was or where it is now.
SELECT job.job_id, 'waiting', job.attempts, job.lost, job.errors, NULL, NULL
  FROM :WHICH STRAIGHT_JOIN proletarian_job AS job ON job.job_id = :STORED_ID
 UNION ALL
SELECT running.job_id, 'running', running.attempts, running.lost, running.errors, NULL, NULL
  FROM proletarian_running_job AS running STRAIGHT_JOIN :WHICH ON running.job_id = :STORED_ID
 UNION ALL
SELECT archived.job_id, 'archived', archived.attempts, archived.lost, archived.errors, archived.worker, archived.status
  FROM :WHICH STRAIGHT_JOIN proletarian_archived_job AS archived ON archived.job_id = :STORED_ID
