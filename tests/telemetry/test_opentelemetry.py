"""Traces over enqueues and runs, as an exporter receives them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import aiosqlite
import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from proletarian import Retry, Snooze, Tasks, Worker
from proletarian.contrib.opentelemetry import instrument
from tests.databases import PrivateDatabase


class Traced:
    """Tasks whose spans and metrics are kept."""

    def __init__(self, **options: Any) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.tracer = provider.get_tracer("application")
        self.tasks = Tasks()
        instrument(self.tasks, tracer_provider=provider, meter_provider=MeterProvider([self.reader]), **options)

    def spans(self, operation: str) -> Sequence[ReadableSpan]:
        """The finished spans of one operation, in the order of their ends."""
        return [
            span
            for span in self.exporter.get_finished_spans()
            if (span.attributes or {}).get("messaging.operation.name") == operation
        ]

    def metric(self, name: str) -> float:
        """How much a metric has counted, or how often."""
        data = self.reader.get_metrics_data()
        assert data is not None
        total = 0.0
        for resource in data.resource_metrics:
            for scope in resource.scope_metrics:
                for point in (point for one in scope.metrics if one.name == name for point in one.data.data_points):
                    total += point.value if isinstance(point, NumberDataPoint) else getattr(point, "count", 0)
        return total


def test_a_run_belongs_to_the_trace_of_its_enqueue(database: PrivateDatabase) -> None:
    traced = Traced()
    seen: list[int] = []

    @traced.tasks.task(queue="mail")
    def send(n: int) -> None:
        seen.append(trace.get_current_span().get_span_context().span_id)

    with traced.tracer.start_as_current_span("page") as page, database.connection() as connection:
        job_id = send.enqueue(connection, n=1)
        connection.commit()
    Worker(database.url, traced.tasks).drain()

    [sent] = traced.spans("send")
    [run] = traced.spans("process")
    assert (sent.name, sent.kind, run.name, run.kind) == (
        "send mail", SpanKind.PRODUCER, "process mail", SpanKind.CONSUMER,
    )  # fmt: skip
    assert sent.parent is not None
    assert sent.parent.span_id == page.get_span_context().span_id
    assert run.parent is not None
    assert run.parent.span_id == sent.context.span_id
    assert seen == [run.context.span_id], "the handler's own spans are children of the run's"
    assert run.attributes is not None
    assert dict(run.attributes) == {
        "messaging.system": "proletarian", "messaging.destination.name": "mail", "messaging.operation.name": "process",
        "messaging.operation.type": "process", "messaging.message.id": str(job_id), "proletarian.job.name": send.name,
        "proletarian.job.attempt": 1, "proletarian.job.priority": 0, "proletarian.job.outcome": "succeeded",
    }  # fmt: skip
    assert traced.metric("messaging.client.sent.messages") == 1
    assert traced.metric("messaging.client.consumed.messages") == 1
    assert traced.metric("messaging.process.duration") == 1
    assert traced.metric("proletarian.job.wait.duration") == 1


def test_a_run_that_is_late_on_purpose_is_linked(sqlite: PrivateDatabase) -> None:
    traced = Traced()

    @traced.tasks.task
    def send() -> None: ...

    with sqlite.connection() as connection:
        send.enqueue(connection)
        connection.commit()
    sqlite.rows("UPDATE proletarian_job SET enqueued_at = '2026-01-01 00:00:00.000000'")
    sqlite.rows("UPDATE proletarian_job SET process_at = '2026-01-01 01:00:00.000000'")
    Worker(sqlite.url, traced.tasks).drain()

    [sent] = traced.spans("send")
    [run] = traced.spans("process")
    assert run.parent is None
    assert [link.context.span_id for link in run.links] == [sent.context.span_id]


@pytest.mark.parametrize(("count", "created"), [(3, 3), (101, 0)])
def test_many_at_once(sqlite: PrivateDatabase, count: int, created: int) -> None:
    traced = Traced()

    @traced.tasks.task
    def send(n: int) -> None: ...

    with sqlite.connection() as connection:
        traced.tasks.queue.enqueue_many(connection, [send.job(n=n) for n in range(count)])
        connection.commit()
    Worker(sqlite.url, traced.tasks).drain()

    [sent] = traced.spans("send")
    assert (sent.attributes or {})["messaging.batch.message_count"] == count
    parents = {span.context.span_id for span in traced.spans("create")} or {sent.context.span_id}
    assert len(traced.spans("create")) == created
    assert {run.parent.span_id for run in traced.spans("process") if run.parent} == parents
    assert traced.metric("messaging.client.sent.messages") == count


def test_a_coroutine_runs_within_its_span(sqlite: PrivateDatabase) -> None:
    traced = Traced()
    seen: list[int] = []

    @traced.tasks.task
    async def send() -> None:
        await asyncio.sleep(0)
        seen.append(trace.get_current_span().get_span_context().span_id)

    async def enqueue() -> None:
        async with aiosqlite.connect(sqlite.url.removeprefix("sqlite:///")) as connection:
            await send.aenqueue(connection)
            await connection.commit()

    asyncio.run(enqueue())
    Worker(sqlite.url, traced.tasks).drain()

    [run] = traced.spans("process")
    assert seen == [run.context.span_id]
    assert (run.attributes or {})["proletarian.job.outcome"] == "succeeded"


def test_what_a_handler_raises(sqlite: PrivateDatabase) -> None:
    traced = Traced(parent="always", span_name=lambda operation, queue, job_type: f"{operation} {job_type}")

    @traced.tasks.task(name="fail", retry=Retry(1, delays=[0]))
    def fail() -> None:
        raise TimeoutError("no answer")

    @traced.tasks.task(name="later")
    def later() -> None:
        raise Snooze(3600)

    with sqlite.connection() as connection:
        traced.tasks.queue.enqueue_many(connection, [fail.job(), later.job()])
        connection.commit()
    Worker(sqlite.url, traced.tasks).drain()

    runs = [run for run in traced.spans("process") if "fail" in run.name]
    assert {str((run.attributes or {})["proletarian.job.attempt"]) for run in runs} == {"1", "2"}
    for run in runs:
        assert (run.status.status_code, (run.attributes or {})["error.type"]) == (StatusCode.ERROR, "TimeoutError")
        assert [event.name for event in run.events] == ["exception"]
    [snoozed] = [run for run in traced.spans("process") if "later" in run.name]
    assert snoozed.status.status_code is StatusCode.UNSET
    assert (snoozed.attributes or {})["proletarian.job.outcome"] == "snoozed"
