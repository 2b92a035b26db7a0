"""When a job is due: `process_at`, `process_in`, the clock, and time zones that must not matter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from proletarian.conformance.check import Checks
from proletarian.conformance.trial import Trial
from proletarian.job import NewJob

CHECKS = Checks()
promise = CHECKS.promise

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
HOUR = timedelta(hours=1)


def times(trial: Trial, **options: Any) -> list[tuple[datetime, datetime]]:
    """(enqueued_at, process_at) of a job enqueued alone, and of one enqueued with `enqueue_many`."""
    application = trial.application()
    job_ids = [application.enqueue(**options), *application.enqueue_many([NewJob("greet", **options)])]
    application.commit()
    return [trial.find(job_id, "enqueued_at", "process_at")[1:] for job_id in job_ids]


@promise()
def the_time_comes_from_the_database(trial: Trial) -> None:
    before = trial.time() - timedelta(seconds=0.001)  # a clock of milliseconds may round up
    found = times(trial)
    after = trial.time() + timedelta(seconds=0.001)

    for enqueued_at, process_at in found:
        assert before <= enqueued_at <= after
        assert process_at == enqueued_at


@promise("own_microseconds")
def the_time_has_microseconds(trial: Trial) -> None:
    found = [moment for _ in range(5) for pair in times(trial) for moment in pair]

    assert any(moment.microsecond % 1000 for moment in found)


@promise()
def a_clock_of_the_queue_is_obeyed(trial: Trial) -> None:
    found = times(trial.with_queue(clock=lambda: NOON))

    assert found == [(NOON, NOON)] * 2


@promise()
def process_at_keeps_its_microseconds(trial: Trial) -> None:
    clocked = trial.with_queue(clock=lambda: NOON)
    for microsecond in (0, 1, 999_999):
        moment = (NOON + HOUR).replace(microsecond=microsecond)

        assert [process_at for _, process_at in times(clocked, process_at=moment)] == [moment] * 2


@promise()
def process_at_may_be_in_any_time_zone(trial: Trial) -> None:
    moment = (NOON + HOUR).astimezone(timezone(timedelta(hours=5, minutes=45)))
    found = times(trial.with_queue(clock=lambda: NOON), process_at=moment)

    assert [process_at for _, process_at in found] == [NOON + HOUR] * 2


@promise()
def process_at_in_the_past_means_now(trial: Trial) -> None:
    found = times(trial.with_queue(clock=lambda: NOON), process_at=NOON - HOUR)

    assert [process_at for _, process_at in found] == [NOON] * 2


@promise()
def process_in_counts_from_now(trial: Trial) -> None:
    clocked = trial.with_queue(clock=lambda: NOON)
    for delay in (3600, 3600.0, HOUR):
        for _, process_at in times(clocked, process_in=delay):
            # A database whose clock counts in milliseconds may round to them.
            assert abs(process_at - NOON - HOUR) <= timedelta(milliseconds=1)


@promise()
def a_negative_process_in_means_now(trial: Trial) -> None:
    found = times(trial.with_queue(clock=lambda: NOON), process_in=-3600)

    assert [process_at for _, process_at in found] == [NOON] * 2


@promise()
def process_at_wins_over_process_in(trial: Trial) -> None:
    found = times(trial.with_queue(clock=lambda: NOON), process_at=NOON + HOUR, process_in=60)

    assert [process_at for _, process_at in found] == [NOON + HOUR] * 2


@promise()
def a_job_far_ahead_is_kept(trial: Trial) -> None:
    moment = datetime(9999, 1, 1, tzinfo=UTC)
    found = times(trial, process_at=moment)

    assert [process_at for _, process_at in found] == [moment] * 2


@promise()
def the_time_zone_of_a_session_does_not_matter(trial: Trial) -> None:
    if trial.subject.other_time_zone is None:
        return
    moment = trial.time().replace(microsecond=654_321) + HOUR
    application = trial.application()
    application.execute(trial.subject.other_time_zone)
    now = application.enqueue("now")
    later = application.enqueue("later", process_at=moment)
    [many] = application.enqueue_many([NewJob("many", process_at=moment)])
    application.commit()

    assert abs(trial.find(now, "process_at")[1] - trial.time()) < timedelta(minutes=1)
    assert trial.find(later, "process_at")[1] == moment
    assert trial.find(many, "process_at")[1] == moment
