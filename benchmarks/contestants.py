"""The contestants: what a contestant is, ours, and the ceilings without a library. The peers are in peers.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Contestant:
    """
    One program with one set of options.

    `unfinished` counts the jobs that have not finished (None if there is no way to ask: a
    drain then ends with the last call of a handler), `finished` those that have finished
    and are kept (None if the library keeps none). A contestant without `requirements` is
    not a peer: it runs in our own environment.
    """

    name: str
    label: str
    program: str
    unfinished: str | None = None
    finished: str | None = None
    requirements: tuple[str, ...] = ()
    since: tuple[int, int] = (3, 11)  # the oldest Python that it runs on
    options: Mapping[str, Any] = field(default_factory=dict)
    command: tuple[str, ...] = ()  # how its worker is started, if not by `program worker`
    most: int = 1_000_000  # jobs in one drain: contestants that take minutes for 20,000 get fewer

    def having(self, name: str, label: str, **options: Any) -> Contestant:
        """The same program with other options."""
        return replace(self, name=name, label=label, options={**self.options, **options})

    @property
    def environment(self) -> str:
        """The name of its virtual environment: contestants with the same program share one."""
        return self.program.removeprefix("with_").removesuffix(".py")


OURS_PG = Contestant(
    "proletarian", "**Proletarian**, defaults", "with_proletarian.py",
    unfinished="SELECT (SELECT count(*) FROM proletarian.job) + (SELECT count(*) FROM proletarian.running_job)",
    finished="SELECT count(*) FROM proletarian.archived_job WHERE status = 'success'",
)  # fmt: skip
OURS_PG_ASYNC = OURS_PG.having("proletarian-async", "Proletarian, `async def` handler", task="ahit")
LIMITED_PG = OURS_PG.having("proletarian-limited", "Proletarian, 100 limits of 10 at a time", lanes=(100, 10))
OURS = replace(
    OURS_PG,
    unfinished="SELECT (SELECT count(*) FROM proletarian_job) + (SELECT count(*) FROM proletarian_running_job)",
    finished="SELECT count(*) FROM proletarian_archived_job WHERE status = 'success'",
)
LIMITED = OURS.having(LIMITED_PG.name, LIMITED_PG.label, **LIMITED_PG.options)
STATEMENTS_PG = replace(
    OURS_PG, name="statements", label="our statements without the worker, batch 500", program="raw_statements.py"
)
STATEMENTS = replace(STATEMENTS_PG, unfinished=OURS.unfinished, finished=OURS.finished)

RAW_TWO = Contestant(
    "raw-2", "no library: two bare tables, batch 500", "raw_postgresql.py",
    unfinished="SELECT count(*) FROM job", finished="SELECT count(*) FROM archived_job",
    options={"tables": 2, "batch": 500},
)  # fmt: skip
RAW_THREE = replace(
    RAW_TWO.having("raw-3", "no library: our three tables, batch 500", tables=3),
    unfinished="SELECT (SELECT count(*) FROM job) + (SELECT count(*) FROM running_job)",
)
RAW_SQLITE = replace(
    RAW_TWO, label="no library: two bare tables, batch 100", program="raw_sqlite.py", options={"batch": 100}
)
RAW_NOTIFY = Contestant("raw-notify", "no library: a NOTIFY and its listener", "raw_notify.py")
ORIGIN = replace(RAW_TWO, name="origin-1", label="a transaction per job, 1 thread", program="raw_origin.py",
                 options={"tables": 2, "threads": 1}, most=5_000)  # fmt: skip
