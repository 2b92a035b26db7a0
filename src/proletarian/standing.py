"""Where a value is defined: the module, and the name in it, by which another process finds the same value."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any


def place_of(value: object, likely: Iterable[str]) -> tuple[str, str]:
    """
    The module and the name of a value; `likely` modules are searched first, because others may have imported it.

    Raises `PicklingError` if it has no name.

    >>> place_of(pickle.HIGHEST_PROTOCOL, ["pickle"])
    ('pickle', 'HIGHEST_PROTOCOL')
    """
    for module in dict.fromkeys([*likely, *sys.modules]):
        for name, other in list(getattr(sys.modules.get(module), "__dict__", {}).items()):
            if other is value:
                return module, name
    raise pickle.PicklingError(f"{value!r:.100} has no name in a module")


def standing(module: str, name: str) -> Any:
    """The value with this name in a module."""
    return getattr(import_module(module), name)
