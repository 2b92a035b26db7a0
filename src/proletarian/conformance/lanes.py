"""Lanes: never more jobs of one at a time than its rule allows, in order if asked for, never in the way of others."""

from __future__ import annotations

from datetime import timedelta

from proletarian.conformance.check import Checks
from proletarian.conformance.trial import Trial, types
from proletarian.conformance.when import HOUR, NOON
from proletarian.job import NewJob
from proletarian.limit import Rule
from proletarian.outcomes import Outcome
from proletarian.sql.present import present
from proletarian.sql.statements import Statement, Text
from proletarian.sql.transactions import begin

CHECKS = Checks()
promise = CHECKS.promise

TWO = {"send": Rule(2)}
ORDERED = {"send": Rule(1, is_ordered=True)}


def numbered(lane: str, count: int) -> list[NewJob]:
    """Jobs of one lane, with the numbers 0, 1, … as job types."""
    return [NewJob(str(n), lane=lane, process_at=NOON + timedelta(seconds=n)) for n in range(count)]


@promise()
def a_job_with_a_lane_is_none_of_a_plain_claim(trial: Trial) -> None:
    trial.put(NewJob("plain"), NewJob("limited", lane="send:1"))
    worker = trial.worker()

    assert types(worker.claim(10)) == ["plain"]
    assert types(worker.claim_lanes(TWO)) == ["limited"]
    assert trial.counts() == (0, 2, 0)


@promise()
def a_lane_gives_as_many_as_its_limit(trial: Trial) -> None:
    trial.put(*[NewJob("greet", lane=f"send:{account}") for account in (1, 2) for _ in range(5)])
    worker, colleague = trial.worker(), trial.worker()
    runs = worker.claim_lanes(TWO)

    assert sorted(run.lane for run in runs) == ["send:1", "send:1", "send:2", "send:2"]
    assert colleague.claim_lanes(TWO) == []
    assert colleague.look(TWO).free == []
    assert colleague.take({"send:1": 5, "send:2": 5}, TWO).rows == [], "a look is a hint, the claim counts again"
    assert worker.succeed(runs[0]) == {runs[0].run_id}
    assert [run.lane for run in colleague.claim_lanes(TWO)] == [runs[0].lane]


@promise()
def a_lane_is_the_same_in_all_queues(trial: Trial) -> None:
    trial.put(NewJob("greet", lane="smtp", queue="mail"), NewJob("greet", lane="smtp"))
    rules = {"smtp": Rule(1)}
    worker = trial.worker()

    assert len(worker.claim_lanes(rules)) == 1
    assert worker.connection.run(present(worker.dialect, ["default", "mail", "other"])) == {"mail"}
    assert worker.look(rules).free == []


@promise()
def what_is_given_back_or_recovered_makes_room(trial: Trial) -> None:
    trial.put(*[NewJob("greet", lane="send:1") for _ in range(4)])
    worker, colleague = trial.worker(), trial.worker()
    first, second = worker.claim_lanes(TWO)
    worker.acknowledge((first, Outcome("job.released", None)))
    assert len(colleague.claim_lanes(TWO)) == 1

    done = trial.recover(worker)
    assert [row.run_id for _, row, _ in done.runs] == [second.run_id]
    assert len(colleague.claim_lanes(TWO)) == 1
    assert trial.counts() == (2, 2, 0)


@promise()
def a_worker_that_was_declared_dead_gets_nothing(trial: Trial) -> None:
    trial.put(NewJob("greet", lane="send:1"))
    worker = trial.worker()
    seen = worker.look(TWO)
    trial.recover(worker)

    assert seen.free == ["send:1"]
    assert worker.take({"send:1": 1}, TWO).rows == []


@promise()
def lanes_take_turns_and_a_full_one_hides_nothing(trial: Trial) -> None:
    trial.put(*[NewJob("greet", lane="send:big") for _ in range(300)], NewJob("greet", lane="send:small"))
    trial.put(NewJob("greet", lane="other:1"), NewJob("greet", lane="other:2"), NewJob("greet", lane="zoo"))
    rules = {**TWO, "zoo": Rule(1)}
    worker = trial.worker()
    assert worker.look(rules, most=1).free == ["send:big"]
    assert worker.look(rules, cursor="send:big", most=1).free == ["send:small"]
    assert worker.look(rules).unknown == {"other"}
    worker.take({"send:big": 2}, rules)
    seen = worker.look(rules)

    assert (sorted(seen.free), seen.cursor) == (["send:small", "zoo"], "")


