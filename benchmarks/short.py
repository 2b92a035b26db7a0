"""The beginning of the page: what most readers came for, in five rows."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.measured import Found, Table

NO_LIBRARY = ("no library", "our statements", "plain INSERT", "the same without")


@dataclass(frozen=True)
class Line:
    """One row: a table, what to call its figure, and the row to compare it with (None: that of the best peer)."""

    key: str
    says: str
    against: str | None = None


LINES = (
    Line("work-compute-1", "Real work: jobs of 1 ms of computing, 10 threads", "the same without a queue"),
    Line("drain-1", "Jobs that do nothing (no-op), 1 worker process"),
    Line("enqueue-1", "Enqueue, one job per commit, 1 client", "plain INSERT, COPY"),
    Line("latency-p50", "From the commit to the handler, idle worker, median"),
    Line("idle", "An idle worker"),
)


def in_short(found: Sequence[Found]) -> str:
    """Five figures, and what each is compared with."""
    tables = {one.key: one for one in found if isinstance(one, Table)}
    rows = [row(line, tables[line.key]) for line in LINES if line.key in tables]
    return "\n".join(["## In short", "", "| | Proletarian | compared with |", "| --- | ---: | --- |", *rows])


def row(line: Line, table: Table) -> str:
    """Our figure, and the row that it is compared with."""
    assert table.ours is not None
    figure = f"{statistics.median(table.figures[table.ours]):,.{table.digits}f} {table.unit}"
    other = line.against or best_peer(table)
    if other is None:
        return f"| {line.says} | {figure} | |"
    theirs = f"{statistics.median(table.figures[other]):,.{table.digits}f} {table.unit}"
    return f"| {line.says} | {figure} | {other}: {theirs} |"


def best_peer(table: Table) -> str | None:
    """The row of the best contestant that is neither ours nor without a library."""
    peers = {
        label: statistics.median(figures)
        for label, figures in table.figures.items()
        if "Proletarian" not in label and not label.startswith(NO_LIBRARY)
    }
    if not peers:
        return None
    return (max if table.more_is_better else min)(peers, key=lambda label: peers[label])
