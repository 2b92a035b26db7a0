"""A day in the life of the shop: orders that keep coming in, and those of yesterday, so that charts are full."""

from __future__ import annotations

import math
import random
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from proletarian.connections.database import Database
from proletarian.demo.connection import connect, placeholder
from proletarian.demo.shop import (
    PAUSED,
    announce,
    ask_supplier,
    bind_catalogue,
    build_report,
    charge_card,
    render_page,
    resize_images,
    send_newsletter,
    send_receipt,
    tasks,
)
from proletarian.flow import Flow
from proletarian.job import NewJob
from proletarian.queue import Queue

PAST = 12_000  # jobs that ended within the last day
PAGES = 4  # of a catalogue
SIZES = [200, 400, 800, 1600, 3200]
EVERY = 4.0  # seconds between orders, about

_dice = random.Random(7)  # noqa: S311 (no secret)


def order(number: int) -> list[NewJob]:
    """The jobs of one order."""
    token = f"tok_{_dice.randrange(16**12):012x}"
    jobs = [
        charge_card.using(headers={"tags": "vip" if number % 8 == 0 else "web"}).job(
            order_id=number, amount=round(_dice.uniform(9, 240), 2), card_token=token
        ),
        send_receipt.job(order_id=number, address=f"customer{number}@example.org"),
    ]
    if number % 5 == 0:
        jobs.append(resize_images.job(product=number, sizes=SIZES))
    return jobs


def catalogue(season: str) -> Flow:
    """Pages, a catalogue that waits for them, and announcements that wait for the catalogue."""
    flow = Flow()
    pages = [flow.add(render_page.job(page=page)) for page in range(1, PAGES + 1)]
    bound = flow.add(bind_catalogue.job(season=season), after=pages)
    for to in ("customers", "press"):
        flow.add(announce.job(season=season, to=to), after=[bound])
    return flow


def yesterday(url: str) -> None:
    """
    Archive a day's worth of jobs that never ran: they end in the rhythm of a shop, and some have failed.

    They are inserted as rows, because running them would take a day.
    """
    queue, database = Queue(), Database(url)
    table = database.dialect.tables.name("archived_job", database.kind)
    now = datetime.now(UTC)
    columns = ("job_id", "queue", "job_type", "payload", "attempts", "enqueued_at", "process_at", "priority", "lost",
               "errors", "status", "started_at", "finished_at", "worker")  # fmt: skip
    mark = placeholder(url)
    rows = []
    for number, back in enumerate(sorted(_moments(), reverse=True)):
        job = order(number * 3)[number % 2]
        row = queue.row(job, database.dialect)
        finished = now - timedelta(seconds=back)
        started = finished - timedelta(seconds=_dice.uniform(0.1, 0.9))
        errors = _error(job, finished) if number % 31 == 0 else None
        times = [_stored(database, moment) for moment in (started - timedelta(seconds=1), started, started, finished)]
        enqueued, due, began, ended = times
        rows.append((
            database.dialect.stored_id(row.job_id), row.queue, row.job_type, row.payload,
            1, enqueued, due, 0, 0, errors, "failure" if errors else "success", began, ended, "shop-1:4711",
        ))  # fmt: skip
    with closing(connect(url)) as connection:
        cursor = connection.cursor()
        cursor.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join([mark] * len(columns))})", rows
        )
        connection.commit()


def _moments() -> list[float]:
    """How many seconds ago each job ended: busy by day, quiet by night."""
    found: list[float] = []
    while len(found) < PAST:
        back = _dice.uniform(60, 86_400)
        if _dice.random() < 0.5 + 0.5 * math.cos((back / 3600 - 1) / 24 * 2 * math.pi):
            found.append(back)
    return found


def _error(job: NewJob, at: datetime) -> str:
    import json

    kind, said = ("CardDeclined", "insufficient funds") if job.job_type == "charge_card" else (
        "SmtpTimeout", "smtp.example.org did not answer within 30 s")  # fmt: skip
    frame = f'  File "/srv/shop/{job.queue or "jobs"}.py", line 41, in {job.job_type}\n    raise {kind}(said)\n'
    said_all = f"Traceback (most recent call last):\n{frame}{kind}: {said}\n"
    entry = {"attempt": 1, "at": at.isoformat(), "worker": "shop-1:4711", "type": kind, "message": said}
    return json.dumps([{**entry, "traceback": said_all}])


def _stored(database: Database, moment: datetime) -> Any:
    return database.dialect.stored_time(moment)


class Trade(threading.Thread):
    """Orders that come in until it is told to stop."""

    def __init__(self, url: str) -> None:
        super().__init__(name="trade", daemon=True)
        self.url = url
        self.closed = threading.Event()
        self.error: Exception | None = None

    def run(self) -> None:
        """Place an order every few seconds, each in a transaction."""
        try:
            with closing(connect(self.url)) as connection:
                self._open_the_shop(connection)
                number = 10_000
                while not self.closed.wait(_dice.uniform(0.5, 1.5) * EVERY):
                    number += 1
                    tasks.queue.enqueue_many(connection, order(number))
                    if number % 20 == 1:
                        catalogue("winter").enqueue(connection)
                    connection.commit()
        except Exception as error:  # noqa: BLE001 (the demo tells of it)
            self.error = error

    def _open_the_shop(self, connection: Any) -> None:
        tasks.queue.enqueue_many(connection, [send_newsletter.job(issue=12, reader=n) for n in range(240)])
        tasks.queue.enqueue_many(connection, [build_report.job(month=f"2026-{n:02}") for n in range(1, 10)])
        tasks.queue.enqueue_many(
            connection, [ask_supplier.job(supplier=name, item=n) for n in range(12) for name in ("Acme", "Globex")]
        )
        tasks.set_schedule(
            connection, "15 7 * * 1-5", build_report.job(month="this"), name="figures for Ann", tz="Europe/Berlin"
        )
        tasks.queue.enqueue(connection, "export_ledger", {"year": 2025}, queue="finance")
        for hours in (1, 8, 26):
            send_receipt.using(process_in=hours * 3600).enqueue(connection, order_id=hours, address="later@example.org")
        tasks.queue.pause(connection, PAUSED, reason="the unsubscribe link is broken", by="ann")
        connection.commit()

    def close(self) -> None:
        """Stop the orders."""
        self.closed.set()
        self.join(10)
