"""What an executor runs: one job of a worker that is elsewhere, in whatever process this is."""

from __future__ import annotations

import pickle
import threading

from proletarian.worker.hands.messages import Order, Said, Unfit, heard, written
from proletarian.worker.hands.performer import Performer
from proletarian.worker.hands.raised import packed

_performers: dict[bytes, Performer] = {}  # one for each worker's tasks; its lifespan lasts as long as this process
_making = threading.Lock()


def perform(source: bytes, order: bytes) -> bytes:
    """Run a job and return how it ended; this includes the handler's errors, which are never raised."""
    try:
        performer = _performer(source)
    except BaseException as error:  # noqa: BLE001 (the application's modules and lifespan may raise anything)
        return written(Unfit(packed(error)))
    ordered = heard(order)
    assert isinstance(ordered, Order)  # noqa: S101 (nothing else is submitted)
    return written(performer.perform(performer.accept(ordered)))


def _performer(source: bytes) -> Performer:
    with _making:
        if source not in _performers:
            _performers[source] = Performer(pickle.loads(source), unheard, keeps_time=True)  # noqa: S301 (a worker's)
        return _performers[source]


def unheard(said: Said) -> None:
    """Drop it: from here, nothing goes back to the worker while a job runs."""
