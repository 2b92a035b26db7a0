-- :name note
INSERT INTO proletarian_audit (done_at, who, action, target, detail, jobs)
VALUES (strftime('%Y-%m-%d %H:%M:%f000', 'now'), :who, :action, :target, :detail, :jobs)

-- :name entries
-- Newest first, before the entry :below, by the primary key.
SELECT entry_id, CAST(round((julianday(done_at) - 2440587.5) * 86400000) AS INTEGER) * 1000, who, action, target, detail, jobs
  FROM proletarian_audit
 WHERE entry_id < :below
 ORDER BY entry_id DESC
 LIMIT :most
