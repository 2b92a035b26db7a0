"""Claims: what is due, in order, and each job by only one worker."""

from __future__ import annotations

from datetime import timedelta

from proletarian.conformance.check import Checks
from proletarian.conformance.trial import Trial, types
from proletarian.conformance.when import HOUR, NOON
from proletarian.job import NewJob
from proletarian.sql.claiming import MOST, claim
from proletarian.sql.dialect import HEAVY
from proletarian.sql.transactions import begin, commit, joined

CHECKS = Checks()
promise = CHECKS.promise


@promise()
def a_claim_moves_a_job_to_the_running_ones(trial: Trial) -> None:
    before = trial.time()
    job_id = trial.put_one(payload={"n": 1}, headers={"trace": "a1"})
    worker = trial.worker()
    run = worker.claim_one()

    table, worker_id, run_id, started_at, progress = trial.find(job_id, "worker_id", "run_id", "started_at", "progress")
    assert (table, worker_id, run_id, progress) == ("running_job", worker.worker_id, run.run_id, None)
    assert before - timedelta(seconds=0.001) <= started_at <= trial.time() + timedelta(seconds=0.001)
    assert (run.payload, run.headers, run.attempts, run.lost) == ('{"n":1}', '{"trace": "a1"}', 0, 0)
    assert trial.counts() == (0, 1, 0)


@promise()
def nothing_due_is_nothing_claimed(trial: Trial) -> None:
    assert trial.worker().claim(10) == []


@promise()
def the_earliest_due_job_comes_first(trial: Trial) -> None:
    clocked = trial.with_queue(clock=lambda: NOON)
    for minute in (3, 1, 2):
        clocked.put(NewJob(f"in {minute}", process_at=NOON + timedelta(minutes=minute)))
    runs = clocked.worker().claim(10, now=NOON + HOUR)

    assert types(runs) == ["in 1", "in 2", "in 3"]
    assert [run.run_id for run in runs] == sorted(run.run_id for run in runs)


@promise()
def a_higher_priority_comes_first_then_the_earlier_time(trial: Trial) -> None:
    clocked = trial.with_queue(clock=lambda: NOON)
    for name, priority, minute in (("c", 0, 1), ("d", 0, 2), ("e", -5, 0), ("b", 9, 4), ("a", 9, 3)):
        clocked.put(NewJob(name, priority=priority, process_at=NOON + timedelta(minutes=minute)))
    worker = clocked.worker()

    assert types(worker.claim(3, now=NOON + HOUR)) == ["a", "b", "c"]
    assert types(worker.claim(3, now=NOON + HOUR)) == ["d", "e"]


@promise()
def a_job_of_the_future_waits_for_its_moment(trial: Trial) -> None:
    clocked = trial.with_queue(clock=lambda: NOON)
    clocked.put(NewJob("later", process_at=NOON + HOUR))
    worker = clocked.worker()

    assert worker.claim(now=NOON + HOUR - timedelta(microseconds=1)) == []
    assert types(worker.claim(now=NOON + HOUR)) == ["later"]


@promise()
def future_jobs_of_a_higher_priority_hide_nothing(trial: Trial) -> None:
    trial.put(*[NewJob("later", priority=priority, process_in=3600) for priority in (5, 9, 9, 30)])
    trial.put(NewJob("now", priority=7), NewJob("now too"))

    assert types(trial.worker().claim(10)) == ["now", "now too"]


@promise()
def a_claim_takes_no_more_than_was_wanted(trial: Trial) -> None:
    trial.put(*[NewJob("greet", priority=n % 3) for n in range(30)])
    worker = trial.worker()

    assert [len(worker.claim(limit)) for limit in (7, 1, 20, 20)] == [7, 1, 20, 2]


@promise()
def one_claim_serves_several_queues_each_to_its_limit(trial: Trial) -> None:
    for queue in ("a", "b", "c"):
        trial.put(*[NewJob(queue, queue=queue, priority=n % 2) for n in range(5)])
    runs = trial.worker().claim(wants={"a": 2, "b": 10, "empty": 3})

    assert sorted(types(runs)) == ["a"] * 2 + ["b"] * 5
    assert all(run.queue == run.job_type for run in runs)
    assert len({run.run_id for run in runs}) == 7
    assert trial.count("job") == 8


