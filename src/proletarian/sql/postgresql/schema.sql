-- :name id_type
SELECT upper(format_type(attribute.atttypid, NULL))
  FROM pg_attribute AS attribute
 WHERE attribute.attrelid = to_regclass(concat_ws('.', quote_ident(CAST(:schema AS text)), quote_ident(:table)))
   AND attribute.attname = 'job_id'
