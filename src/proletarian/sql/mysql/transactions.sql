-- :name begin
START TRANSACTION

-- :name commit
COMMIT

-- :name roll_back
ROLLBACK
