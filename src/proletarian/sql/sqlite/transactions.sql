-- :name begin
-- Take the write lock at once: a transaction that reads first and writes later may find that somebody else has written
-- in between, and then has to be abandoned.
BEGIN IMMEDIATE

-- :name commit
COMMIT

-- :name roll_back
ROLLBACK
