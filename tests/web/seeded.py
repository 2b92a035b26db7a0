"""A database with jobs of all kinds, and the tasks whose they are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from proletarian import Cancel, JobFilter, Retry, Tasks, Worker, cancel, pause
from tests.databases import PrivateDatabase

tasks = Tasks(retry=Retry(0))


class CardDeclined(Exception):
    """What a bank says."""


@tasks.task(queue="billing")
def charge(order: int, token: str = "") -> None:
    """Every third card is declined."""
    if order % 3 == 0:
        raise CardDeclined(f"order {order}: insufficient funds <b>&</b>")


@tasks.task(queue="mail", keep_result=True)
def welcome(user: int) -> dict[str, Any]:
    """It works."""
    return {"user": user, "password": "hunter2"}


@tasks.task(queue="mail")
def remind(user: int) -> None:
    """It is pointless."""
    raise Cancel("the account is gone")


tasks.schedule("0 6 1 * *", welcome.job(user=1), name="monthly report", tz="Europe/Berlin")
tasks.schedule(timedelta(minutes=5), welcome.job(user=2), name="sync")


def seed(database: PrivateDatabase) -> None:
    """Jobs that succeeded, failed, were cancelled; some that wait, one in a paused queue."""
    with database.connection() as connection:
        for number in range(6):
            charge.enqueue(connection, order=number, token="s3cret")
        for number in range(3):
            welcome.enqueue(connection, user=number)
        remind.enqueue(connection, user=9)
        connection.commit()
    Worker(database.url, tasks).drain()
    with database.connection() as connection:
        welcome.using(process_in=3600).enqueue(connection, user=1)
        charge.using(queue="images").enqueue(connection, order=7)
        charge.using(process_in=60, headers={"tags": "vip"}).enqueue(connection, order=8)
        tasks.set_schedule(
            connection, "0 7 * * 1-5", charge.job(order=3, token="s3cret"), name="digest", tz="Europe/Warsaw"
        )
        pause(connection, "images", reason="the disk is full", by="ann")
        connection.commit()


def states(database: PrivateDatabase) -> dict[str, int]:
    """How many jobs are where."""
    return {
        "waiting": database.count("job"),
        **{f"{status}": count for status, count in database.rows(
            f"SELECT status, count(*) FROM {database.table('archived_job')} GROUP BY status")},
    }  # fmt: skip


def clear(database: PrivateDatabase) -> None:
    """Nothing waits any more."""
    with database.connection() as connection:
        cancel(connection, JobFilter(state=("scheduled", "waiting")))
        connection.commit()
