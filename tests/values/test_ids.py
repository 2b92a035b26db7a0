"""Job ids: in order, unique, and in a column of the right type."""

from __future__ import annotations

import os
import threading
import time
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proletarian import UUID4, UUID7, ConfigurationError, DatabaseGenerated, Queue
from proletarian.ids import kind_of


@given(st.integers(1, 5000))
def test_uuid7_is_strictly_increasing(count: int) -> None:
    ids = UUID7()
    made = [ids.generate() for _ in range(count)]

    assert made == sorted(set(made))
    assert sorted(str(job_id) for job_id in made) == [str(job_id) for job_id in made], "as text too"


def test_uuid7_says_so_and_holds_the_time() -> None:
    before = time.time_ns() // 1_000_000
    job_id = UUID7().generate()

    assert job_id.version == 7
    assert job_id.variant == "specified in RFC 4122"
    assert before <= job_id.int >> 80 <= time.time_ns() // 1_000_000


def test_uuid7_is_unique_across_threads() -> None:
    ids, made, lock = UUID7(), set(), threading.Lock()

    def make() -> None:
        mine = [ids.generate() for _ in range(20_000)]
        with lock:
            made.update(mine)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 80_000


def test_uuid7_of_two_strategies_are_in_order() -> None:
    first, second = UUID7(), UUID7()
    made = [strategy.generate() for _ in range(1000) for strategy in (first, second)]

    assert made == sorted(set(made))


def test_uuid7_of_a_forked_child_differ() -> None:
    ids = UUID7()
    ids.generate()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, b"".join(ids.generate().bytes for _ in range(100)))
        os._exit(0)
    mine = {ids.generate().bytes for _ in range(100)}
    os.waitpid(child, 0)
    data = os.read(read, 100 * 16)
    os.close(read)
    os.close(write)
    theirs = {data[start : start + 16] for start in range(0, len(data), 16)}

    assert len(theirs) == 100
    assert not mine & theirs


def test_uuid4_is_random() -> None:
    assert UUID4().generate().version == 4


@given(st.uuids())
def test_a_uuid_may_be_given_as_text(job_id: UUID) -> None:
    for strategy in (UUID4(), UUID7()):
        assert strategy.encode(str(job_id)) == strategy.encode(job_id) == strategy.decode(str(job_id)) == job_id


def test_text_that_is_no_uuid_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'invoice-1' is not a UUID"):
        UUID7().encode("invoice-1")


class Strategy:
    """A strategy of a user's own."""

    def __init__(self, stored: Any) -> None:
        self.stored = stored

    def generate(self) -> Any:
        return self.stored

    def encode(self, job_id: Any) -> Any:
        return job_id

    def decode(self, stored: Any) -> Any:
        return stored


@pytest.mark.parametrize(
    ("strategy", "kind"),
    [
        (UUID7(), "uuid"),
        (UUID4(), "uuid"),
        (DatabaseGenerated(), "bigint"),
        (Strategy(41), "bigint"),
        (Strategy("a"), "text"),
        (Strategy(uuid4()), "uuid"),
    ],
)
def test_the_column_type_follows_from_what_is_stored(strategy: Any, kind: str) -> None:
    assert kind_of(strategy) == kind
    assert Queue(job_ids=strategy).kind == kind


@pytest.mark.parametrize("strategy", [UUID7, object(), uuid4, Strategy(b"bytes"), Strategy(1.5)])
def test_an_invalid_strategy_is_refused(strategy: Any) -> None:
    with pytest.raises(ConfigurationError):
        Queue(job_ids=strategy)
