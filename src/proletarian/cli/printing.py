"""What commands print: JSON for programs; tables and short words for people."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def as_json(command: F) -> F:
    """`--json`, for a command that prints something."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(command)


def print_json(value: Any, *, as_line: bool = False) -> None:
    """Print one JSON document; values that JSON cannot represent become text."""
    import json

    click.echo(json.dumps(value, indent=None if as_line else 2, ensure_ascii=False, default=str))


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns for people: with Rich if it is installed and this is a terminal, otherwise as plain lines."""
    if rows and is_rich():
        rich_table(titles, rows)
    elif rows:
        click.echo("\n".join(table(titles, rows)))


def is_rich() -> bool:
    """Whether Rich may draw: it is installed, stdout is a capable terminal, and `NO_COLOR` is not set."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    from importlib.util import find_spec

    return find_spec("rich") is not None


# States have a colour as well as a word.
COLOURS = {
    "failed": "red",
    "dead": "red",
    "paused": "yellow",
    "cancelled": "yellow",
    "running": "cyan",
    "succeeded": "green",
    "alive": "green",
}


LEAST = 20  # characters that the last column gets at least, if it needs them


def rich_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """
    The same with Rich: in a narrow terminal only the last column is wrapped.

    If there is no room even for that, a row is one long line: a job id stays in one piece and can be copied.
    """
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    lines = [[in_one_line(cell) for cell in row] for row in rows]
    *widths, last = (max(map(cell_len, column)) for column in zip(titles, *lines, strict=True))
    others = sum(widths) + 2 * len(widths)
    drawn = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), pad_edge=False)
    for title, cells in zip(titles, zip(*lines, strict=True), strict=True):
        is_last = len(drawn.columns) == len(titles) - 1
        justify: Literal["left", "right"] = "right" if are_numbers(cells) else "left"
        drawn.add_column(title, justify=justify, overflow="fold", no_wrap=not is_last)
    for line in lines:
        drawn.add_row(*(Text(cell, style=COLOURS.get(cell, "")) for cell in line))
    console = Console()
    if others + min(last, LEAST) > console.width:
        console = Console(width=others + last, soft_wrap=True)
    with console.capture() as written:
        console.print(drawn)
    click.echo("\n".join(line.rstrip() for line in written.get().splitlines()))


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """
    Lines of columns; numbers are right-aligned.

    >>> print("\\n".join(table(["queue", "due"], [["mail", "1,000+"], ["bulk", "7"]])))
    queue     due
    mail   1,000+
    bulk        7
    """
    columns = [aligned([in_one_line(cell) for cell in column]) for column in zip(titles, *rows, strict=True)]
    return ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]


def aligned(cells: Sequence[str]) -> list[str]:
    """One column, the title first, with every cell as wide as the widest."""
    width = max(map(len, cells))
    return [cell.rjust(width) if are_numbers(cells[1:]) else cell.ljust(width) for cell in cells]


def are_numbers(cells: Sequence[str]) -> bool:
    """Whether a column holds numbers."""
    return all(cell.rstrip("+").replace(",", "").replace(".", "").isdigit() for cell in cells)


def in_one_line(text: str, most: int | None = None) -> str:
    """
    Text without line breaks, and no longer than `most`.

    >>> in_one_line("it said\\nno", 8)
    'it said…'
    """
    line = " ".join(text.split()) if "\n" in text or "\t" in text or "\r" in text else text
    return line if most is None or len(line) <= most else f"{line[: most - 1]}…"


def count(number: int) -> str:
    """
    A count, with a plus sign if counting stopped there.

    >>> from proletarian.looking.records import Count
    >>> count(1234), count(Count(10_000, is_exact=False))
    ('1,234', '10,000+')
    """
    return f"{number:,}{'' if getattr(number, 'is_exact', True) else '+'}"


def several(number: int, what: str) -> str:
    """
    A number of things.

    >>> several(1, "job"), several(1200, "job")
    ('1 job', '1,200 jobs')
    """
    return f"{count(number)} {what}{'' if number == 1 else 's'}"


def span(seconds: float | None) -> str:
    """
    How long, in the most useful unit.

    >>> span(5400), span(0.25), span(None)
    ('90.0 min', '0.2 s', '')
    """
    if seconds is None:
        return ""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def from_now(moment: datetime | None) -> str:
    """How long ago something was, or how soon it will be, by this machine's clock."""
    if moment is None:
        return ""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    return f"{span(seconds)} ago" if seconds >= 0 else f"in {span(-seconds)}"


def utc(moment: datetime | None) -> str:
    """A moment to the second, in UTC."""
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"
