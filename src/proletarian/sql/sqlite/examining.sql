-- :name settings
SELECT 'version', sqlite_version()
 UNION ALL SELECT 'journal_mode', journal_mode FROM pragma_journal_mode
 UNION ALL SELECT 'synchronous', synchronous FROM pragma_synchronous
 UNION ALL SELECT 'free_bytes', freelist_count * page_size FROM pragma_freelist_count, pragma_page_size
 UNION ALL SELECT 'bytes', page_count * page_size FROM pragma_page_count, pragma_page_size

-- :name rights
SELECT 'SELECT', 1 WHERE :table IS NULL

-- :name size
-- SQLite does not know the size of a table without reading it; the number of rows can be estimated from the last rowid.
SELECT 0, 0, 0, 0 WHERE :table IS NULL

-- :name oldest
SELECT NULL, NULL WHERE 1 = 0

-- :name due_types
SELECT DISTINCT job_type
  FROM (SELECT job_type FROM proletarian_job
         WHERE queue = :queue AND process_at <= strftime('%Y-%m-%d %H:%M:%f000', 'now') LIMIT :most)

-- :name undeclared
SELECT app, name
  FROM proletarian_schedule AS schedule
 WHERE digest IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM proletarian_schedule_release AS made
                    WHERE made.app = schedule.app
                      AND made.seen_at > strftime('%Y-%m-%d %H:%M:%f000', 'now', '-1 hour'))
 ORDER BY app, name
 LIMIT 20
