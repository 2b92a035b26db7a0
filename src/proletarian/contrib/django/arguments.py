"""The arguments of a job as people write a call."""

from __future__ import annotations

import json

LONGEST = 120


def arguments_of(job_type: str, payload: str) -> str:
    """
    What a payload holds, as the arguments of a call; shortened, and as it is stored if it is not a JSON object.

    >>> arguments_of("confirm", '{"order_id": 7, "note": "now"}')
    "order_id=7, note='now'"
    >>> arguments_of("shop.tasks.count", '{"args": [1], "kwargs": {"two": 3}}')
    '1, two=3'
    >>> arguments_of("confirm", "[1, 2]")
    '[1, 2]'
    """
    try:
        held = json.loads(payload)
    except (ValueError, RecursionError):
        held = None
    if not isinstance(held, dict):
        text = payload
    elif set(held) == {"args", "kwargs"} and "." in job_type:  # a Django task
        text = ", ".join([*map(repr, held["args"]), *named(held["kwargs"])])
    else:
        text = ", ".join(named(held))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def named(arguments: dict[str, object]) -> list[str]:
    """Each with its name."""
    return [f"{name}={value!r}" for name, value in arguments.items()]
