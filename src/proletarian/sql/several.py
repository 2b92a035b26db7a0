"""Several copies of a SELECT in one statement, if an index is only probed for constants: saves round trips."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from proletarian.sql.dialect import Dialect
from proletarian.sql.statements import Plan, Row, Statement, Text

SEVERAL = 200  # in one statement
OF_ONE = re.compile(r":(place|lane|priority|most|queue)\b")  # the parameters that differ


def each(dialect: Dialect, name: str, common: Mapping[str, Any], asked: Sequence[Mapping[str, Any]]) -> Plan[list[Row]]:
    """
    Execute one SELECT for each item of `asked`, which has its other parameters; `:place` is its number.

    All of them go in one statement, if every statement is a round trip.
    """
    rows: list[Row] = []
    for start in range(0, len(asked), SEVERAL):
        portion = asked[start : start + SEVERAL]
        if not dialect.probes_constants:
            for place, one in enumerate(portion, start=start):
                given = {**common, **one, "place": place}
                text = dialect.sql[name]
                rows += yield Statement(text, {key: given[key] for key in text.names})
            continue
        text = _united(dialect.sql[name].source, len(portion))
        given = dict(common)
        for number, one in enumerate(portion):
            mine = {**common, **one, "place": start + number}
            given |= {f"{key}_{number}": value for key, value in mine.items()}
        rows += yield Statement(text, {key: given[key] for key in text.names})
    return rows


@lru_cache(maxsize=256)
def _united(source: str, count: int) -> Text:
    """A SELECT so many times in one statement, each with its own parameters."""
    return Text("\nUNION ALL\n".join(OF_ONE.sub(rf":\1_{number}", source) for number in range(count)))
