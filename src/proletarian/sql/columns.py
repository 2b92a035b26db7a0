"""
The columns of the tables that hold jobs: the only list of them besides the migrations.

SQL files use these lists as parts (`:JOB`, `:KEPT`, `:NEW`; see `parts.py`), so a new column is a line in the
migrations and one in `Claimed`; if an enqueue fills it, also a line in `NewRow`.
"""

from __future__ import annotations

from collections.abc import Mapping

from proletarian.sql.rows import Claimed, NewRow

# What every row of a job has, in the order of `Claimed`; a claim returns these and the run's number.
JOB = Claimed.__struct_fields__[:-1]

# What a run may change; the other columns stay the same from the enqueue to the archive.
CHANGING = ("attempts", "process_at", "lost", "errors", "suspect")
KEPT = tuple(name for name in JOB if name not in CHANGING)

# What every enqueue says about a job, apart from its id and the time at which it is due.
OTHERS = ("job_id", "process_at", "delay")
NEW = tuple(name for name in NewRow.__struct_fields__ if name not in OTHERS)

# What every table has about a job, including the archive; and what people see of a job, wherever it is.
EVERYWHERE = tuple(name for name in JOB if name != "suspect")
SHOWN = ("state", *EVERYWHERE, "started_at", "finished_at", "worker", "progress", "result")

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "job": (*JOB, "retry_at"),
    "held_job": (*EVERYWHERE, "hold", "waits", "if_failed"),
    "running_job": (*JOB, "worker_id", "run_id", "started_at", "progress", "apart"),
    "archived_job": (
        *EVERYWHERE,
        "status",
        "started_at",
        "finished_at",
        "worker",
        "result",
    ),
}
