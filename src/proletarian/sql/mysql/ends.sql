-- :part WHICH
JSON_TABLE(CONVERT(:job_ids USING utf8mb4), '$[*]' COLUMNS (id :JSON_ID PATH '$')) AS which

-- :name ended
-- Which of these jobs are in the archive, and how they ended. By the primary key, whatever the archive holds.
SELECT archived.job_id, archived.job_type, archived.status, archived.attempts,
       CASE WHEN archived.status <> 'success' THEN archived.errors END, archived.result
  FROM :WHICH STRAIGHT_JOIN proletarian_archived_job AS archived ON archived.job_id = :STORED_ID

-- :name refresh
-- For the next transaction of an application's connection, which our looks would open. It is refused while
-- one is open; that one may see what there was at its beginning, and never anybody's end.
SET TRANSACTION ISOLATION LEVEL READ COMMITTED

-- :name isolation
-- MariaDB leaves out what is for MySQL 8 only, and MySQL what is for MariaDB.
SELECT /*!80000 @@transaction_isolation */ /*M! @@tx_isolation */

-- :name let_go
-- Nothing but our looks was in it.
ROLLBACK
