"""`proletarian status`: how full the queues are, and who works."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from proletarian.cli import options

if TYPE_CHECKING:
    from proletarian.database import Database

MOST = 100_000  # counting stops here, so that a look at ten million jobs is quick


@click.command()
@options.database
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@options.job_ids
@options.prefix
def status(url: str, as_json: bool, job_ids: str, prefix: str | None) -> None:
    """
    Show each queue and each worker.

    Of each queue: how many jobs wait, how many of them are due, are being run, have failed
    for good, and how long the oldest due one has been waiting. Counts stop at 100,000.
    """
    from proletarian.database import Database

    queues, workers = look(Database(url, options.queue_of(prefix, job_ids)))
    if as_json:
        import json

        click.echo(json.dumps({"queues": queues, "workers": workers, "counted_up_to": MOST}, indent=2))
    else:
        click.echo(text_of(queues, workers))


def look(database: Database) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The queues and the workers, as they are now."""
    from proletarian.migration import check_schema

    connection = database.connect()
    try:
        check_schema(connection, database)
        queues, workers = connection.run(database.dialect.status(MOST))
        colleagues = connection.run(database.dialect.colleagues())
        dead = {c.worker_id for c in colleagues if c.late or connection.is_free(c)}
    except Exception as error:
        raise database.explained(error) from error
    finally:
        connection.close()
    return [queue_of(row) for row in queues], [
        worker_of(
            row,
            alive=database.dialect.loaded_worker(row[0]) not in dead,
            started_at=database.dialect.loaded_time(row[4]).isoformat(),
        )
        for row in workers
    ]


def queue_of(row: Sequence[Any]) -> dict[str, Any]:
    """One queue, as `status` of the dialect gives it."""
    name, waiting, due, running, failed, age = row
    return {
        "queue": name,
        "waiting": waiting,
        "due": due,
        "running": running,
        "failed": failed,
        "oldest_due_seconds": None if age is None else round(max(0.0, float(age)), 3),
    }


def worker_of(row: Sequence[Any], *, alive: bool, started_at: str) -> dict[str, Any]:
    """One worker, likewise."""
    _, host, pid, queues, _, seen, _ = row
    return {
        "worker": f"{host}:{pid}",
        "queues": queues,
        "alive": alive,
        "started_at": started_at,
        "seen_seconds_ago": round(max(0.0, float(seen)), 1),
    }


def text_of(queues: Sequence[dict[str, Any]], workers: Sequence[dict[str, Any]]) -> str:
    """Two tables for people."""
    counts = ("waiting", "due", "running", "failed")
    lines = table(
        ["queue", *counts, "oldest due"],
        [[q["queue"], *(count(q[name]) for name in counts), ago(q["oldest_due_seconds"])] for q in queues],
    )
    if not queues:
        lines = ["no jobs"]
    alive = sum(worker["alive"] for worker in workers)
    lines += ["", f"{alive} worker{'' if alive == 1 else 's'} alive"]
    if workers:
        lines += table(
            ["worker", "queues", "state", "last seen", "started"],
            [
                [w["worker"], w["queues"], "alive" if w["alive"] else "dead", ago(w["seen_seconds_ago"]) + " ago",
                 w["started_at"][:19].replace("T", " ") + " UTC"]
                for w in workers
            ],
        )  # fmt: skip
    return "\n".join(lines)


def table(titles: list[str], rows: list[list[str]]) -> list[str]:
    """Lines of columns; numbers to the right."""
    columns = [aligned(list(column)) for column in zip(titles, *rows, strict=True)]
    return ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]


def aligned(cells: list[str]) -> list[str]:
    """One column, the title first, with every cell as wide as the widest."""
    width = max(map(len, cells))
    numbers = all(cell.rstrip("+").replace(",", "").isdigit() for cell in cells[1:])
    return [cell.rjust(width) if numbers else cell.ljust(width) for cell in cells]


def count(number: int) -> str:
    """A count, and a sign where counting stopped."""
    return f"{number:,}+" if number >= MOST else f"{number:,}"


def ago(seconds: float | None) -> str:
    """An age, in the unit that tells most."""
    if seconds is None:
        return ""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
