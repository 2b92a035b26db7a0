-- :name note
INSERT INTO proletarian_audit (done_at, who, action, target, detail, jobs)
VALUES (UTC_TIMESTAMP(6), CONVERT(:who USING utf8mb4), CONVERT(:action USING utf8mb4),
        CONVERT(:target USING utf8mb4), CONVERT(:detail USING utf8mb4), :jobs)

-- :name entries
-- Newest first, before the entry :below, by the primary key. Text is returned as bytes: see pausing.sql.
SELECT entry_id, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', done_at), CAST(who AS BINARY), CAST(action AS BINARY),
       CAST(target AS BINARY), CAST(detail AS BINARY), jobs
  FROM proletarian_audit
 WHERE entry_id < :below
 ORDER BY entry_id DESC
 LIMIT :most
