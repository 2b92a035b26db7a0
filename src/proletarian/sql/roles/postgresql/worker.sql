-- What a worker needs, and no more. Run it as the owner of the tables, after `migrate`;
-- then give the role to the login of your workers: GRANT proletarian_role TO my_worker.

DO $$ BEGIN CREATE ROLE proletarian_role NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;

GRANT USAGE ON SCHEMA proletarian TO proletarian_role;
GRANT SELECT ON proletarian.migration TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.job TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.running_job TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.archived_job TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.unique_job TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.held_job TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.dependency TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.late_dependency TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.wait_over TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.step TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.worker TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.paused_queue TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.cancel_request TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.schedule TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.schedule_release TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.lane TO proletarian_role;
GRANT SELECT, INSERT, DELETE, UPDATE ON proletarian.lane_limit TO proletarian_role;
-- Commands that act on jobs record who did it.
GRANT INSERT ON proletarian.audit TO proletarian_role;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA proletarian TO proletarian_role;
