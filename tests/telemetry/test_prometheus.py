"""Metrics as Prometheus reads them, from a real worker and from real databases."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from proletarian import NewJob, Retry, Tasks, Worker, pause
from proletarian.contrib.prometheus import FleetCollector, count_enqueues, counted
from tests.databases import PrivateDatabase
from tests.worker.recorder import Recorder


def test_what_a_worker_does_is_counted(sqlite: PrivateDatabase, recorder: Recorder) -> None:
    registry = CollectorRegistry()
    tasks = Tasks()
    count_enqueues(tasks, registry)

    @tasks.task(name="greet", queue="mail")
    def greet() -> None: ...

    @tasks.task(name="fail", retry=Retry(1, delays=[0]))
    def fail() -> None:
        raise TimeoutError

    with sqlite.connection() as connection:
        greet.enqueue(connection)
        fail.enqueue(connection)
        connection.commit()
    Worker(sqlite.url, tasks, log=counted(recorder, registry)).drain()

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    assert value("proletarian_jobs_enqueued_total", queue="mail", job="greet") == 1
    assert value("proletarian_jobs_finished_total", queue="mail", job="greet", outcome="succeeded") == 1
    assert value("proletarian_jobs_finished_total", queue="default", job="fail", outcome="retried") == 1
    assert value("proletarian_jobs_finished_total", queue="default", job="fail", outcome="failed") == 1
    assert value("proletarian_job_duration_seconds_count", queue="default", job="fail") == 2
    assert value("proletarian_job_wait_seconds_count", queue="mail") == 1
    assert "job.succeeded" in recorder.names(), "the events are handed on"
    assert b"job_id" not in generate_latest(registry)


def test_the_fleet_is_looked_at_when_prometheus_asks(database: PrivateDatabase, recorder: Recorder) -> None:
    registry = CollectorRegistry()
    registry.register(FleetCollector(database.url))
    database.put(NewJob("greet", queue="mail"), NewJob("greet", queue="mail", process_in=3600))
    with database.connection() as connection:
        pause(connection, "mail")
        connection.commit()
    with Worker(database.url, lambda job: None, queues={"mail": 3}, log=recorder):
        recorder.wait_for("worker.liveness")
        found = {
            (sample.name, *sample.labels.values()): sample.value
            for metric in registry.collect()
            for sample in metric.samples
        }

    assert found["proletarian_up",] == 1
    assert found["proletarian_queue_jobs", "mail", "waiting"] == 1
    assert found["proletarian_queue_jobs", "mail", "scheduled"] == 1
    assert found["proletarian_queue_oldest_seconds", "mail"] >= 0
    assert found["proletarian_queue_paused", "mail"] == 1
    assert found["proletarian_worker_slots", "mail"] == 3
    assert found["proletarian_workers", "alive"] == 1


@pytest.mark.parametrize(
    "url", ["postgresql://nobody:secret@127.0.0.1:1/none", "mysql://nobody:secret@127.0.0.1:1/none"]
)
def test_a_database_that_is_away_is_an_answer_too(url: str) -> None:
    registry = CollectorRegistry()
    registry.register(FleetCollector(url))

    assert registry.get_sample_value("proletarian_up") == 0
    assert registry.get_sample_value("proletarian_workers", {"state": "alive"}) is None
