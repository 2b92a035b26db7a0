"""What is too large, or cannot be stored, is refused where it is put in, in clear words."""

from __future__ import annotations

from typing import Any

import pytest

from proletarian import ConfigurationError, NewJob, PayloadError, Queue, Sizes
from tests.databases import PrivateDatabase

SMALL = Queue(sizes=Sizes(payload=100, headers=2, header_text=60))

REFUSED = {
    "payload": ({"payload": "x" * 99}, "the payload of 'greet' has 101 characters, and 100 are allowed"),
    "headers": ({"headers": {"a": "1", "b": "2", "c": "3"}}, "3 headers, and 2 are allowed"),
    "header text": ({"headers": {"a": "x" * 60}}, "characters, and 60 are allowed"),
    "half a character": ({"headers": {"a": "\ud800"}}, "half a character"),
}


@pytest.mark.parametrize(("options", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_a_job_that_is_too_large_is_refused_and_nothing_is_sent(
    sqlite: PrivateDatabase, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(PayloadError, match=said):
        sqlite.put(NewJob("greet", **options), queue=SMALL)
    assert sqlite.count("job") == 0


@pytest.mark.parametrize("name", ["", " mail", "mail ", "a" * 192, "a\0b", "\ud800", 3])
def test_a_name_that_no_database_stores_as_it_is_is_refused(name: Any) -> None:
    with pytest.raises(ConfigurationError):
        NewJob(name)
    with pytest.raises(ConfigurationError):
        NewJob("greet", queue=name)


def test_what_is_within_the_limits_goes_through(database: PrivateDatabase) -> None:
    database.put(NewJob("greet", "x" * 3_000_000, headers={"tenant": "ä" * 1000}))
    assert database.count("job") == 1


def test_a_serializer_must_give_text_that_can_be_stored(sqlite: PrivateDatabase) -> None:
    class Bad:
        def __init__(self, text: Any) -> None:
            self.text = text

        def encode(self, data: Any) -> Any:
            return self.text

        def decode(self, text: str) -> Any:
            return text

    for text in (b"bytes", "a\0b", "\ud800", None):
        with pytest.raises(PayloadError):
            sqlite.put(NewJob("greet"), queue=Queue(serializer=Bad(text)))


@pytest.mark.parametrize("value", [-1, 1.5, True, "4"])
def test_sizes_are_whole_numbers(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="payload is a whole number"):
        Sizes(payload=value)


def test_sizes_are_a_sizes_value() -> None:
    with pytest.raises(ConfigurationError, match="sizes is a Sizes value"):
        Queue(sizes=4)  # type: ignore[arg-type]
