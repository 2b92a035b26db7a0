-- :name ended
-- Which of these jobs are in the archive, and how they ended. The lookup is by primary key, so the size of the archive
-- does not matter.
SELECT :SHOWN_ID, job_type, status, attempts, CASE WHEN status <> 'success' THEN errors END AS errors, result
  FROM proletarian.archived_job AS archived
 WHERE job_id = ANY (CAST(:job_ids AS :ID[]))

-- :name moment
-- Two looks in the same transaction see the same now(). If that transaction works on one snapshot, it will never see a
-- job end.
SELECT current_setting('transaction_isolation'), CAST(now() AS text)
