"""The structure of the tables, as the database describes it."""

from __future__ import annotations

from proletarian.sql.dialect import Dialect
from proletarian.sql.statements import Plan


def id_type(dialect: Dialect) -> Plan[str | None]:
    """The type of the column that holds job ids, as the database calls it."""
    schema, _, table = dialect.tables.name("job", dialect.name).rpartition(".")
    rows = yield dialect.say("schema.id_type", schema=schema or None, table=table)
    return str(rows[0][0]) if rows else None
