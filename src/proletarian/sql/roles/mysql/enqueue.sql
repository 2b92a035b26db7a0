-- What an application needs that only puts jobs in: it can neither read payloads nor take
-- anything back. Run it in the database of the tables, after `migrate`; then give the role to
-- the account of your application:
--   GRANT proletarian_role TO my_app;  SET DEFAULT ROLE proletarian_role FOR my_app;
-- (MySQL says SET DEFAULT ROLE … TO my_app.)

CREATE ROLE IF NOT EXISTS proletarian_role;

GRANT INSERT ON proletarian_job TO proletarian_role;
