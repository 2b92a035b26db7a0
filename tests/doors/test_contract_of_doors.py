"""The contract of a driver, for every door: enqueue, complete, look and act in the caller's transaction."""

from __future__ import annotations

import pytest

from proletarian.conformance import DRIVER, Check, Subject, completing, transactions
from tests.conftest import DatabaseOf
from tests.contract.test_contract import LACKS, OTHER_TIME_ZONE, try_check
from tests.databases import PRODUCTS
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
    "a_job_is_found_wherever_it_is",
    "a_record_holds_what_is_known_of_a_job",
    "what_the_transaction_has_done_is_seen_in_it",
    "a_filter_finds_what_it_means",
    "a_schedule_comes_back_as_it_went_in",
    "a_paused_schedule_goes_on_with_the_next_tick",
    "a_schedule_is_run_now_within_the_transaction",
    "jobs_are_found_whatever_their_ids_are",
    "a_waiting_job_is_cancelled_in_one_move",
    "a_running_job_is_asked_to_end_and_its_row_is_left_alone",
    "an_archived_job_runs_again_with_what_it_has_been_through",
    "a_waiting_job_is_rescheduled",
    "a_filter_is_followed_to_its_last_job",
    "jobs_are_acted_on_whatever_their_ids_are",
    "a_pause_is_there_for_all_from_its_commit_on",
    "each_queue_says_what_it_holds",
    "each_worker_says_what_it_does",
    "each_minute_says_how_many_ended_in_it",
    "failures_are_grouped_by_type_and_error",
    "an_end_that_comes_while_an_application_waits_is_seen",
    "a_wait_in_an_open_transaction_sees_the_end_or_is_refused",
}
# Tortoise's connections are always in a transaction, and there see nothing new but on PostgreSQL.
BLIND = {("Tortoise", product, "an_end_that_comes_while_an_application_waits_is_seen") for product in PRODUCTS} - {
    ("Tortoise", "postgresql", "an_end_that_comes_while_an_application_waits_is_seen")
}
TRIED = [
    (door, check)
    for door in DOORS
    for check in DRIVER
    if (door.whole or check.name in TELLING) and (door.name, door.product, check.name) not in BLIND
]


@pytest.mark.parametrize(("door", "check"), TRIED, ids=str)
def test_door(door: Door, check: Check, tables_of: DatabaseOf) -> None:
    database = tables_of(door.product)
    subject = Subject(database.url, door.library(database), LACKS[door.product], OTHER_TIME_ZONE[door.product])
    try_check(check, subject)


def test_the_libraries_of_all_doors_are_installed() -> None:
    if UNTRIED:
        found = "; ".join(f"{door}: {missing(door)}" for door in UNTRIED)
        pytest.skip(f"NOT TESTED, not installed ({found}); they need a C compiler and libmariadb-dev")
