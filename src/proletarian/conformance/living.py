"""Signs of life: the heartbeat, and the lock that goes with its session."""

from __future__ import annotations

from datetime import timedelta

from proletarian.conformance.check import Checks
from proletarian.conformance.member import Member
from proletarian.conformance.trial import Trial
from proletarian.drivers.driver import OwnConnection
from proletarian.sql.rows import Colleague

CHECKS = Checks()
promise = CHECKS.promise


def as_seen(trial: Trial, member: Member) -> Colleague:
    """A worker as its colleagues see it."""
    [found] = [c for c in trial.connection.run(trial.dialect.colleagues()) if c.worker_id == member.worker_id]
    return found


@promise()
def a_beat_tells_the_time_and_the_size_of_the_fleet(trial: Trial) -> None:
    worker = trial.worker()
    trial.worker()
    row = worker.connection.run(trial.dialect.beat(worker.worker_id))

    assert row is not None
    assert row[1] == 2
    assert abs(trial.dialect.loaded_time(row[0]) - trial.time()) < timedelta(seconds=5)


@promise()
def a_worker_learns_from_its_beat_that_it_was_declared_dead(trial: Trial) -> None:
    worker = trial.worker()
    trial.recover(worker)

    assert worker.connection.run(trial.dialect.beat(worker.worker_id)) is None


@promise()
def silence_beyond_its_limit_makes_a_worker_late(trial: Trial) -> None:
    hasty, calm = trial.worker(lost_after=0.02), trial.worker()
    job_id = trial.put_one()
    hasty.claim_one()
    while not as_seen(trial, hasty).late:
        pass  # time passes
    done = trial.recover()

    assert list(done.buried) == [hasty.worker_id]
    assert not as_seen(trial, calm).late
    assert trial.find(job_id, "lost") == ("job", 1)


@promise()
def a_beat_in_time_keeps_a_worker_alive(trial: Trial) -> None:
    worker = trial.worker(lost_after=5)
    trial.say(f"UPDATE {trial.table('worker')} SET seen_at = started_at")
    seen = []
    for _ in range(3):
        worker.connection.run(trial.dialect.beat(worker.worker_id))
        [(seen_at,)] = trial.say(f"SELECT seen_at FROM {trial.table('worker')}")
        seen.append(trial.dialect.loaded_time(seen_at))

    assert seen == sorted(seen)
    assert trial.recover().buried == {}
    assert worker.connection.run(trial.dialect.beat(worker.worker_id)) is not None


@promise()
def a_worker_that_leaves_is_gone(trial: Trial) -> None:
    worker = trial.worker()
    worker.leave()

    assert trial.connection.run(trial.dialect.colleagues()) == []
    assert worker.claim() == []


@promise("session_locks")
def a_lock_is_held_by_one_connection_and_seen_by_others(trial: Trial) -> None:
    worker = trial.worker()
    other = trial.database.connect()
    try:
        assert worker.connection.hold(trial.dialect, worker.lock)
        assert other.held(trial.dialect, worker.lock, worker.connection)
        assert not is_free(trial, other, worker)
    finally:
        other.close()


@promise("session_locks")
def a_lock_goes_with_its_connection(trial: Trial) -> None:
    worker, other = trial.worker(), trial.worker()
    worker.connection.hold(trial.dialect, worker.lock)
    assert not is_free(trial, other.connection, worker)
    worker.connection.close()
    for _ in range(1000):  # the server may need a moment to notice
        if is_free(trial, other.connection, worker):
            return
    raise AssertionError("a lock outlives its connection")


def is_free(trial: Trial, connection: OwnConnection, worker: Member) -> bool:
    """Whether a worker's lock is free, as a colleague finds out: from its row, and by asking its connection."""
    trial.say(
        f"UPDATE {trial.table('worker')} SET liveness_lock = :lock WHERE worker_id = :worker_id",
        lock=worker.lock, worker_id=worker.worker_id,
    )  # fmt: skip
    return connection.is_free(as_seen(trial, worker))


@promise("session_locks")
def the_lock_of_another_worker_is_another_lock(trial: Trial) -> None:
    ann, bob = trial.worker(), trial.worker()
    assert ann.connection.hold(trial.dialect, ann.lock)

    assert not is_free(trial, bob.connection, ann)
    assert is_free(trial, ann.connection, bob)
