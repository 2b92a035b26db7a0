"""
Flows drawn by lot, and what has to become of each of their jobs: chains, batches, any shapes, some after jobs of
earlier transactions; one in ten fails. The workers are those of `crew.py`.
"""

from __future__ import annotations

import random
from typing import Any

from proletarian import Flow, NewJob, Queue
from tests.databases import PrivateDatabase
from tests.ledger import Ledger
from tests.waiting import wait_until

SIZE = 12  # jobs of each flow


class Plan:
    """What was enqueued, and what has to become of it."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.after: dict[str, list[str]] = {}
        self.runs_anyway: set[str] = set()
        self.fails: set[str] = set()
        self.followed: set[str] = set()
        self._early: list[Any] = []

    def flow(self) -> Flow:
        chance, flow = self._chance, Flow()
        members: list[Any] = []
        for number in range(SIZE):
            awaited = chance.sample(members, min(len(members), chance.choice((0, 1, 1, 2, 5, 12))))
            late = [chance.choice(self._early)] if self._early and chance.random() < 0.1 else []
            fails, anyway, then = chance.random() < 0.1, chance.random() < 0.2, chance.random() < 0.2
            job = NewJob("work", {"fails": fails, "then": then})
            member = flow.add(job, after=[*awaited, *late], if_failed="run" if anyway else "cancel")
            members.append(member)
            name = str(member.job_id)
            self.after[name] = [str(getattr(one, "job_id", one)) for one in (*awaited, *late)]
            self.fails |= {name} if fails else set()
            self.runs_anyway |= {name} if anyway else set()
            self.followed |= {name} if then else set()
            if number == SIZE // 2:
                early = member.job_id
        self._early.append(early)
        return flow

    def expected(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, awaited in self.after.items():
            if any(found[one] != "success" for one in awaited) and name not in self.runs_anyway:
                found[name] = "cancelled"
            else:
                found[name] = "failure" if name in self.fails else "success"
        return found


def balance(database: PrivateDatabase, ledger: Ledger, plan: Plan) -> None:
    """Check, once nothing waits or runs: each was released once, none too soon, and the right ones were cancelled."""
    dialect = Queue().dialect(database.kind)
    rows = database.rows(f"SELECT job_id, status, job_type FROM {database.table('archived_job')}")
    archived = {str(dialect.loaded_id(job_id)): status for job_id, status, kind in rows if kind == "work"}
    assert archived == plan.expected()
    began: dict[str, float] = {}
    done: dict[str, float] = {}
    for what, first in (("began", began), ("done", done)):
        for entry in ledger.entries(what):
            first.setdefault(entry["job_id"], entry.at)
    for name, awaited in plan.after.items():
        if name in began:
            for one in awaited:
                assert archived[one] == "cancelled" or began[name] >= done[one], f"{name} began before {one} had ended"
    ran = {name for name, status in archived.items() if status != "cancelled"}
    assert began.keys() == ran, "none was run that was cancelled"
    for entry in ledger.entries("began"):
        met = [one for one in plan.after[entry["job_id"]] if archived[one] == "success"]
        assert entry["results"] == len(set(met))
    followed = [name for name in plan.followed if archived[name] == "success"]
    assert sum(kind == "follow" for *_, kind in rows) == len(followed)
    assert {entry["of"] for entry in ledger.entries("followed")} == set(followed)
    assert ledger.entries("job.id_taken") == ledger.entries("job.unrecordable") == []
    left = {name: database.count(name) for name in ("wait_over", "late_dependency")}
    wait_until(lambda: not any(database.count(name) for name in left), 20, what=f"{left} to be cleared away")
