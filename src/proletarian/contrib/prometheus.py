"""
Metrics for Prometheus: what a worker does, and what the whole fleet has to do.

    from prometheus_client import REGISTRY, start_http_server
    from proletarian.contrib.prometheus import FleetCollector, counted

    worker = Worker(url, tasks, log=counted(to_logging))
    REGISTRY.register(FleetCollector(url))     # in one process only: it looks at the database
    start_http_server(9000)

Counters and histograms are those of this process; with several processes per host, set `PROMETHEUS_MULTIPROC_DIR`, as
prometheus_client documents. The gauges of the fleet are read from the database when Prometheus asks, in bounded looks.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric

from proletarian import __version__
from proletarian.connections.database import Database, first_line
from proletarian.events import Log, is_wanted, silent
from proletarian.job import DEFAULT_QUEUE, NewJob
from proletarian.looking.surveying import list_workers, queue_stats
from proletarian.queue import Queue
from proletarian.tasks import Tasks
from proletarian.untraced import untraced

_logger = logging.getLogger("proletarian.metrics")

MOST = 100_000  # counting stops here
FRESH = 1.0  # seconds for which the previous look at the database is used again
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)

# How a run can end, by the event that reports it.
OUTCOMES = {
    "job.succeeded": "succeeded",
    "job.retrying": "retried",
    "job.given_up": "failed",
    "job.cancelled": "cancelled",
    "job.snoozed": "snoozed",
    "job.released": "released",
}


def counted(log: Log = silent, registry: CollectorRegistry = REGISTRY) -> Log:
    """
    A log that counts events and passes them on: for `Worker(log=…)` or `Tasks(log=…)`.

    Call it once per registry. Metrics: `proletarian_jobs_finished_total{queue,job,outcome}`,
    `proletarian_job_duration_seconds{queue,job}`, `proletarian_job_wait_seconds{queue}`,
    `proletarian_jobs_rescued_total`, `proletarian_fence_lost_total{queue}`, `proletarian_build_info`.

    >>> log = counted(registry=CollectorRegistry())
    >>> log("job.succeeded", {"queue": "mail", "job_type": "send", "ran": 0.2})
    """
    finished = Counter("proletarian_jobs_finished", "Runs that ended", ["queue", "job", "outcome"], registry=registry)
    duration = Histogram(
        "proletarian_job_duration_seconds", "How long runs took", ["queue", "job"], buckets=BUCKETS, registry=registry
    )
    wait = Histogram(
        "proletarian_job_wait_seconds", "From when a job was due until its run began", ["queue"], buckets=BUCKETS,
        registry=registry,
    )  # fmt: skip
    rescued = Counter("proletarian_jobs_rescued", "Runs taken back from dead workers", registry=registry)
    refused = Counter(
        "proletarian_fence_lost", "Outcomes refused, because the job had been taken back", ["queue"], registry=registry
    )
    build = Gauge(
        "proletarian_build_info", "The version that runs", ["version"], registry=registry, multiprocess_mode="max"
    )
    build.labels(__version__).set(1)

    def count(event: str, data: dict[str, Any]) -> None:
        if event in OUTCOMES:
            finished.labels(data["queue"], data["job_type"], OUTCOMES[event]).inc()
        if event in ("job.succeeded", "job.failed") and "ran" in data:
            duration.labels(data["queue"], data["job_type"]).observe(data["ran"])
        elif event == "job.started" and "waited" in data:
            wait.labels(data["queue"]).observe(max(0.0, data["waited"]))
        elif event == "jobs.recovered":
            rescued.inc(data["count"])
        elif event == "job.lease_lost":
            refused.labels(data["queue"]).inc()
        if is_wanted(log, event):
            log(event, data)

    return count


def count_enqueues(tasks: Tasks, registry: CollectorRegistry = REGISTRY) -> None:
    """
    Count the jobs enqueued through these tasks: `proletarian_jobs_enqueued_total{queue,job}`, committed or not.

    >>> tasks = Tasks()
    >>> count_enqueues(tasks, CollectorRegistry())
    """
    enqueued = Counter("proletarian_jobs_enqueued", "Jobs that were enqueued", ["queue", "job"], registry=registry)

    def around(connection: Any, jobs: Sequence[NewJob]) -> Generator[Any, Any, Any]:
        yield jobs
        for job in jobs:
            enqueued.labels(job.queue or DEFAULT_QUEUE, job.job_type).inc()

    tasks.around_enqueue(around)


class FleetCollector:
    """
    Metrics from the database, for one process that Prometheus scrapes: depth and lateness of each queue, and workers.

    `database` is what a `Worker` takes, `queue` is the `Queue` value of your tasks. Each scrape opens a connection and
    runs a few bounded statements, which are cancelled after `at_most` seconds; a scrape within a second of the last
    one gets the same answer. If the database does not answer, `proletarian_up` is 0, a warning says why, and the other
    metrics are missing.

    Gauges: `proletarian_queue_jobs{queue,state}` (up to 100,000), `proletarian_queue_oldest_seconds{queue}` (the one
    to alert on), `proletarian_queue_paused{queue}`, `proletarian_workers{state}`, `proletarian_worker_slots{queue}`.

    >>> FleetCollector("sqlite:///jobs.db")
    <FleetCollector sqlite:///jobs.db>
    """

    def __init__(self, database: Any, queue: Queue | None = None, *, at_most: float = 5.0) -> None:
        self._database = Database(database, queue)
        self._at_most = at_most
        self._lock = threading.Lock()
        self._found: list[Metric] = []
        self._found_at = float("-inf")

    def __repr__(self) -> str:
        return f"<FleetCollector {str(self._database).partition(' ')[2].rstrip('>')}>"

    def describe(self) -> Iterator[Metric]:
        """Nothing, so that registering it does not query the database."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now."""
        with self._lock:
            if time.monotonic() - self._found_at >= FRESH:
                self._found = self._look()
                self._found_at = time.monotonic()
            return iter(self._found)

    def _look(self) -> list[Metric]:
        up = GaugeMetricFamily("proletarian_up", "Whether the database answered")
        try:
            with untraced(), closing(self._database.connect()) as connection:
                connection.end_after(self._at_most)
                queue, kind = self._database.queue, self._database.kind
                stats = connection.run(queue_stats(queue, kind, most=MOST, free=connection.free))
                workers = connection.run(list_workers(queue, kind, free=connection.free))
        except Exception as error:  # noqa: BLE001 (whatever it is, a scrape must have an answer)
            _logger.warning("no metrics of the fleet: %s", first_line(self._database.explained(error)))
            up.add_metric([], 0)
            return [up]
        up.add_metric([], 1)
        jobs = GaugeMetricFamily("proletarian_queue_jobs", "Jobs of a queue", labels=["queue", "state"])
        oldest = GaugeMetricFamily(
            "proletarian_queue_oldest_seconds", "For how long the oldest due job has been waiting", labels=["queue"]
        )
        paused = GaugeMetricFamily("proletarian_queue_paused", "Whether it is paused", labels=["queue"])
        slots = GaugeMetricFamily("proletarian_worker_slots", "Slots of all live workers", labels=["queue"])
        for one in stats:
            counts = {"waiting": one.due, "scheduled": one.scheduled, "running": one.running, "failed": one.failed}
            for state, count in counts.items():
                jobs.add_metric([one.queue, state], int(count))
            oldest.add_metric([one.queue], one.late or 0.0)
            paused.add_metric([one.queue], one.pause is not None)
            slots.add_metric([one.queue], one.slots)
        fleet = GaugeMetricFamily("proletarian_workers", "Workers", labels=["state"])
        alive = sum(worker.is_alive for worker in workers)
        fleet.add_metric(["alive"], alive)
        fleet.add_metric(["dead"], len(workers) - alive)
        return [up, jobs, oldest, paused, slots, fleet]
