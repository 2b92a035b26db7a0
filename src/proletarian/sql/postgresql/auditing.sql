-- :name note
INSERT INTO proletarian.audit (done_at, who, action, target, detail, jobs)
VALUES (clock_timestamp(), :who, :action, :target, :detail, :jobs)

-- :name entries
-- Newest first, before the entry :below, by the primary key.
SELECT entry_id, CAST(extract(epoch FROM done_at) * 1000000 AS bigint), who, action, target, detail, jobs
  FROM proletarian.audit AS audit
 WHERE entry_id < :below
 ORDER BY entry_id DESC
 LIMIT CAST(:most AS int)
