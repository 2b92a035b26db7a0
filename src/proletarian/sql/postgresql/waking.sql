-- :name listen
-- The channel has the name of the table, so neither has to be a parameter.
LISTEN "proletarian.job"

-- :name lie_down
-- From now on, enqueues on these queues send notifications.
SELECT pg_try_advisory_lock_shared(hashtextextended(queue, hashtext('proletarian.job asleep')))
  FROM unnest(CAST(:queues AS text[])) AS queue

-- :name get_up
SELECT pg_advisory_unlock_shared(hashtextextended(queue, hashtext('proletarian.job asleep')))
  FROM unnest(CAST(:queues AS text[])) AS queue
