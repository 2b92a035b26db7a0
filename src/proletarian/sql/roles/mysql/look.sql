-- What people and monitoring need to look without changing anything: `proletarian jobs list`, `status`, `stats` …
-- They can read payloads. Run it in the database of the tables, after `migrate`; then give the role to an account:
--   GRANT proletarian_role TO my_monitoring;  SET DEFAULT ROLE proletarian_role FOR my_monitoring;
-- (MySQL says SET DEFAULT ROLE … TO my_monitoring.)

CREATE ROLE IF NOT EXISTS proletarian_role;

GRANT SELECT ON proletarian_migration TO proletarian_role;
GRANT SELECT ON proletarian_job TO proletarian_role;
GRANT SELECT ON proletarian_running_job TO proletarian_role;
GRANT SELECT ON proletarian_archived_job TO proletarian_role;
GRANT SELECT ON proletarian_unique_job TO proletarian_role;
GRANT SELECT ON proletarian_worker TO proletarian_role;
GRANT SELECT ON proletarian_paused_queue TO proletarian_role;
GRANT SELECT ON proletarian_cancel_request TO proletarian_role;
GRANT SELECT ON proletarian_schedule TO proletarian_role;
GRANT SELECT ON proletarian_schedule_release TO proletarian_role;
GRANT SELECT ON proletarian_lane TO proletarian_role;
GRANT SELECT ON proletarian_lane_limit TO proletarian_role;
GRANT SELECT ON proletarian_held_job TO proletarian_role;
GRANT SELECT ON proletarian_dependency TO proletarian_role;
GRANT SELECT ON proletarian_late_dependency TO proletarian_role;
GRANT SELECT ON proletarian_wait_over TO proletarian_role;
GRANT SELECT ON proletarian_step TO proletarian_role;
GRANT SELECT ON proletarian_audit TO proletarian_role;
