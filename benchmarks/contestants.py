"""Who takes part: ours, the raw ceilings, the peers; each a program, its environment and its options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Contestant:
    """
    One program with one set of options.

    `unfinished` counts the jobs that are not over yet, `finished` those that are over and
    kept (None where the library keeps none).
    """

    name: str
    label: str
    program: str
    unfinished: str
    finished: str | None = None
    requirements: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    command: tuple[str, ...] = ()  # how its worker is started, if not by `program worker`

    def having(self, name: str, label: str, **options: Any) -> Contestant:
        """The same program under other options."""
        return replace(self, name=name, label=label, options={**self.options, **options})


OURS_PG = Contestant(
    "proletarian", "**Proletarian**, defaults", "with_proletarian.py",
    unfinished="SELECT (SELECT count(*) FROM proletarian.job) + (SELECT count(*) FROM proletarian.running_job)",
    finished="SELECT count(*) FROM proletarian.archived_job WHERE status = 'success'",
)  # fmt: skip
OURS = replace(
    OURS_PG,
    unfinished="SELECT (SELECT count(*) FROM proletarian_job) + (SELECT count(*) FROM proletarian_running_job)",
    finished="SELECT count(*) FROM proletarian_archived_job WHERE status = 'success'",
)

RAW_THREE = Contestant(
    "raw-3", "no library: three such tables, batch 500", "raw_postgresql.py",
    unfinished="SELECT (SELECT count(*) FROM job) + (SELECT count(*) FROM running_job)",
    finished="SELECT count(*) FROM archived_job",
    options={"tables": 3, "batch": 500},
)  # fmt: skip
RAW_TWO = Contestant(
    "raw-2", "no library: two bare tables, batch 500", "raw_postgresql.py",
    unfinished="SELECT count(*) FROM job", finished="SELECT count(*) FROM archived_job",
    options={"tables": 2, "batch": 500},
)  # fmt: skip

PGQUEUER = Contestant(
    "pgqueuer", "PgQueuer, default (batch 10)", "with_pgqueuer.py",
    unfinished="SELECT count(*) FROM pgqueuer WHERE status IN ('queued', 'picked')",
    finished="SELECT count(*) FROM pgqueuer_log WHERE status = 'successful'",
    requirements=("pgqueuer[asyncpg]==1.6.0", "uvloop"),
)  # fmt: skip
PGQUEUER_100 = PGQUEUER.having("pgqueuer-100", "PgQueuer, batch 100", batch_size=100)
PGQUEUER_500 = PGQUEUER.having("pgqueuer-500", "PgQueuer, batch 500", batch_size=500)

OURS_PG_ASYNC = replace(
    OURS_PG.having("proletarian-async", "Proletarian, `async def` handler"), options={"async": True}
)
RAW_NOTIFY = Contestant("raw-notify", "no library: a NOTIFY and who waits for it", "raw_notify.py", "SELECT 0")
DRAMATIQ_POSTGRES = Contestant(
    "dramatiqpg", "dramatiq-postgres, 10 threads", "with_dramatiq.py",
    unfinished="SELECT count(*) FROM dramatiq.queue WHERE state IN ('queued', 'consumed')",
    finished="SELECT count(*) FROM dramatiq.queue WHERE state = 'done'",
    requirements=("dramatiq==2.2.1", "dramatiq-postgres==1.4.0", "psycopg[binary]"),
    command=("dramatiq", "with_dramatiq", "-p", "{processes}", "-t", "10"),
)  # fmt: skip
PROCRASTINATE = Contestant(
    "procrastinate", "Procrastinate, concurrency 10", "with_procrastinate.py",
    unfinished="SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')",
    finished="SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'",
    requirements=("procrastinate==3.10.0", "psycopg[binary,pool]"),
)  # fmt: skip
