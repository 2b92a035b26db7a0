-- :name begin
-- Take the right to write at once: a transaction that reads first and writes later may
-- find that somebody else wrote in between, and then has to be given up.
BEGIN IMMEDIATE

-- :name commit
COMMIT

-- :name roll_back
ROLLBACK
