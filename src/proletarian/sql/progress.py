"""What the row of a run says while it runs: its progress, and what runs beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proletarian.sql.dialect import Dialect
from proletarian.sql.rows import array, dump
from proletarian.sql.statements import Plan


def note_progress(dialect: Dialect, worker_id: Any, notes: Mapping[int, str]) -> Plan[None]:
    """Write how far runs are: a text for each run id."""
    if dialect.moves_rows:
        said = {"run_ids": array(notes), "progresses": list(notes.values())}
    else:
        said = {"notes": dump(list(notes.items()))}
    yield dialect.say("progress.progress", worker_id=worker_id, **said)


def set_apart(dialect: Dialect, worker_id: Any, run_id: int, apart: int) -> Plan[None]:
    """Record how a suspect's run was started: beside others, or alone in its worker."""
    yield dialect.say("progress.set_apart", worker_id=worker_id, run_id=run_id, apart=apart)
