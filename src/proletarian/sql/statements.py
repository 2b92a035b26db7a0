"""
Statements as data, plans that yield them, and the `.sql` files they come from.

A plan is a generator: it yields what to execute and is sent the rows. It makes the decisions between statements and
does no I/O, so the same plan works on blocking and async connections of every library: `run` and `arun` carry it out.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
Row = Sequence[Any]
Rows = Sequence[Row]


class Text:
    """
    SQL with `:name` parameters, in each form that drivers want.

    Casts (`::`), strings, quoted names and comments are left alone.

    >>> text = Text("SELECT ':no', payload::text FROM job WHERE queue = :queue -- :no")
    >>> text.pyformat
    "SELECT ':no', payload::text FROM job WHERE queue = %(queue)s "
    >>> text.numbered, text.names
    ("SELECT ':no', payload::text FROM job WHERE queue = $1 ", ('queue',))
    """

    _TOKENS = re.compile(
        r"""(?P<string>'(?:[^']|'')*'|"[^"]*")   # strings, quoted names
          | (?P<comment>--[^\n]*)
          | (?P<cast>::)
          | :(?P<name>[a-z_][a-z0-9_]*)""",
        re.VERBOSE,
    )

    def __init__(self, source: str) -> None:
        self.source = source

    def _render(self, parameter: Callable[[str], str], *, percent: str = "%") -> str:
        def token(match: re.Match[str]) -> str:
            if match["comment"]:
                return ""
            return parameter(match["name"]) if match["name"] else match[0]

        return self._TOKENS.sub(token, self.source.replace("%", percent))

    @cached_property
    def named(self) -> str:
        """`:name`, without comments: sqlite3's own form."""
        return self._render(lambda name: f":{name}")

    @cached_property
    def pyformat(self) -> str:
        """`%(name)s`: psycopg, PyMySQL."""
        return self._render(lambda name: f"%({name})s", percent="%%")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The parameters, in the order of their numbers."""
        found = [match["name"] for match in self._TOKENS.finditer(self.source) if match["name"]]
        return tuple(dict.fromkeys(found))

    @cached_property
    def answers(self) -> bool:
        """Whether it returns rows; all of our statements that begin with WITH do."""
        return re.match(r"\s*(SELECT|WITH)\b", self.named) is not None or "RETURNING" in self.named

    @cached_property
    def counts(self) -> bool:
        """
        Whether a plan wants to know how many rows it has changed: then its only row is that number.

        A driver that cannot tell returns no row, and the plan has to find out.

        >>> Text("-- :counts\\nDELETE FROM job").counts, Text("DELETE FROM job").counts
        (True, False)
        """
        return "-- :counts\n" in self.source

    @cached_property
    def numbered(self) -> str:
        """`$1`, in the order of `names`: asyncpg."""
        return self._render(lambda name: f"${self.names.index(name) + 1}")


class Statement(msgspec.Struct, frozen=True):
    """One statement to execute, with its parameters."""

    text: Text
    parameters: Mapping[str, Any] = {}


class Copy(msgspec.Struct, frozen=True):
    """
    Rows to load in bulk, for drivers that can do it (PostgreSQL's COPY).

    They are produced on demand, and producing one may raise: then none of the others may stay, and the caller's
    transaction must remain usable.
    """

    table: str
    columns: tuple[str, ...]
    rows: Iterable[Sequence[Any]]


Step = Statement | Copy
Plan = Generator[Step, Rows, T]


def run(plan: Plan[T], execute: Callable[[Step], Rows]) -> T:
    """Carry out a plan on a blocking connection; the plan may catch what executing a statement raises."""
    try:
        step = next(plan)
        while True:
            try:
                rows = execute(step)
            except Exception as error:  # noqa: BLE001 (the plan decides)
                step = plan.throw(error)
            else:
                step = plan.send(rows)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        plan.close()


async def arun(plan: Plan[T], execute: Callable[[Step], Awaitable[Rows]]) -> T:
    """Carry out a plan on an async connection."""
    try:
        step = next(plan)
        while True:
            try:
                rows = await execute(step)
            except Exception as error:  # noqa: BLE001 (the plan decides)
                step = plan.throw(error)
            else:
                step = plan.send(rows)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        plan.close()


def counted(rows: Rows) -> int | None:
    """How many rows a statement that `counts` has changed; None if the driver does not tell."""
    return int(rows[0][0]) if rows else None


def split(script: str) -> list[str]:
    """
    The statements of one of our scripts: each ends with a semicolon at the end of a line.

    >>> split("CREATE TABLE a (b INT);\\n\\n-- why\\nCREATE INDEX ON a (b);\\n")
    ['CREATE TABLE a (b INT)', '-- why\\nCREATE INDEX ON a (b)']
    """
    parts = [part.strip() for part in f"{script}\n".split(";\n")]
    return [part for part in parts if Text(part).named.strip()]


def read(name: str) -> str:
    """The text of a file in this directory."""
    data = pkgutil.get_data("proletarian.sql", name)  # importlib.resources takes ten times as long to import
    assert data is not None  # noqa: S101 (it is part of the package)
    return data.decode()
