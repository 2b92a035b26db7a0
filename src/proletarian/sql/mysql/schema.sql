-- :name id_type
SELECT UPPER(COLUMN_TYPE)
  FROM information_schema.COLUMNS
 WHERE TABLE_SCHEMA = COALESCE(:schema, DATABASE()) AND TABLE_NAME = :table AND COLUMN_NAME = 'job_id'
