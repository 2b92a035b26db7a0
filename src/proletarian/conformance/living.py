"""Signs of life: the heartbeat, and the lock that goes with its session."""

from __future__ import annotations

from datetime import timedelta

from proletarian.conformance.check import Checks
from proletarian.conformance.member import Member
from proletarian.conformance.trial import Trial
from proletarian.drivers.driver import OwnConnection
from proletarian.sql.living import beat, bury, peers, register
from proletarian.sql.rows import Peer
from proletarian.sql.transactions import begin, commit

CHECKS = Checks()
promise = CHECKS.promise


def as_seen(trial: Trial, member: Member) -> Peer:
    """A worker as its peers see it."""
    [found] = [c for c in trial.connection.run(peers(trial.dialect)) if c.worker_id == member.worker_id]
    return found


@promise()
def a_beat_tells_the_time_and_the_size_of_the_fleet(trial: Trial) -> None:
    worker = trial.worker()
    trial.worker()
    row = worker.connection.run(beat(trial.dialect, worker.worker_id))

    assert row is not None
    assert row[1] == 2
    assert abs(trial.dialect.loaded_time(row[0]) - trial.time()) < timedelta(seconds=5)


@promise()
def a_worker_learns_from_its_beat_that_it_was_declared_dead(trial: Trial) -> None:
    worker = trial.worker()
    trial.recover(worker)

    assert worker.connection.run(beat(trial.dialect, worker.worker_id)) is None


@promise()
def the_silence_of_a_worker_is_seen(trial: Trial) -> None:
    worker = trial.worker(lost_after=7)
    before = as_seen(trial, worker)
    while as_seen(trial, worker).silent < before.silent + 0.02:
        pass  # time passes
    later = as_seen(trial, worker)

    assert 0 <= before.silent < 5
    assert (later.seen_at, later.lost_after) == (before.seen_at, 7)
    worker.connection.run(beat(trial.dialect, worker.worker_id))
    assert as_seen(trial, worker).seen_at > later.seen_at


@promise()
def who_beats_after_it_was_judged_is_spared(trial: Trial) -> None:
    busy, dead = trial.worker(), trial.worker()
    job_id = trial.put_one()
    busy.claim_one()
    judged = trial.judged(busy, dead)
    before = as_seen(trial, busy).seen_at
    while as_seen(trial, busy).seen_at == before:
        busy.connection.run(beat(trial.dialect, busy.worker_id))
    buried = trial.connection.run(bury(trial.dialect, judged))

    assert list(buried) == [dead.worker_id]
    assert trial.find(job_id, "worker_id") == ("running_job", busy.worker_id)


@promise()
def a_registration_that_is_said_twice_is_one(trial: Trial) -> None:
    """The answer to the first may have been lost."""
    worker = trial.worker()
    row = worker.connection.run(register(trial.dialect, worker.worker_id, "contract", 1, "", (None, None), 60.0))

    assert row[1] == trial.count("worker") == 1


@promise("skips_locked")
def a_row_that_somebody_has_locked_is_buried_later_and_holds_up_nobody(trial: Trial) -> None:
    locked, dead = trial.worker(), trial.worker()
    job_id = trial.put_one()
    dead.claim_one()
    judged = trial.judged(locked, dead)
    locked.connection.run(begin(trial.dialect))
    locked.connection.run(beat(trial.dialect, locked.worker_id))
    first = trial.recover(locked, dead)
    locked.connection.run(commit(trial.dialect))
    trial.connection.run(bury(trial.dialect, judged))

    assert list(first.buried) == [dead.worker_id]
    assert trial.find(job_id, "lost") == ("job", 1)
    assert as_seen(trial, locked), "its beat was committed meanwhile"


@promise()
def a_worker_that_leaves_is_gone(trial: Trial) -> None:
    worker = trial.worker()
    worker.leave()

    assert trial.connection.run(peers(trial.dialect)) == []
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


def are_free(trial: Trial, connection: OwnConnection, worker: Member) -> list[bool]:
    """Which of a worker's locks are free, as another worker finds out: from the row, and with its own connection."""
    trial.say(
        f"UPDATE {trial.table('worker')} SET liveness_lock = :lock, pump_lock = :pump_lock WHERE worker_id = :me",
        lock=worker.lock, pump_lock=worker.pump_lock, me=worker.worker_id,
    )  # fmt: skip
    return list(connection.free(as_seen(trial, worker)))


def is_free(trial: Trial, connection: OwnConnection, worker: Member) -> bool:
    """Whether the first of them is free."""
    return are_free(trial, connection, worker)[0]


@promise("session_locks")
def a_second_witness_is_another_lock_of_another_session(trial: Trial) -> None:
    worker, other = trial.worker(), trial.worker()
    assert worker.connection.hold(trial.dialect, worker.lock)
    if worker.pump_lock is None:  # a file needs none
        assert are_free(trial, other.connection, worker) == [False]
        return
    assert are_free(trial, other.connection, worker) == [False, True]
    pump = trial.database.connect()
    try:
        assert pump.hold(trial.dialect, worker.pump_lock)
        assert are_free(trial, other.connection, worker) == [False, False]
    finally:
        pump.close()


@promise("session_locks")
def the_session_of_a_worker_that_is_out_of_reach_can_be_ended(trial: Trial) -> None:
    """And what it had begun is undone: otherwise its rows would stay locked while the server thinks that it lives."""
    worker, other = trial.worker(), trial.worker()
    if worker.pump_lock is None:  # a file lock goes with its process
        return
    assert worker.connection.hold(trial.dialect, worker.lock)
    worker.connection.run(begin(trial.dialect))
    worker.connection.run(beat(trial.dialect, worker.worker_id))
    other.connection.evict(trial.dialect, worker.lock)
    other.connection.evict(trial.dialect, worker.lock)  # there is nothing left to end, or soon will not be
    for _ in range(1000):  # the server may need a moment to notice
        if is_free(trial, other.connection, worker):
            break
    else:
        raise AssertionError("a session outlives its end")
    assert other.connection.run(beat(trial.dialect, worker.worker_id)), "its row is not locked any more"
    assert other.connection.hold(trial.dialect, worker.lock)
    other.connection.evict(trial.dialect, worker.lock)
    assert not is_free(trial, trial.connection, worker), "nobody ends a session of its own"


@promise("session_locks")
def the_lock_of_another_worker_is_another_lock(trial: Trial) -> None:
    ann, bob = trial.worker(), trial.worker()
    assert ann.connection.hold(trial.dialect, ann.lock)

    assert not is_free(trial, bob.connection, ann)
    assert is_free(trial, ann.connection, bob)
