"""Options that cannot be are refused when the worker is made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from proletarian import ConfigurationError, Tasks, Worker
from proletarian.worker.keeping.membership import Care

URL = "sqlite:///jobs.db"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"queues": {}}, "queues is a mapping"),
        ({"queues": ["mail"]}, "queues is a mapping"),
        ({"queues": {"mail": 0}}, "number of slots, 1 or more"),
        ({"queues": {"mail": True}}, "number of slots, 1 or more"),
        ({"queues": {"mail": "2"}}, "number of slots, 1 or more"),
        ({"queues": {"": 1}}, "queue is a name"),
        ({"queues": {"x" * 192: 1}}, "queue is a name"),
        ({"queue": "mail"}, "queue is a Queue value"),
        ({"heartbeat": 0}, "heartbeat is seconds or a timedelta, more than 0"),
        ({"poll_interval": -1}, "poll_interval is seconds or a timedelta, more than 0"),
        ({"stop_timeout": "10"}, "stop_timeout is seconds or a timedelta, 0 or more"),
        ({"unknown_for": timedelta(seconds=-1)}, "unknown_for is seconds or a timedelta, 0 or more"),
        ({"keep_succeeded": -1}, "keep_succeeded is seconds or a timedelta, 0 or more"),
        ({"keep_failed": float("nan")}, "keep_failed is seconds or a timedelta, 0 or more"),
        ({"heartbeat": 40}, "must be at least twice"),
        ({"retry": 4}, "retry is a Retry"),
    ],
)
def test_the_error_names_the_option(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Worker(URL, print, **options)


def test_times_are_seconds_or_timedeltas() -> None:
    day, minute = timedelta(days=1), timedelta(minutes=1)
    worker = Worker(
        URL, print, poll_interval=timedelta(seconds=2), heartbeat=timedelta(seconds=5), lost_after=minute / 3,
        stop_timeout=minute, unknown_for=timedelta(hours=1), keep_succeeded=day, keep_failed=0,
    )  # fmt: skip

    settings = worker.settings
    assert worker.stop_timeout == 60.0
    assert (settings.poll_interval, settings.unknown_for) == (2.0, 3600.0)
    assert settings.care == Care(5.0, 20.0, 86400.0, 0.0)


def test_a_handler_must_be_callable() -> None:
    with pytest.raises(ConfigurationError, match="a handler is a Tasks or a callable"):
        Worker(URL, "print")  # type: ignore[arg-type]


def test_a_registry_without_tasks_is_a_forgotten_import() -> None:
    with pytest.raises(ConfigurationError, match="is the module that defines them imported"):
        Worker(URL, Tasks())


@pytest.mark.parametrize("url", ["", "jobs.db", "oracle://db/jobs", "redis://db/0"])
def test_a_url_of_no_database_we_know(url: str) -> None:
    with pytest.raises(ConfigurationError, match="begins with one of"):
        Worker(url, print)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="in memory belongs to one connection"):
        Worker(url, print).start()


def test_passwords_stay_out_of_errors() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Worker("oracle://app:secret@db/jobs?password=secret", print)

    assert "secret" not in str(caught.value)
