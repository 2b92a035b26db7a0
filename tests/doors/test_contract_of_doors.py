"""The contract of a driver, for every door: enqueue, enqueue_many and complete in the caller's transaction."""

from __future__ import annotations

import pytest

from proletarian.conformance import DRIVER, Check, Subject, completing, transactions
from tests.conftest import DatabaseOf
from tests.contract.test_contract import LACKS, OTHER_TIME_ZONE, try_check
from tests.doors.libraries import Door
from tests.doors.table import DOORS, UNTRIED, missing

# What tells one library from the next; the rest is SQL, and the same for all on one product.
TELLING = {check.name for check in (*transactions.CHECKS, *completing.CHECKS)} | {
    "any_text_comes_back_as_it_went_in",
    "the_row_holds_what_was_given",
    "missing_tables_are_named_with_what_to_do",
    "process_at_keeps_its_microseconds",
    "ids_may_be_made_by_the_database",
    "the_time_zone_of_a_session_does_not_matter",
}
TRIED = [(door, check) for door in DOORS for check in DRIVER if door.whole or check.name in TELLING]


@pytest.mark.parametrize(("door", "check"), TRIED, ids=str)
def test_door(door: Door, check: Check, database_of: DatabaseOf) -> None:
    database = database_of(door.product)
    subject = Subject(database.url, door.library(database), LACKS[door.product], OTHER_TIME_ZONE[door.product])
    try_check(check, subject)


def test_the_libraries_of_all_doors_are_installed() -> None:
    if UNTRIED:
        found = "; ".join(f"{door}: {missing(door)}" for door in UNTRIED)
        pytest.skip(f"NOT TESTED, not installed ({found}); they need a C compiler and libmariadb-dev")
