-- What an application needs that only puts jobs in: it can neither read payloads nor take
-- anything back. Run it as the owner of the tables, after `migrate`; then give the role to
-- the login of your application: GRANT proletarian_role TO my_app.

DO $$ BEGIN CREATE ROLE proletarian_role NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;

GRANT USAGE ON SCHEMA proletarian TO proletarian_role;
GRANT INSERT, SELECT (job_id) ON proletarian.job TO proletarian_role;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA proletarian TO proletarian_role;