@promise()
def a_lane_is_claimed_by_priority_and_time(trial: Trial) -> None:
    clocked = trial.with_queue(clock=lambda: NOON)
    for name, priority, minute in (("c", 0, 1), ("d", 0, 2), ("e", -5, 0), ("b", 9, 4), ("a", 9, 3), ("later", 30, 90)):
        clocked.put(NewJob(name, lane="send:1", priority=priority, process_at=NOON + timedelta(minutes=minute)))
    rules = {"send": Rule(10)}
    worker = clocked.worker()

    assert types(worker.claim_lanes(rules, 4, now=NOON + HOUR)) == ["a", "b", "c", "d"]
    assert types(worker.claim_lanes(rules, 4, now=NOON + HOUR)) == ["e"]
    assert 1790 < worker.look(rules, now=NOON + HOUR).waits["send:1"] < 1810


@promise()
def an_ordered_lane_waits_for_a_job_that_is_tried_again(trial: Trial) -> None:
    clocked = trial.with_queue(clock=lambda: NOON)
    clocked.put(*numbered("send:1", 3))
    worker = clocked.worker()
    later = NOON + timedelta(minutes=1)
    [first] = worker.claim_lanes(ORDERED, now=later)
    worker.retry(first, delay=60, keeps_place=True, now=later)

    assert worker.claim_lanes(ORDERED, now=later) == []
    taken = worker.take({"send:1": 1}, ORDERED, now=later + timedelta(seconds=59))
    assert taken.rows == []
    [again] = worker.claim_lanes(ORDERED, now=later + timedelta(seconds=60))
    assert (again.job_id, again.attempts, again.process_at) == (first.job_id, 1, first.process_at)
    worker.succeed(again)
    assert types(worker.claim_lanes(ORDERED, now=later + timedelta(seconds=60))) == ["1"]


@promise("skips_locked")
def an_ordered_lane_does_not_pass_by_a_job_that_somebody_has_locked(trial: Trial) -> None:
    first, _ = trial.put(*numbered("send:1", 2))
    worker, other = trial.worker(), trial.worker()
    other.connection.run(begin(other.dialect))
    stored = trial.dialect.stored_id(trial.queue.job_ids.encode(first))
    other.connection.execute(
        Statement(
            Text(f"UPDATE {trial.table('job')} SET attempts = attempts WHERE job_id = :job_id"), {"job_id": stored}
        )
    )
    assert worker.claim_lanes(ORDERED) == []
    other.connection.execute(Statement(Text("ROLLBACK")))

    assert types(worker.claim_lanes(ORDERED)) == ["0"]


@promise()
def a_rate_lets_a_burst_go_and_then_one_after_the_other(trial: Trial) -> None:
    clocked = trial.with_queue(clock=lambda: NOON)
    clocked.put(*[NewJob("greet", lane="send:1") for _ in range(20)])
    rules = {"send": Rule(every=10.0, burst=3)}
    worker = clocked.worker()
    brought = []
    for second in range(0, 61, 5):
        now = NOON + timedelta(seconds=second)
        brought.append(len(worker.claim_lanes(rules, now=now)))
        seen = worker.look(rules, now=now)
        assert seen.free == []
        assert 4 < seen.waits["send:1"] < 11, "until the next start"

    assert brought == [3, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]
    assert len(worker.claim_lanes(rules, now=NOON + HOUR)) == 3, "no more is saved up than a burst"


@promise()
def both_a_rate_and_a_number_hold(trial: Trial) -> None:
    clocked = trial.with_queue(clock=lambda: NOON)
    clocked.put(*[NewJob("greet", lane="send:1") for _ in range(20)])
    rules = {"send": Rule(2, every=10.0, burst=5)}
    worker = clocked.worker()
    runs = worker.claim_lanes(rules, now=NOON)

    assert len(runs) == 2
    assert worker.claim_lanes(rules, now=NOON + HOUR) == []
    worker.succeed(*runs)
    assert len(worker.claim_lanes(rules, now=NOON)) == 2
