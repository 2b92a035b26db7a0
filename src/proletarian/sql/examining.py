"""What the doctor asks a database: settings, sizes, what holds it up, and what no worker serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from proletarian.sql.dialect import Dialect
from proletarian.sql.rows import as_text
from proletarian.sql.statements import Plan, Row
from proletarian.sql.tables import TABLES

OF_OTHERS = ("migration", "audit")  # tables that a worker does not change


def settings(dialect: Dialect) -> Plan[Mapping[str, str]]:
    """The server settings that matter to us, by name."""
    rows = yield dialect.say("examining.settings")
    return {as_text(name): str(as_text(value)) for name, value in rows}


def refused_rights(dialect: Dialect) -> Plan[list[str]]:
    """The privileges that a worker needs and this role lacks, such as `UPDATE on proletarian.job`."""
    names = [dialect.tables.name(table, dialect.name) for table in TABLES if table not in OF_OTHERS]
    refused = []
    for name in names if dialect.name == "postgresql" else ():
        for right, is_there in (yield dialect.say("examining.rights", table=name)):
            if not is_there:
                refused.append(f"{as_text(right)} on {name}")
    return refused


class TableSize(NamedTuple):
    """How large a table is, in bytes, with and without its indexes; the number of rows is an estimate."""

    table: str
    size: int
    rows: int
    dead: int
    indexes: int = 0


def sizes(dialect: Dialect) -> Plan[list[TableSize]]:
    """The size of each table, if the database knows it."""
    found: list[TableSize] = []
    for table in TABLES:
        rows = yield dialect.say("examining.size", table=dialect.tables.name(table, dialect.name))
        found += [TableSize(table, *(int(number or 0) for number in row)) for row in rows]
    return found


def oldest(dialect: Dialect) -> Plan[tuple[float, str] | None]:
    """The age in seconds of the oldest open transaction, and whose it is; None if none can be seen."""
    rows = yield dialect.say("examining.oldest")
    if not rows or rows[0][0] is None:
        return None
    return float(rows[0][0]), as_text(rows[0][1])


def due_types(dialect: Dialect, queue: str, most: int) -> Plan[list[str]]:
    """The types of a queue's due jobs, among the first `most`."""
    rows = yield dialect.say("examining.due_types", queue=queue, most=most)
    return [as_text(row[0]) for row in rows]


def undeclared(dialect: Dialect) -> Plan[list[Row]]:
    """(application, name) of each schedule from code that no living release declares."""
    rows = yield dialect.say("examining.undeclared")
    return [(as_text(app), as_text(name)) for app, name in rows]