@promise()
def a_claim_goes_on_from_where_the_last_one_ended(trial: Trial) -> None:
    clocked = trial.with_queue(clock=lambda: NOON)
    clocked.put(*[NewJob(f"{n}", process_at=NOON + timedelta(minutes=n)) for n in range(6)])
    worker = clocked.worker()
    runs = worker.claim(2, now=NOON + HOUR)
    marks = {("default", 0): runs[-1].process_at}
    onward = worker.claim(2, marks=marks, now=NOON + HOUR)
    clocked.put(NewJob("late to come", process_at=NOON))

    assert types(runs + onward) == ["0", "1", "2", "3"]
    marks = {("default", 0): onward[-1].process_at}
    assert types(worker.claim(10, marks=marks, now=NOON + HOUR)) == ["4", "5"]
    assert types(worker.claim(10, now=NOON + HOUR)) == ["late to come"], "a full claim finds what lies behind"


@promise()
def no_job_is_claimed_twice(trial: Trial) -> None:
    trial.put(*[NewJob("greet")] * 50)
    ann, bob = trial.worker(), trial.worker()
    claimed = [run.job_id for _ in range(5) for worker in (ann, bob) for run in worker.claim(7)]

    assert len(claimed) == len(set(claimed)) == 50


@promise("skips_locked")
def claims_pass_each_other_without_waiting(trial: Trial) -> None:
    trial.put(*[NewJob(f"{n}", priority=-n) for n in range(4)])
    slow, quick = trial.worker(), trial.worker()
    slow.connection.run(begin(trial.dialect))
    held = slow.connection.run(
        joined(trial.dialect, claim(trial.dialect, slow.worker_id, {"default": 2}, 0, None, None))
    )
    passed = quick.claim(10)  # would wait here, or take the same ones
    slow.connection.run(commit(trial.dialect))

    assert types(held) == ["0", "1"]
    assert types(passed) == ["2", "3"]
    assert trial.counts() == (0, 4, 0)


@promise("skips_locked")
def a_claim_that_is_rolled_back_leaves_the_jobs_to_others(trial: Trial) -> None:
    trial.put_one()
    slow, quick = trial.worker(), trial.worker()
    slow.connection.run(begin(trial.dialect))
    slow.connection.run(joined(trial.dialect, claim(trial.dialect, slow.worker_id, {"default": 2}, 0, None, None)))
    slow.connection.close()
    claims = (quick.claim() for _ in range(200))  # the server may need a moment to notice
    runs = next(filter(None, claims), [])

    assert types(runs) == ["greet"]


@promise()
def a_worker_that_was_declared_dead_claims_nothing(trial: Trial) -> None:
    trial.put_one()
    zombie = trial.worker()
    trial.recover(zombie)

    assert zombie.claim() == []
    assert trial.counts() == (1, 0, 0)


@promise()
def a_heavy_payload_comes_along_with_a_claim_of_many(trial: Trial) -> None:
    text = "é" * HEAVY
    trial.put(NewJob("light"), NewJob("heavy", {"text": text}), NewJob("light"))
    runs = trial.worker().claim(10)

    assert sorted((run.job_type, len(run.payload)) for run in runs) == [
        ("heavy", len(text) + len('{"text":""}')),
        ("light", 4),
        ("light", 4),
    ]


@promise()
def payloads_that_are_too_much_for_one_claim_wait_for_the_next(trial: Trial) -> None:
    size = 3_000_000
    there_is_room_for = MOST // size
    for number in range(there_is_room_for + 2):
        trial.put(NewJob(f"{number:02}", {"text": "x" * (size - 100)}))
    worker = trial.worker()
    first, second = worker.claim(1000), worker.claim(1000)

    brought = [run for run in first if run.payload is not None]
    assert len(brought) == there_is_room_for
    assert len({run.run_id for run in first}) == there_is_room_for + 2
    assert types(second) == [run.job_type for run in first if run.payload is None]
    assert [(run.attempts, run.lost) for run in second] == [(0, 0)] * 2
    assert worker.succeed(*brought, *second) == {run.run_id for run in (*brought, *second)}
    assert trial.counts() == (0, 0, there_is_room_for + 2)
