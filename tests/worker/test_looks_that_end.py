"""A look on a connection of our own ends after its time, in words."""

from __future__ import annotations

import time

import pytest

from proletarian.connections.database import Database
from proletarian.errors import LookTookTooLong
from proletarian.sql.statements import Plan, Statement, Text
from tests.databases import PrivateDatabase

SLOW = """
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 900)
SELECT count(*) FROM numbers AS a CROSS JOIN numbers AS b CROSS JOIN numbers AS c CROSS JOIN numbers AS d
 WHERE a.n + b.n + c.n + d.n > 5
"""


def slow() -> Plan[None]:
    yield Statement(Text(SLOW), {})


def test_a_look_that_takes_too_long_is_ended(database: PrivateDatabase) -> None:
    began = time.monotonic()
    with pytest.raises(LookTookTooLong, match=r"took longer than 0\.5 s"):
        Database(database.url).look(slow(), at_most=0.5)
    assert time.monotonic() - began < 20
