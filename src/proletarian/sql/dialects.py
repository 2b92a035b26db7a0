"""The supported databases."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from proletarian.ids import Kind
from proletarian.sql.dialect import Dialect
from proletarian.sql.mysql import MySQL
from proletarian.sql.postgresql import PostgreSQL
from proletarian.sql.sqlite import SQLite
from proletarian.sql.tables import Tables

DIALECTS: Mapping[str, type[Dialect]] = {"postgresql": PostgreSQL, "mysql": MySQL, "sqlite": SQLite}


@lru_cache(maxsize=64)
def dialect_for(database: str, tables: Tables, kind: Kind) -> Dialect:
    """The dialect of one kind of database; created once per set of tables."""
    return DIALECTS[database](tables, kind)
