"""
The columns of the three tables that hold jobs: the one list, beside the migrations.

SQL files write the lists of these as parts (`:JOB`, `:KEPT`, `:NEW`; see `parts.py`), so a new column
is a line in the migrations and one in `Claimed`; one that an enqueue fills has a line in `NewRow` too.
"""

from __future__ import annotations

from collections.abc import Mapping

from proletarian.sql.rows import Claimed, NewRow

# What every row of a job has, in the order of `Claimed`; a claim returns these and the run's own number.
JOB = Claimed.__struct_fields__[:-1]

# What a run may change; the others stay as they are from the enqueue to the archive.
CHANGING = ("attempts", "process_at", "lost", "errors", "suspect")
KEPT = tuple(name for name in JOB if name not in CHANGING)

# What every enqueue says of a job, apart from its id and the time at which it is due.
OTHERS = ("job_id", "process_at", "delay", "unique_key")
NEW = tuple(name for name in NewRow.__struct_fields__ if name not in OTHERS)

# What every table has of a job, the archive too; and what people see of one, wherever it is.
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
