-- What an application needs if it only enqueues jobs: it can neither read payloads nor take
-- anything back. Run it in the database of the tables, after `migrate`; then give the role to
-- the account of your application:
--   GRANT proletarian_role TO my_app;  SET DEFAULT ROLE proletarian_role FOR my_app;
-- (MySQL says SET DEFAULT ROLE … TO my_app.)
--
-- The right below "unique" is only for unique jobs, to see whether one is there. An application
-- with tasks that replace what a waiting job will do needs one more:
--   GRANT SELECT (job_id), UPDATE (payload, headers, priority, lane, process_at) ON proletarian_job TO proletarian_role;

CREATE ROLE IF NOT EXISTS proletarian_role;

GRANT INSERT ON proletarian_job TO proletarian_role;
-- unique
GRANT SELECT, INSERT, UPDATE ON proletarian_unique_job TO proletarian_role;
-- flows: jobs that wait for others
GRANT INSERT, SELECT (job_id) ON proletarian_held_job TO proletarian_role;
GRANT SELECT (job_id) ON proletarian_job TO proletarian_role;
GRANT SELECT (job_id) ON proletarian_running_job TO proletarian_role;
GRANT SELECT (job_id, status) ON proletarian_archived_job TO proletarian_role;
GRANT INSERT ON proletarian_dependency TO proletarian_role;
GRANT INSERT ON proletarian_late_dependency TO proletarian_role;
