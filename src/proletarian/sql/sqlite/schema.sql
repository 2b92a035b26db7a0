-- :name id_type
SELECT upper(type) FROM pragma_table_info(:table, :schema) WHERE name = 'job_id'
