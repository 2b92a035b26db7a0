"""The jobs of a shop that never closes, for the demo's dashboard; `proletarian worker` runs them."""

from __future__ import annotations

import os
import random
import threading
import time
from datetime import timedelta

from proletarian.demo.tasks import FOLDER, end_with_the_demo
from proletarian.job import Job
from proletarian.limit import Limit
from proletarian.outcomes import Cancel
from proletarian.retries import Retry
from proletarian.tasks import Tasks

tasks = Tasks(app="shop", retry=Retry(0))
QUEUES = {"mail": 4, "billing": 3, "media": 2, "reports": 1}
PAUSED = "newsletter"

if FOLDER in os.environ:
    threading.Thread(target=end_with_the_demo, name="the demo's end", daemon=True).start()


class CardDeclined(Exception):
    """The bank declines."""


class SmtpTimeout(Exception):
    """A mail server does not answer."""


def takes(seconds: float) -> None:
    """Take as long as real work does, which varies."""
    time.sleep(seconds * random.uniform(0.5, 1.6))  # noqa: S311 (no secret)


@tasks.task(queue="mail", retry=Retry(2, delays=[2, 15]))
def send_receipt(order_id: int, address: str) -> None:
    """Sometimes the other side is slow."""
    takes(0.25)
    if order_id % 11 == 0:
        raise SmtpTimeout(f"smtp.example.org did not answer within 30 s ({address})")


@tasks.task(queue="billing", keep_result=True, limit=Limit(2, name="bank"))
def charge_card(order_id: int, amount: float, card_token: str) -> dict[str, str | float]:
    """Some cards are declined."""
    takes(0.4)
    if order_id % 9 == 0:
        raise CardDeclined(f"order {order_id}: insufficient funds for {amount:.2f} EUR")
    return {"charged": amount, "receipt": f"R-{order_id:06}"}


@tasks.task(queue="media")
def resize_images(job: Job, product: int, sizes: list[int]) -> None:
    """It records its progress."""
    for done, _ in enumerate(sizes):
        job.progress(done, len(sizes))
        if job.stopping.is_set():
            raise Cancel("the worker stops")
        takes(0.8)


@tasks.task(queue="media")
def render_page(page: int) -> None:
    """Render one page of a catalogue."""
    takes(1.2)


@tasks.task(queue="media")
def bind_catalogue(job: Job, season: str) -> None:
    """It waits for its pages, and never repeats a step."""
    job.step("cover", paint, season)
    job.step("upload", upload, season)


def paint(season: str) -> dict[str, str]:
    """Its first step."""
    takes(0.5)
    return {"cover": f"{season}.png"}


def upload(season: str) -> dict[str, str]:
    """Its second step."""
    takes(0.5)
    return {"address": f"https://shop.example.org/{season}.pdf", "access_token": "t0ps3cret"}


@tasks.task(queue="mail")
def announce(season: str, to: str) -> None:
    """It waits for the catalogue."""
    takes(0.2)


@tasks.task(queue="mail", limit=Limit(rate=4, seconds=60, per="supplier"))
def ask_supplier(supplier: str, item: int) -> None:
    """No supplier is asked more than four times a minute."""
    takes(0.2)


@tasks.task(queue="reports")
def build_report(month: str) -> None:
    """It takes a while."""
    takes(6)


@tasks.task(queue="reports")
def sync_stock(warehouse: str) -> None:
    """It runs every few minutes."""
    takes(1.5)
    if warehouse == "Gdańsk":
        raise ConnectionError(f"warehouse {warehouse}: connection refused")


@tasks.task(queue=PAUSED)
def send_newsletter(issue: int, reader: int) -> None:
    """It waits until somebody resumes its queue."""
    takes(0.1)


tasks.schedule("0 6 1 * *", build_report.job(month="last"), name="monthly report", tz="Europe/Berlin")
tasks.schedule("30 2 * * *", build_report.job(month="this"), name="nightly figures", tz="America/New_York")
tasks.schedule(timedelta(minutes=2), sync_stock.job(warehouse="Gdańsk"), name="stock of Gdańsk")
tasks.schedule(timedelta(minutes=5), sync_stock.job(warehouse="Porto"), name="stock of Porto", missed="skip")
