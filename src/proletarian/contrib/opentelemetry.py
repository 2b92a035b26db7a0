"""
OpenTelemetry traces across enqueues and runs, following its conventions for messaging.

    from proletarian.contrib.opentelemetry import instrument

    instrument(tasks)

The enqueue is a `send` span; its context travels in the job's headers, in W3C format, and each run is a `process`
span: a child of the enqueue if the job runs at once, linked to it if it runs later, because a trace that is open for
days helps nobody.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from inspect import isawaitable
from typing import Any, Literal, TypeVar

import msgspec
from opentelemetry import metrics, propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode

from proletarian import __version__
from proletarian.errors import ConfigurationError
from proletarian.job import DEFAULT_QUEUE, Job, NewJob
from proletarian.outcomes import Cancel, RetryAfter, Signal, Snooze
from proletarian.tasks import Tasks

SYSTEM = "proletarian"
MOST_SPANS = 100  # up to this many jobs of one call have a span each; more share one context
AT_ONCE = timedelta(seconds=1)  # a job that is due within this time of its enqueue belongs to the same trace

T = TypeVar("T")
Parent = Literal["immediate", "always", "never"]


def instrument(
    tasks: Tasks,
    *,
    parent: Parent = "immediate",
    span_name: Callable[[str, str, str], str] = lambda operation, queue, job_type: f"{operation} {queue}",
    tracer_provider: trace.TracerProvider | None = None,
    meter_provider: metrics.MeterProvider | None = None,
) -> None:
    """
    Trace the enqueues and the runs of these tasks, and count and time them. Call it before the first enqueue.

    Another call replaces the options; nothing is traced twice, even if several `Tasks` share a `Queue`.

    `parent` says which runs are children of their enqueue instead of linked to it: those that are due at once
    (`"immediate"`), all (`"always"`) or none (`"never"`). `span_name(operation, queue, job_type)` names the spans,
    `send mail` and `process mail` by default. The providers are the global ones unless they are passed.

    Raises `ConfigurationError` for any other `parent`.

    >>> tasks = Tasks()
    >>> instrument(tasks, span_name=lambda operation, queue, job_type: f"{operation} {job_type}")
    """
    if parent not in ("immediate", "always", "never"):
        raise ConfigurationError(f"parent is 'immediate', 'always' or 'never', not {parent!r}")
    tracer = trace.get_tracer(SYSTEM, __version__, tracer_provider)
    instruments = Instruments(tracer, metrics.get_meter(SYSTEM, __version__, meter_provider), span_name, parent)
    if sending := there_is(Sending, tasks.queue.around):
        sending.instruments = instruments
    else:
        tasks.around_enqueue(Sending(instruments).around)
    if processing := there_is(Processing, tasks._middleware):
        processing.instruments = instruments
    else:
        tasks.use(Processing(instruments).run)


def there_is(kind: type[T], functions: Iterable[Any]) -> T | None:
    """Our own function among those that run around enqueues or handlers."""
    owners = (getattr(function, "__self__", None) for function in functions)
    return next((owner for owner in owners if isinstance(owner, kind)), None)


class Instruments:
    """What spans and metrics are made with."""

    def __init__(
        self, tracer: trace.Tracer, meter: metrics.Meter, name: Callable[[str, str, str], str], parent: Parent
    ) -> None:
        self.tracer, self.name, self.parent = tracer, name, parent
        self.sent = meter.create_counter(
            "messaging.client.sent.messages", "{message}", "Jobs that were enqueued, committed or not"
        )
        self.consumed = meter.create_counter(
            "messaging.client.consumed.messages", "{message}", "Runs of jobs that were begun"
        )
        self.duration = meter.create_histogram("messaging.process.duration", "s", "How long runs of jobs took")
        self.waited = meter.create_histogram(
            "proletarian.job.wait.duration", "s", "From when a job was due until its run began"
        )


class Sending:
    """Spans around enqueues."""

    def __init__(self, instruments: Instruments) -> None:
        self.instruments = instruments

    def around(self, connection: Any, jobs: Sequence[NewJob]) -> Generator[Any, Any, Any]:
        """One span per call; if a call has several jobs, but not too many, also one per job, which identifies it."""
        queues = {job.queue or DEFAULT_QUEUE for job in jobs}
        queue = queues.pop() if len(queues) == 1 else "several queues"
        job_type = jobs[0].job_type
        single = len(jobs) == 1
        attributes = {**destination(queue, "send"), "messaging.batch.message_count": len(jobs)}
        if single:
            attributes = {**destination(queue, "send"), "proletarian.job.name": job_type}
        kind = SpanKind.PRODUCER if single or len(jobs) > MOST_SPANS else SpanKind.CLIENT
        name = self.instruments.name("send", queue, job_type)
        with self.instruments.tracer.start_as_current_span(name, kind=kind, attributes=attributes) as span:
            if single or len(jobs) > MOST_SPANS:
                carrier = injected()
                job_ids = yield [carrying(job, carrier) for job in jobs]
            else:
                job_ids = yield [self._created(job) for job in jobs]
            if single:
                span.set_attribute("messaging.message.id", str(job_ids[0]))
        for job in jobs:
            self.instruments.sent.add(1, destination(job.queue or DEFAULT_QUEUE, "send"))

    def _created(self, job: NewJob) -> NewJob:
        queue = job.queue or DEFAULT_QUEUE
        attributes = {**destination(queue, "create"), "proletarian.job.name": job.job_type}
        name = self.instruments.name("create", queue, job.job_type)
        with self.instruments.tracer.start_as_current_span(name, kind=SpanKind.PRODUCER, attributes=attributes):
            return carrying(job, injected())


class Processing:
    """Spans around runs."""

    def __init__(self, instruments: Instruments) -> None:
        self.instruments = instruments

    def run(self, job: Job, call_next: Callable[[Job], Any]) -> Any:
        """A middleware: runs the handler within a span; a coroutine is awaited in it, wherever that happens."""
        span, started = self._begin(job), time.monotonic()
        try:
            with within(span):
                result = call_next(job)
        except BaseException as error:
            self._end(span, job, started, error)
            raise
        if isawaitable(result):
            return self._awaited(span, job, started, result)
        self._end(span, job, started, None)
        return result

    async def _awaited(self, span: Span, job: Job, started: float, result: Awaitable[Any]) -> Any:
        try:
            with within(span):
                value = await result
        except BaseException as error:
            self._end(span, job, started, error)
            raise
        self._end(span, job, started, None)
        return value

    def _begin(self, job: Job) -> Span:
        sent = propagate.extract(job.headers)
        is_child = self._is_child(job)
        enqueue = trace.get_current_span(sent).get_span_context()
        counted = destination(job.queue, "process") | {"proletarian.job.name": job.job_type}
        self.instruments.consumed.add(1, counted)
        if job.process_at is not None:
            waited = (datetime.now(UTC) - job.process_at).total_seconds()
            self.instruments.waited.record(max(0.0, waited), counted)
        return self.instruments.tracer.start_span(
            self.instruments.name("process", job.queue, job.job_type),
            context=sent if is_child else Context(),
            kind=SpanKind.CONSUMER,
            attributes=counted
            | {
                "messaging.message.id": str(job.job_id),
                "proletarian.job.attempt": job.attempts,
                "proletarian.job.priority": job.priority,
            },
            links=[] if is_child or not enqueue.is_valid else [Link(enqueue)],
        )

    def _end(self, span: Span, job: Job, started: float, error: BaseException | None) -> None:
        note(span, error)
        span.end()
        counted = destination(job.queue, "process") | {"proletarian.job.name": job.job_type}
        self.instruments.duration.record(time.monotonic() - started, counted)

    def _is_child(self, job: Job) -> bool:
        if self.instruments.parent != "immediate":
            return self.instruments.parent == "always"
        if job.attempts > 1 or job.enqueued_at is None or job.process_at is None or job.tick is not None:
            return False
        return job.process_at - job.enqueued_at < AT_ONCE


def within(span: Span) -> AbstractContextManager[Any]:
    """Make the span the current one; how it ended is recorded elsewhere."""
    return trace.use_span(span, end_on_exit=False, record_exception=False, set_status_on_exception=False)


def note(span: Span, error: BaseException | None) -> None:
    """Record how a run ended; what a handler asks for by raising is not an error."""
    outcome = "succeeded"
    if isinstance(error, (Snooze, Cancel)):
        outcome = "snoozed" if isinstance(error, Snooze) else "cancelled"
    elif error is not None:
        outcome = "failed"
        span.set_attribute("error.type", type(error).__qualname__)
        if not isinstance(error, Signal) or isinstance(error, RetryAfter):
            span.record_exception(error)
        span.set_status(Status(StatusCode.ERROR, f"{type(error).__qualname__}: {error}"))
    span.set_attribute("proletarian.job.outcome", outcome)


def destination(queue: str, operation: str) -> dict[str, Any]:
    """The attributes that all our spans have."""
    return {
        "messaging.system": SYSTEM,
        "messaging.destination.name": queue,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
    }


def injected() -> Mapping[str, str]:
    """The current context as headers."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier


def carrying(job: NewJob, carrier: Mapping[str, str]) -> NewJob:
    """The job with these headers added to its own."""
    return msgspec.structs.replace(job, headers={**(job.headers or {}), **carrier}) if carrier else job
