"""Jobs that go back before they start, and jobs that end early: by order, or because other workers may be free."""

from __future__ import annotations

import time
from collections.abc import Mapping

from proletarian.sql.orders import Orders
from proletarian.worker.claiming.claimer import Claimer
from proletarian.worker.claiming.dock import OVERFLOW, Dock
from proletarian.worker.hands.loop import Loop
from proletarian.worker.hands.slots import Slots
from proletarian.worker.held import Held
from proletarian.worker.recorder import Recorder
from proletarian.worker.run import CANCELLED, Run
from proletarian.worker.runner import Runner


class GivingBack:
    """Takes runs out of the slots and the dock; in the pump's thread."""

    def __init__(
        self,
        runner: Runner,
        held: Held,
        slots: Mapping[str, Slots],
        loop: Loop,
        dock: Dock,
        claimer: Claimer,
        recorder: Recorder,
    ) -> None:
        self._runner = runner
        self._held = held
        self._slots = slots
        self._loop = loop
        self._dock = dock
        self._claimer = claimer
        self._recorder = recorder

    def unstarted(self, *, all_of_them: bool) -> None:
        """Give back what was not started: all of it, or what has waited for too long."""
        self._recorder.give_back(
            [run for slots in self._slots.values() for run in slots.unstarted(all_of_them=all_of_them)]
        )
        if not self._dock.is_busy:
            return
        self._recorder.give_back(self._dock.overflow(), OVERFLOW)
        closed = self._dock.keeps_others_away
        self._recorder.give_back(self._dock.taken_back(all_of_them=all_of_them))
        self._dock.turn(time.monotonic())
        if closed and not self._dock.keeps_others_away:
            self._claimer.rhythm.anything(time.monotonic())  # the other workers' turn

    def ordered(self, orders: Orders) -> None:
        """Start no more jobs of a paused queue; end those that were cancelled."""
        self._claimer.lanes.ordered(orders, time.monotonic())
        for queue in self._claimer.rhythm.ordered(orders.paused, time.monotonic()):
            self._recorder.give_back(self._slots[queue].unstarted(all_of_them=True))
        self._recorder.give_back(self._dock.withdrawn(orders.paused))
        begun: set[Run] = set()
        for run in self._held.under_way() if orders.cancelled else ():
            request = orders.cancelled.get(run.row.job_id)
            if request is None or run.request is not None:
                continue
            run.request = request
            run.tell(CANCELLED)
            if self._slots[run.row.queue].withdraw(run):
                self._recorder.record([(run, self._runner.ends.cancelled(run))])
            else:
                begun.add(run)
        if begun:
            self._loop.cancel(begun)
