-- :name settings
SELECT name, setting
  FROM pg_settings
 WHERE name IN ('server_version', 'autovacuum', 'track_counts', 'fsync', 'synchronous_commit', 'full_page_writes',
                'idle_in_transaction_session_timeout', 'max_connections', 'server_encoding',
                'default_transaction_read_only', 'transaction_read_only')

-- :name rights
SELECT name, has_table_privilege(CAST(:table AS text), name)
  FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS name

-- :name size
SELECT pg_total_relation_size(found.oid), greatest(found.reltuples, 0)::bigint, coalesce(statistics.n_dead_tup, 0),
       pg_indexes_size(found.oid)
  FROM pg_class AS found
  LEFT JOIN pg_stat_all_tables AS statistics ON statistics.relid = found.oid
 WHERE found.oid = to_regclass(CAST(:table AS text))

-- :name oldest
-- What keeps dead rows from being vacuumed: a session's snapshot, a prepared transaction or a replication slot. The age
-- of a slot is known only in transactions, not in seconds: it counts as old after a million.
SELECT extract(epoch FROM age), who
  FROM (SELECT clock_timestamp() - xact_start AS age,
               'the session ' || pid || coalesce(' of ' || nullif(application_name, ''), '')
                   || coalesce(' (' || state || ')', '') AS who
          FROM pg_stat_activity
         WHERE pid <> pg_backend_pid() AND xact_start IS NOT NULL
           AND backend_type IN ('client backend', 'walsender')
         UNION ALL
        SELECT clock_timestamp() - prepared, 'the prepared transaction ' || gid FROM pg_prepared_xacts
         UNION ALL
        SELECT interval '1 day', 'the replication slot ' || slot_name
          FROM pg_replication_slots
         WHERE greatest(age(xmin), age(catalog_xmin)) > 1000000) AS holder
 ORDER BY age DESC
 LIMIT 1

-- :name due_types
SELECT DISTINCT job_type
  FROM (SELECT job_type FROM proletarian.job AS job
         WHERE queue = :queue AND process_at <= now() LIMIT CAST(:most AS int)) AS due

-- :name undeclared
SELECT app, name
  FROM proletarian.schedule AS schedule
 WHERE digest IS NOT NULL
   AND NOT EXISTS (SELECT FROM proletarian.schedule_release AS release
                    WHERE release.app = schedule.app AND release.seen_at > now() - interval '1 hour')
 ORDER BY app, name
 LIMIT 20
