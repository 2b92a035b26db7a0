-- What a dashboard needs: it reads everything, acts on jobs, queues and schedules, and records who did
-- what; it can neither change nor delete these records. Run it as the owner of the tables, after `migrate`; then give
-- the role to the login of the dashboard: GRANT proletarian_role TO my_dashboard.

DO $$ BEGIN CREATE ROLE proletarian_role NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;

GRANT USAGE ON SCHEMA proletarian TO proletarian_role;
GRANT SELECT ON proletarian.migration, proletarian.running_job, proletarian.worker, proletarian.lane TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.job TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.archived_job TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.unique_job TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.held_job TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.dependency TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.late_dependency TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.wait_over TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.step TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.paused_queue TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.cancel_request TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.lane_limit TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.schedule TO proletarian_role;
GRANT SELECT ON proletarian.schedule_release TO proletarian_role;
GRANT SELECT, INSERT ON proletarian.audit TO proletarian_role;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA proletarian TO proletarian_role;
