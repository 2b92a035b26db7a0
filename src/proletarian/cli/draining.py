"""`proletarian worker --drain`: run what is due, then end; a signal breaks it off as it does a worker that stays."""

from __future__ import annotations

import signal
from types import FrameType
from typing import TYPE_CHECKING

import click

from proletarian.worker.signals import STOP

if TYPE_CHECKING:
    from proletarian.worker import Worker


class BrokenOff(Exception):
    """SIGTERM or SIGINT came while the worker was draining."""


def drain(worker: Worker) -> None:
    """Run what is due; at a signal, stop as `Worker.stop` says. A second signal ends the process at once."""
    before = {number: signal.getsignal(number) for number in STOP}

    def break_off(number: int, frame: FrameType | None) -> None:
        for each in STOP:
            signal.signal(each, signal.SIG_DFL)
        raise BrokenOff

    for number in STOP:
        signal.signal(number, break_off)
    try:
        click.echo(f"ran {worker.drain()}", err=True)
    except BrokenOff:
        worker.stop()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
