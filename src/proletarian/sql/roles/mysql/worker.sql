-- What a worker needs, and no more. Run it in the database of the tables, after `migrate`;
-- then give the role to the account of your workers:
--   GRANT proletarian_role TO my_worker;  SET DEFAULT ROLE proletarian_role FOR my_worker;
-- (MySQL says SET DEFAULT ROLE … TO my_worker.)

CREATE ROLE IF NOT EXISTS proletarian_role;

GRANT SELECT ON proletarian_migration TO proletarian_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON proletarian_job TO proletarian_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON proletarian_running_job TO proletarian_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON proletarian_archived_job TO proletarian_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON proletarian_unique_job TO proletarian_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON proletarian_held_job TO proletarian_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON proletarian_dependency TO proletarian_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON proletarian_late_dependency TO proletarian_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON proletarian_wait_over TO proletarian_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON proletarian_step TO proletarian_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON proletarian_worker TO proletarian_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON proletarian_paused_queue TO proletarian_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON proletarian_cancel_request TO proletarian_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON proletarian_schedule TO proletarian_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON proletarian_schedule_release TO proletarian_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON proletarian_lane TO proletarian_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON proletarian_lane_limit TO proletarian_role;
-- Commands that act on jobs record who did it.
GRANT INSERT ON proletarian_audit TO proletarian_role;
