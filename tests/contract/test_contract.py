"""The contract, for every database and for every driver that comes with the library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import psycopg
import pymysql
import pytest

from proletarian.conformance import DATABASE, DRIVER, Check, Library, Subject
from tests.conftest import DatabaseOf
from tests.databases import PRODUCTS, PrivateDatabase, mysql_options

LACKS: Mapping[str, frozenset[str]] = {
    "sqlite": frozenset({"skips_locked", "own_microseconds"}),
    "postgresql": frozenset(),
    "mariadb": frozenset({"notifies"}),
    "mysql": frozenset({"notifies"}),
}
OTHER_TIME_ZONE: Mapping[str, str | None] = {
    "sqlite": None,
    "postgresql": "SET TIME ZONE '+05:45'",
    "mariadb": "SET time_zone = '+05:45'",
    "mysql": "SET time_zone = '+05:45'",
}


def sqlite3_library(database: PrivateDatabase) -> Library:
    return Library(open=database.connect)


def psycopg_library(database: PrivateDatabase) -> Library:
    return Library(open=lambda: psycopg.connect(database.url))


def async_psycopg_library(database: PrivateDatabase) -> Library:
    return Library(
        open=lambda: psycopg.AsyncConnection.connect(database.url),
        execute=lambda connection, sql: connection.execute(sql),
    )


def pymysql_library(database: PrivateDatabase) -> Library:
    options: dict[str, Any] = mysql_options(database.url)
    return Library(open=lambda: pymysql.connect(**options))


LIBRARIES: Mapping[str, tuple[str, Callable[[PrivateDatabase], Library]]] = {
    "sqlite3": ("sqlite", sqlite3_library),
    "psycopg": ("postgresql", psycopg_library),
    "psycopg async": ("postgresql", async_psycopg_library),
    "PyMySQL, MariaDB": ("mariadb", pymysql_library),
    "PyMySQL, MySQL": ("mysql", pymysql_library),
}


def try_check(check: Check, subject: Subject) -> None:
    """Run a check, or skip it with the reason why it does not apply."""
    if reason := check.lacking(subject):
        pytest.skip(reason)
    check(subject)


@pytest.mark.parametrize("check", DATABASE, ids=str)
@pytest.mark.parametrize("product", PRODUCTS)
def test_database(product: str, check: Check, tables_of: DatabaseOf) -> None:
    try_check(check, Subject(tables_of(product).url, lacks=LACKS[product]))


@pytest.mark.parametrize("check", DRIVER, ids=str)
@pytest.mark.parametrize("name", LIBRARIES)
def test_driver(name: str, check: Check, tables_of: DatabaseOf) -> None:
    product, library = LIBRARIES[name]
    database = tables_of(product)
    try_check(check, Subject(database.url, library(database), LACKS[product], OTHER_TIME_ZONE[product]))
