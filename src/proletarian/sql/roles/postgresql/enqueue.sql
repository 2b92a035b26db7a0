-- What an application needs if it only enqueues jobs: it can neither read payloads nor take
-- anything back. Run it as the owner of the tables, after `migrate`; then give the role to
-- the login of your application: GRANT proletarian_role TO my_app.
--
-- The rights below "unique" are only for unique jobs, to see whether one is there. An application
-- with tasks that replace what a waiting job will do needs one more:
--   GRANT UPDATE (payload, headers, priority, lane, process_at) ON proletarian.job TO proletarian_role;

DO $$ BEGIN CREATE ROLE proletarian_role NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;

GRANT USAGE ON SCHEMA proletarian TO proletarian_role;
GRANT INSERT, SELECT (job_id) ON proletarian.job TO proletarian_role;
-- unique (locking a row needs the right to change something in it)
GRANT SELECT (process_at, attempts, lost, queue), UPDATE (enqueued_at) ON proletarian.job TO proletarian_role;
GRANT SELECT (job_id) ON proletarian.running_job, proletarian.archived_job TO proletarian_role;
GRANT SELECT, INSERT, UPDATE ON proletarian.unique_job TO proletarian_role;
-- flows: jobs that wait for others
GRANT INSERT, SELECT (job_id) ON proletarian.held_job TO proletarian_role;
GRANT SELECT (status) ON proletarian.archived_job TO proletarian_role;
GRANT INSERT ON proletarian.dependency, proletarian.late_dependency TO proletarian_role;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA proletarian TO proletarian_role;
