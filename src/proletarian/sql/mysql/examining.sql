-- :name settings
SELECT 'version', @@version
 UNION ALL SELECT 'max_allowed_packet', @@max_allowed_packet
 UNION ALL SELECT 'innodb_flush_log_at_trx_commit', @@innodb_flush_log_at_trx_commit
 UNION ALL SELECT 'log_bin', @@log_bin
 UNION ALL SELECT 'sync_binlog', @@sync_binlog
 UNION ALL SELECT 'read_only', @@read_only
 UNION ALL SELECT 'max_connections', @@max_connections

-- :name rights
-- Not checked here: with roles and wildcards a privilege is hard to determine, and a statement that lacks one says so.
SELECT 'SELECT', 1 FROM DUAL WHERE :table IS NULL

-- :name size
SELECT data_length + index_length, table_rows, 0, index_length
  FROM information_schema.tables
 WHERE CONCAT(table_schema, '.', table_name) = :table
    OR (table_schema = DATABASE() AND table_name = :table)

-- :name oldest
SELECT TIMESTAMPDIFF(SECOND, trx_started, NOW()), CONCAT('the session ', trx_mysql_thread_id)
  FROM information_schema.innodb_trx
 WHERE trx_mysql_thread_id <> CONNECTION_ID()
 ORDER BY trx_started
 LIMIT 1

-- :name due_types
SELECT DISTINCT job_type
  FROM (SELECT job_type FROM proletarian_job
         WHERE queue = :queue AND process_at <= UTC_TIMESTAMP(6) LIMIT :most) AS due

-- :name undeclared
SELECT app, name
  FROM proletarian_schedule AS schedule
 WHERE digest IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM proletarian_schedule_release AS made
                    WHERE made.app = schedule.app AND made.seen_at > UTC_TIMESTAMP(6) - INTERVAL 1 HOUR)
 ORDER BY app, name
 LIMIT 20
