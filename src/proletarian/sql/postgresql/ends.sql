-- :name ended
-- Which of these jobs are in the archive, and how they ended. By the primary key, whatever the archive holds.
SELECT :SHOWN_ID, job_type, status, attempts, CASE WHEN status <> 'success' THEN errors END AS errors, result
  FROM proletarian.archived_job AS archived
 WHERE job_id = ANY (CAST(:job_ids AS :ID[]))

-- :name moment
-- Two looks of one transaction have the same now(). If it sees a snapshot of its own, it will never see an end.
SELECT current_setting('transaction_isolation'), CAST(now() AS text)
