-- What the connections of workers and commands execute first.

-- :name session
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED

-- :name session_time
SET SESSION time_zone = '+00:00'
