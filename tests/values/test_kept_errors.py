"""What a row keeps of an error: all that can be said, whatever the error is."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from proletarian.kept_errors import with_error


class Lost(Exception):
    """An error with an attribute that cannot be read any more."""

    @property
    def __cause__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("the session is closed")


class Hidden(Exception):
    """An error that hides where it comes from."""

    @property
    def __traceback__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("the session is closed")


class Mute(Exception):
    """An error without words."""

    def __str__(self) -> str:
        raise SystemExit(1)


def odd_syntax_error() -> Exception:
    """As parsers make it by hand: with numbers that are text."""
    place: Any = ("page.html", "12", "3", "{% if")
    return SyntaxError("bad template", place)


@pytest.mark.parametrize("make", [Lost, Hidden, Mute, odd_syntax_error], ids=lambda make: make.__name__)
def test_one_that_cannot_be_shown_keeps_its_type_and_where_it_was_raised(make: Callable[[], Exception]) -> None:
    try:
        raise make()
    except (Lost, Hidden, Mute, SyntaxError) as raised:
        error = raised

    [kept] = json.loads(with_error(None, error, attempt=1, worker="w", at=datetime.now(UTC)))

    assert kept["type"] == type(error).__qualname__
    assert "test_kept_errors.py" in kept["traceback"]


def test_it_says_where_its_class_is_whatever_its_message_looks_like() -> None:
    error = Lost("child failed:\nother.Lost: gone" + "x" * 10_000)

    [kept] = json.loads(with_error(None, error, attempt=1, worker="w", at=datetime.now(UTC)))

    assert (kept["module"], kept["type"]) == (__name__, "Lost")


def test_what_is_wrong_with_it_is_said() -> None:
    try:
        raise Lost("gone")
    except Lost as raised:
        error = raised

    [kept] = json.loads(with_error(None, error, attempt=1, worker="w", at=datetime.now(UTC)))

    assert kept["message"] == "gone"
    assert kept["traceback"].endswith(
        "Lost: gone\n<its traceback cannot be formatted: RuntimeError: the session is closed>\n"
    )


def test_one_that_was_never_raised_has_no_traceback() -> None:
    [kept] = json.loads(with_error(None, ValueError("x"), attempt=1, worker="w", at=datetime.now(UTC)))

    assert (kept["message"], kept["traceback"]) == ("x", "")
