"""
A child process: runs one job after another for its worker, in the main thread, and reports how each ended.

Another thread listens to the worker. When the worker is gone, this process ends, with everything that it has started.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from multiprocessing.connection import Connection

from proletarian.worker.hands.lifeline import end_all, end_with
from proletarian.worker.hands.messages import (
    Answer,
    Begun,
    Boot,
    Leave,
    Logged,
    Noted,
    Order,
    Ready,
    Said,
    Stop,
    Told,
    Unfit,
    heard,
    written,
)
from proletarian.worker.hands.performer import Performer
from proletarian.worker.hands.raised import packed
from proletarian.worker.hands.records import forward
from proletarian.worker.run import Run

OFTEN = 0.2  # seconds between reports of a job's progress, after the first
TO_ALL = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Child:
    """This process."""

    _performer: Performer

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._saying = threading.Lock()
        self._orders: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        self._is_busy = False
        self._running: Run | None = None
        self._progress: Noted | None = None  # what to report next
        self._is_time = True

    def serve(self) -> int:
        """Run jobs until there are no more; returns the exit code."""
        try:
            boot = heard(self._connection.recv_bytes())
            assert isinstance(boot, Boot)  # noqa: S101 (a worker's first message)
            sys.argv = boot.arguments
            forward(boot.levels, lambda record: self._say(Logged(record)), fields=boot.has_fields)
            self._performer = Performer(boot.source, self._hear)
        except BaseException as error:  # noqa: BLE001 (the application's modules and lifespan may raise anything)
            self._say(Unfit(packed(error)))
            return 1
        threading.Thread(target=self._listen, name="proletarian listener", daemon=True).start()
        self._say(Ready())
        while order := self._orders.get():
            self._run(order)
        self._performer.close()
        return 0

    def _run(self, order: Order) -> None:
        run = self._running = self._performer.accept(order)
        self._say(Begun())
        ended = self._performer.perform(run)
        self._running = None
        self._is_busy = False
        self._flush()
        self._say(ended)

    def _hear(self, said: Said) -> None:
        """Pass on what a job reports: its progress at intervals, everything else at once."""
        if not isinstance(said, Noted):
            self._say(said)
            return
        self._progress = said
        if self._is_time:
            self._flush()

    def _flush(self) -> None:
        said, self._progress = self._progress, None
        self._is_time = said is None
        if said is not None:
            self._say(said)

    def _say(self, said: Said) -> None:
        try:
            with self._saying:
                self._connection.send_bytes(written(said))
        except OSError:
            end_all()  # the worker is gone

    # In a thread of its own.

    def _listen(self) -> None:
        try:
            while True:
                if self._connection.poll(OFTEN if self._is_busy else None):
                    self._obey(heard(self._connection.recv_bytes()))
                self._flush()
        except (EOFError, OSError):
            end_all()  # the worker is gone: nobody is left to report to

    def _obey(self, told: Told) -> None:
        match told:
            case Order():
                self._is_busy = True
                self._orders.put(told)
            case Answer():
                self._performer.answer(told)
            case Leave():
                self._orders.put(None)
            case Stop(run_id, why, cancel):
                run = self._running
                if run is not None and run.row.run_id == run_id:
                    self._performer.stop(run, why, cancel=cancel)


def main(channel: str, parent: str) -> None:
    """
    The entry point of a child's interpreter.

    A service manager that stops a service sends SIGTERM to all of its processes, and a worker would lose the running
    jobs that it waits for; so a child ignores signals that are sent to all of them. (With a handler, not SIG_IGN, which
    programs that a job starts would inherit.)
    """
    for number in TO_ALL:
        signal.signal(number, lambda *_: None)
    os.set_inheritable(int(channel), False)
    end_with(int(parent))
    sys.exit(Child(Connection(int(channel))).serve())
