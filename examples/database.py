"""
The database of the examples: an SQLite file, or the one in PROLETARIAN_DATABASE.

Your own application already has its connections, and needs none of this.
"""

from __future__ import annotations

import os
import sqlite3
from typing import Any
from urllib.parse import urlsplit

URL = os.environ.get("PROLETARIAN_DATABASE", "sqlite:///examples.db")


def connect() -> Any:
    """A connection that commits only when told to."""
    if URL.startswith("postgresql:"):
        import psycopg

        return psycopg.connect(URL)
    if URL.startswith("mysql:"):
        import pymysql

        parts = urlsplit(URL)
        return pymysql.connect(
            host=parts.hostname,
            port=parts.port or 3306,
            user=parts.username,
            password=parts.password or "",
            database=parts.path.lstrip("/"),
        )
    return sqlite3.connect(URL.removeprefix("sqlite:///"), timeout=10)
