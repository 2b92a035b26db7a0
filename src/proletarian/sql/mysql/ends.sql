-- :part WHICH
JSON_TABLE(CONVERT(:job_ids USING utf8mb4), '$[*]' COLUMNS (id :JSON_ID PATH '$')) AS which

-- :name ended
-- Which of these jobs are in the archive, and how they ended. The lookup is by primary key, so the size of the archive
-- does not matter.
SELECT archived.job_id, archived.job_type, archived.status, archived.attempts,
       CASE WHEN archived.status <> 'success' THEN archived.errors END, archived.result
  FROM :WHICH STRAIGHT_JOIN proletarian_archived_job AS archived ON archived.job_id = :STORED_ID

-- :name refresh
-- For the next transaction on an application's connection, the one that our looks would open. The server refuses it
-- while a transaction is open; such a transaction may only see the state at its start, and never see a job end.
SET TRANSACTION ISOLATION LEVEL READ COMMITTED

-- :name isolation
-- MariaDB skips what is meant for MySQL 8 only, and MySQL skips what is meant for MariaDB.
SELECT /*!80000 @@transaction_isolation */ /*M! @@tx_isolation */

-- :name let_go
-- The transaction contained nothing but our looks.
ROLLBACK
