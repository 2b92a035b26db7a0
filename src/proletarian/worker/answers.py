"""Answers what handlers ask of the database: for all of them together, in few statements, in the pump's thread."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from proletarian.connections.session import Refused, Session
from proletarian.errors import ProletarianError
from proletarian.sql.dialect import Dialect
from proletarian.sql.flows.looking import results_of
from proletarian.sql.steps import Kept, keep_steps, load_steps
from proletarian.worker.desk import Ask, Desk, lost


class Answers:
    """Answers on the pump's connection; what it cannot answer now goes back to the desk."""

    def __init__(self, session: Session, dialect: Dialect, desk: Desk) -> None:
        self._session = session
        self._dialect = dialect
        self._desk = desk
        self.left_some = False  # a lock was in the way: ask again soon

    def give(self) -> None:
        """Answer what was asked."""
        self.left_some = False
        asked = self._desk.taken()
        try:
            # All have the same worker id, except those from before we were declared dead.
            for _, group in groupby(asked, key=lambda ask: id(ask.run.worker_id)):
                mine = list(group)
                if loads := [ask for ask in mine if ask.kind == "load"]:
                    self._load(loads)
                if keeps := [ask for ask in mine if ask.kind == "keep"]:
                    self._keep(keeps)
                for ask in mine:
                    if ask.kind == "results":
                        ask.answer.set_result(self._session.insist(results_of, self._dialect, ask.run.row.job_id))
        except BaseException:  # the session was closed: nobody will answer them
            for ask in asked:
                if not ask.answer.done():
                    ask.answer.set_exception(lost(ask))
            raise

    def _load(self, asks: Sequence[Ask]) -> None:
        run_ids = [ask.run.row.run_id for ask in asks]
        found = self._session.insist(load_steps, self._dialect, asks[0].run.worker_id, run_ids)
        for ask in asks:
            ask.answer.set_result(found[ask.run.row.run_id])

    def _keep(self, asks: Sequence[Ask]) -> None:
        steps = [Kept(ask.run.row.run_id, str(ask.name), ask.text) for ask in asks]
        try:
            kept, locked = self._session.offer(keep_steps, self._dialect, asks[0].run.worker_id, steps)
        except Refused as refused:
            self._narrow(asks, refused)
            return
        waiting: list[Ask] = []
        for ask in asks:
            if ask.run.row.run_id in kept:
                ask.answer.set_result(None)
            elif ask.run.row.run_id in locked:
                waiting.append(ask)
            else:
                ask.answer.set_exception(lost(ask))
        self._desk.put_back(waiting)
        self.left_some |= bool(waiting)

    def _narrow(self, asks: Sequence[Ask], refused: Refused) -> None:
        """Keep a step that the database refuses from holding up the others."""
        if len(asks) > 1:
            for ask in asks:
                self._keep([ask])
            return
        error = ProletarianError(f"the database refuses to store the result of step {asks[0].name!r}: {refused}")
        error.__cause__ = refused.__cause__
        asks[0].answer.set_exception(error)
