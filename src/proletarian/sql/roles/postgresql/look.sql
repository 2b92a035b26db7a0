-- What people and monitoring need to look without changing anything: `proletarian jobs list`, `status`, `stats` …
-- They can read payloads. Run it as the owner of the tables, after `migrate`; then give the role to a login:
-- GRANT proletarian_role TO my_monitoring.

DO $$ BEGIN CREATE ROLE proletarian_role NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;

GRANT USAGE ON SCHEMA proletarian TO proletarian_role;
GRANT SELECT ON proletarian.migration TO proletarian_role;
GRANT SELECT ON proletarian.job TO proletarian_role;
GRANT SELECT ON proletarian.running_job TO proletarian_role;
GRANT SELECT ON proletarian.archived_job TO proletarian_role;
GRANT SELECT ON proletarian.unique_job TO proletarian_role;
GRANT SELECT ON proletarian.worker TO proletarian_role;
GRANT SELECT ON proletarian.paused_queue TO proletarian_role;
GRANT SELECT ON proletarian.cancel_request TO proletarian_role;
GRANT SELECT ON proletarian.schedule TO proletarian_role;
GRANT SELECT ON proletarian.schedule_release TO proletarian_role;
GRANT SELECT ON proletarian.lane TO proletarian_role;
GRANT SELECT ON proletarian.lane_limit TO proletarian_role;
GRANT SELECT ON proletarian.held_job TO proletarian_role;
GRANT SELECT ON proletarian.dependency TO proletarian_role;
GRANT SELECT ON proletarian.late_dependency TO proletarian_role;
GRANT SELECT ON proletarian.wait_over TO proletarian_role;
GRANT SELECT ON proletarian.step TO proletarian_role;
GRANT SELECT ON proletarian.audit TO proletarian_role;
