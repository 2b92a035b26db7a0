"""Traces beside the instrumentations of drivers, SQLAlchemy and FastAPI, and without a line of code."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from prometheus_client import CollectorRegistry
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from proletarian import Queue, Tasks, Worker, wait_for
from proletarian.contrib.opentelemetry import instrument
from proletarian.contrib.opentelemetry_instrumentor import ProletarianInstrumentor
from proletarian.contrib.prometheus import FleetCollector
from tests.cli.terminal import terminal
from tests.databases import PrivateDatabase
from tests.telemetry.spans import Spans, is_child
from tests.waiting import wait_until
from tests.worker.recorder import Recorder


@pytest.fixture
def spans() -> Spans:
    """The spans of a test."""
    return Spans()


@pytest.fixture
def driver(spans: Spans) -> Iterator[PsycopgInstrumentor]:
    """Each psycopg connection that is made now is traced."""
    instrumentor = PsycopgInstrumentor()
    instrumentor.instrument(tracer_provider=spans.provider)
    try:
        yield instrumentor
    finally:
        instrumentor.uninstrument()


def test_a_worker_s_own_statements_are_in_no_trace(
    postgresql: PrivateDatabase, recorder: Recorder, spans: Spans, driver: PsycopgInstrumentor
) -> None:
    tasks = Tasks()
    instrument(tasks, tracer_provider=spans.provider)

    @tasks.task(keep_result=True)
    def look() -> int:
        with psycopg.connect(postgresql.url) as connection:
            connection.execute("SELECT 'the handler''s own'")
        return 1

    with psycopg.connect(postgresql.url) as connection:
        job_id = look.enqueue(connection)
    asked = Counter(span.name for span in spans.all)
    registry = CollectorRegistry()
    registry.register(FleetCollector(postgresql.url))
    with Worker(postgresql.url, tasks, poll_interval=0.05, log=recorder) as worker:
        assert wait_for(postgresql.url, job_id, timeout=30) == 1
        turns = worker._engine.pump.turns  # type: ignore[union-attr]
        wait_until(lambda: worker._engine.pump.turns > turns + 10, what="polls")  # type: ignore[union-attr]
        assert registry.get_sample_value("proletarian_up") == 1

    assert asked["send default"] == 1
    assert asked["INSERT"] + asked["WITH"] >= 1, "the enqueue's statement is the application's"
    run, select = spans.named("process default"), spans.named("SELECT")
    assert is_child(select, run)
    assert Counter(span.name for span in spans.all) - asked == Counter({"process default": 1, "SELECT": 1})


def test_a_request_its_statements_its_job_and_what_that_does_are_one_trace(
    sqlite: PrivateDatabase, spans: Spans
) -> None:
    tasks = Tasks()
    instrument(tasks, tracer_provider=spans.provider)
    engine = create_engine(sqlite.url)
    SQLAlchemyInstrumentor().instrument(
        engine=engine,
        tracer_provider=spans.provider,
        skip_dep_check=True,  # it has not heard of SQLAlchemy 2.1 yet
    )
    app = FastAPI()

    @tasks.task(queue="mail")
    def welcome() -> None:
        with Session(engine) as session:
            session.execute(text("SELECT 'the handler''s own'"))

    @app.post("/accounts")
    def sign_up() -> str:
        with Session(engine) as session, session.begin():
            return str(welcome.enqueue(session))

    FastAPIInstrumentor.instrument_app(app, tracer_provider=spans.provider, exclude_spans=["receive", "send"])
    try:
        assert asyncio.run(posted(app, "/accounts")) == 200
        Worker(sqlite.url, tasks).drain()
    finally:
        SQLAlchemyInstrumentor().uninstrument()
        engine.dispose()

    request, sent, run = spans.named("POST /accounts"), spans.named("send mail"), spans.named("process mail")
    assert is_child(sent, request)
    assert is_child(run, sent)
    below = {span.parent.span_id for span in spans.all if (span.attributes or {}).get("db.system") and span.parent}
    assert {sent.context.span_id, run.context.span_id} <= below
    assert {span.context.trace_id for span in spans.all} == {request.context.trace_id}


async def posted(app: FastAPI, path: str) -> int:
    """The status of one request."""
    said: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        said.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": [],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    await app(scope, receive, send)
    return int(said[0]["status"])


def test_nothing_is_traced_twice(sqlite: PrivateDatabase, spans: Spans) -> None:
    shared = Queue()
    others = Spans()
    ProletarianInstrumentor().instrument(tracer_provider=others.provider)
    try:
        tasks, more = Tasks(queue=shared), Tasks(queue=shared)
    finally:
        ProletarianInstrumentor().uninstrument()
    plain = Tasks()
    instrument(tasks, tracer_provider=spans.provider, span_name=lambda operation, queue, job_type: operation)

    @tasks.task
    def greet() -> None: ...

    @more.task(queue="more")
    def meet() -> None: ...

    with sqlite.connection() as connection:
        greet.enqueue(connection)
        meet.enqueue(connection)
        connection.commit()
    Worker(sqlite.url, tasks.within(lambda job, call_next: call_next(job), more)).drain()

    assert sorted(span.name for span in spans.all) == ["process", "send", "send"], "as the application says itself"
    assert [span.name for span in others.all] == ["process more"]
    assert not plain._middleware


JOBS = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

from proletarian import Tasks

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
trace.set_tracer_provider(provider)

tasks = Tasks()


@tasks.task
def greet() -> None: ...
"""


@pytest.mark.parametrize("options", ["", "--processes 1", "--queue default=processes:1"])
def test_opentelemetry_instrument_finds_it(tmp_path: Path, sqlite: PrivateDatabase, options: str) -> None:
    (tmp_path / "shop.py").write_text(JOBS)
    with sqlite.connection() as connection:
        Queue().enqueue(connection, "greet")
        connection.commit()
    with terminal(tmp_path, tmp_path, PROLETARIAN_DATABASE=sqlite.url) as shell:
        done = shell.run(f"opentelemetry-instrument proletarian worker shop --drain {options}")

    assert done.code == 0, done.text
    assert done.text.count('"name": "process default"') == 1, done.text
