"""The overview, in the caller's transaction: what queues hold, who works, what ended when, what fails."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from proletarian.conformance.check import Checks
from proletarian.conformance.member import Member
from proletarian.conformance.trial import Trial, refused
from proletarian.errors import ConfigurationError, FilterError
from proletarian.job import NewJob
from proletarian.kept_errors import with_error
from proletarian.outcomes import Outcome
from proletarian.sql.pausing import pause
from proletarian.sql.rows import dump

CHECKS = Checks()
promise = CHECKS.promise


def serving(trial: Trial, queues: str, **options: Any) -> Member:
    """A worker whose row says that it serves these queues."""
    member = trial.worker(**options)
    said = {"queues": queues, "job_types": dump(["grüße", "send"]), "worker_id": member.worker_id}
    trial.say(
        f"UPDATE {trial.table('worker')} SET queues = :queues, job_types = :job_types WHERE worker_id = :worker_id",
        **said,
    )
    return member


def fail(worker: Member, queue: str, error: Exception, now: datetime | None = None) -> None:
    """Make the next job of a queue fail for good."""
    [run] = worker.claim(wants={queue: 1})
    kept = with_error(None, error, attempt=1, worker="host:7", at=datetime(2026, 1, 2, tzinfo=UTC))
    worker.acknowledge((run, Outcome("job.given_up", "failure", 1, errors=kept)), now=now)


@promise()
def each_queue_says_what_it_holds(trial: Trial) -> None:
    trial.put(*[NewJob("send", queue="möbel", priority=place) for place in (-3, 0, 0, 9)])
    trial.put(NewJob("send", queue="möbel", process_in=3600), NewJob("send", queue="later", process_in=60))
    trial.put(NewJob("send", queue="failed"))
    worker = serving(trial, "möbel=2 mail to=3")
    worker.claim(wants={"möbel": 1})
    fail(worker, "failed", ValueError("no"))
    trial.connection.run(pause(trial.dialect, "closed", "holidays, ĳ", "zoë"))
    found = {stats.queue: stats for stats in trial.application().act("queue_stats")}

    assert sorted(found) == ["closed", "failed", "later", "mail to", "möbel"]
    held = found["möbel"]
    assert (held.due, held.scheduled, held.waiting, held.running, held.failed) == (3, 1, 4, 1, 0)
    assert held.due.is_exact
    assert (held.workers, held.slots, held.pause) == (1, 2, None)
    assert held.oldest_due.tzinfo is UTC
    assert 0 <= held.late < 60
    assert (found["failed"].failed, found["failed"].workers) == (1, 0)
    assert (found["later"].scheduled, found["later"].due, found["later"].late) == (1, 0, None)
    assert (found["mail to"].workers, found["mail to"].slots, found["mail to"].waiting) == (1, 3, 0)
    assert (found["closed"].pause.by, found["closed"].pause.reason) == ("zoë", "holidays, ĳ")


@promise()
def counts_end_at_their_limit_and_say_so(trial: Trial) -> None:
    trial.put(*[NewJob("send")] * 20, *[NewJob("send", process_in=60)] * 3)
    [stats] = trial.application().act("queue_stats", most=7)

    assert (stats.due, stats.due.is_exact, str(stats.due)) == (7, False, "7+")
    assert (stats.scheduled, stats.scheduled.is_exact) == (3, True)
    assert not stats.waiting.is_exact


@promise()
def jobs_under_a_limit_are_counted_with_the_others(trial: Trial) -> None:
    trial.put(NewJob("send", queue="both"), NewJob("send", queue="both", priority=2))
    for place in range(3):
        trial.put(*[NewJob("send", queue=queue, lane=f"smtp:{place}", priority=place) for queue in ("both", "mail")])
    trial.put(NewJob("send", queue="both", lane="smtp:2", process_in=60))
    application = trial.application()
    both, mail = application.act("queue_stats")
    few, _ = application.act("queue_stats", most=2)

    assert (both.due, both.scheduled, both.due.is_exact) == (5, 1, True)
    assert (mail.due, mail.scheduled, mail.oldest_due.tzinfo) == (3, 0, UTC)
    assert (few.due < 5, few.due.is_exact) == (True, False)


@promise()
def the_look_belongs_to_the_transaction(trial: Trial) -> None:
    application = trial.application()
    application.enqueue(queue="mine")
    seen = application.act("queue_stats")
    application.act("list_workers")
    application.act("throughput", minutes=1)
    application.act("failure_groups")
    application.roll_back()

    assert [stats.queue for stats in seen] == ["mine"]
    assert trial.count("job") == 0


@promise()
def each_worker_says_what_it_does(trial: Trial) -> None:
    trial.put(*[NewJob("send")] * 3)
    busy, silent = serving(trial, "default=10 möbel=1"), serving(trial, "möbel=1", lost_after=0.001)
    busy.claim(2)
    first, second = trial.application().act("list_workers")

    assert isinstance(first.worker_id, UUID)
    assert (first.queues, first.job_types) == ({"default": 10, "möbel": 1}, ("grüße", "send"))
    assert (first.worker.partition(":")[0], first.is_alive, first.running) == ("contract", True, 2)
    assert 0 <= first.silent < 60
    assert first.started_at <= first.seen_at
    assert first.oldest_run.tzinfo is UTC
    assert (second.is_alive, second.running, second.oldest_run) == (False, 0, None)
    silent.leave()
    assert len(trial.application().act("list_workers")) == 1


@promise()
def each_minute_says_how_many_ended_in_it(trial: Trial) -> None:
    now = trial.time()
    trial.put(*[NewJob("send")] * 6, *[NewJob("send", queue="möbel")] * 2)
    worker = trial.worker()
    good = Outcome("job.succeeded", "success", 1)
    worker.acknowledge(*[(run, good) for run in worker.claim(3)], now=now - timedelta(minutes=3))
    worker.acknowledge(*[(run, good) for run in worker.claim(1)], now=now - timedelta(hours=2))
    fail(worker, "möbel", ValueError("no"), now - timedelta(minutes=3))
    trial.application().act("cancel", "state:waiting queue:nobody")
    application = trial.application()
    minutes = application.act("throughput", minutes=10)
    one_queue = application.act("throughput", minutes=10, queue="möbel")
    few = application.act("throughput", minutes=10, most=2)
    fewer = application.act("throughput", minutes=3, most=1)

    assert len(minutes) == 10
    assert minutes[-1].at <= trial.time() < minutes[-1].at + timedelta(minutes=2)
    [busy] = [minute for minute in minutes if minute.ended]
    assert busy.at <= now - timedelta(minutes=3) < busy.at + timedelta(minutes=1)
    assert (busy.succeeded, busy.failed, busy.cancelled) == (3, 1, 0)
    assert busy.queues == {"default": 3, "möbel": 1}
    assert busy.ended.is_exact
    assert abs(busy.rate - 4 / 60) < 0.001
    assert [minute.ended for minute in one_queue if minute.ended] == [1]
    assert [(minute.ended, minute.ended.is_exact) for minute in few if minute.ended] == [(2, False)]
    assert [minute.ended for minute in fewer if minute.ended] == []


@promise()
def failures_are_grouped_by_type_and_error(trial: Trial) -> None:
    trial.put(*[NewJob("send", queue=queue) for queue in ("mail", "mail", "möbel", "mail")])
    trial.put(NewJob("greet", queue="greet"))
    worker, now = trial.worker(), trial.time()
    for back, queue, error in (
        (3, "mail", TimeoutError("30 s")),
        (2, "möbel", TimeoutError("it said „no“")),
        (5, "mail", ValueError("no")),
        (4, "mail", TimeoutError("31 s")),
        (1, "greet", TimeoutError("32 s")),
    ):
        fail(worker, queue, error, now - timedelta(minutes=back))
    application = trial.application()
    groups = application.act("failure_groups")

    assert [(group.job_type, group.error, group.count) for group in groups] == [
        ("send", "TimeoutError", 3),
        ("greet", "TimeoutError", 1),
        ("send", "ValueError", 1),
    ]
    largest = groups[0]
    assert (largest.message, largest.queues, largest.count.is_exact) == ("it said „no“", ["mail", "möbel"], True)
    assert largest.last_at - largest.first_at == timedelta(minutes=2)
    assert application.act("count_jobs", largest.filter) == 3
    assert application.act("retry", largest.filter) == 3
    assert [group.count for group in application.act("failure_groups", "queue:mail")] == [1]
    assert sum(group.count for group in application.act("failure_groups", most=1)) == 1
    assert not application.act("failure_groups", most=1)[0].count.is_exact


@promise()
def failures_at_two_lines_are_two_groups(trial: Trial) -> None:
    def raised(message: str) -> ValueError:
        try:
            if message == "first":
                raise ValueError(message)
            raise ValueError(message)
        except ValueError as error:
            return error

    trial.put(*[NewJob("send", queue=queue) for queue in ("a", "b", "c")])
    worker = trial.worker()
    for queue, message in (("a", "first"), ("b", "second"), ("c", "second")):
        fail(worker, queue, raised(message))
    application = trial.application()
    many, one = application.act("failure_groups")

    assert [(group.message, group.count) for group in (many, one)] == [("second", 2), ("first", 1)]
    assert many.where != one.where
    assert many.where.endswith(" in raised")
    assert application.act("count_jobs", many.filter) == 2
    assert application.act("retry", str(one.filter)) == 1
    assert [group.where for group in application.act("failure_groups")] == [many.where]


@promise()
def what_cannot_be_looked_at_is_refused(trial: Trial) -> None:
    application = trial.application()

    assert "most" in refused(ConfigurationError, lambda: application.act("queue_stats", most=0))
    assert "minutes" in refused(ConfigurationError, lambda: application.act("throughput", minutes=0))
    assert "succeeded" in refused(FilterError, lambda: application.act("failure_groups", "state:succeeded"))
