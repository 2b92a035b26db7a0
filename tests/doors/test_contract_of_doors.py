"""The contract of a driver, for every door: enqueue, enqueue_many and complete in the caller's transaction."""

from __future__ import annotations

import pytest

from proletarian.conformance import DRIVER, Check, Subject
from tests.conftest import DatabaseOf
from tests.contract.test_contract import LACKS, OTHER_TIME_ZONE, try_check
from tests.doors.libraries import Door
from tests.doors.table import DOORS


@pytest.mark.parametrize("check", DRIVER, ids=str)
@pytest.mark.parametrize("door", DOORS, ids=str)
def test_door(door: Door, check: Check, database_of: DatabaseOf) -> None:
    database = database_of(door.product)
    subject = Subject(database.url, door.library(database), LACKS[door.product], OTHER_TIME_ZONE[door.product])
    try_check(check, subject)
