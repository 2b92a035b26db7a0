-- What a worker needs, and no more. Run it as the owner of the tables, after `migrate`;
-- then give the role to the login of your workers: GRANT proletarian_role TO my_worker.

DO $$ BEGIN CREATE ROLE proletarian_role NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;

GRANT USAGE ON SCHEMA proletarian TO proletarian_role;
GRANT SELECT ON proletarian.migration TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.job TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.running_job TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.archived_job TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.worker TO proletarian_role;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA proletarian TO proletarian_role;
