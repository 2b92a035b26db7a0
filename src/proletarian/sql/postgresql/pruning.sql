-- :name ended
-- A bounded look, so nobody waits for it: it reads no more rows of the stretch than it returns. The result is not
-- sorted: sorting would mean reading all of them, because the index knows blocks, not rows.
SELECT job_id, job_type, status
  FROM proletarian.archived_job
 WHERE finished_at >= CAST(:since AS timestamptz)
   AND finished_at < CAST(:until AS timestamptz)
 LIMIT CAST(:most AS int)

-- :name delete
-- A job that an open transaction is retrying is passed over. The results of steps are deleted with their jobs.
WITH pruned AS (
DELETE FROM proletarian.archived_job AS archived
 WHERE archived.ctid = ANY (ARRAY(
       SELECT old.ctid
         FROM proletarian.archived_job AS old
        WHERE old.job_id = ANY (CAST(:job_ids AS :ID[]))
          AND old.finished_at < CAST(:until AS timestamptz)
          FOR UPDATE SKIP LOCKED))
RETURNING archived.job_id),
steps AS (
DELETE FROM proletarian.step AS step
 USING pruned
 WHERE step.job_id = pruned.job_id)
SELECT 1 FROM pruned
