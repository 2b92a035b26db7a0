"""What kind of callable something is: one that makes a coroutine, or one with a `yield` in it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import AsyncGeneratorType, GeneratorType
from typing import Any


def is_coroutine_function(function: Callable[..., Any]) -> bool:
    """
    Whether a call certainly makes a coroutine: an `async def`, a partial or a method of one, an object called by one.

    A decorator's plain function around an `async def` does not count: it may pass on the coroutine, or
    have run it already (as `asyncio.run` does). Only its return value shows which.

    >>> class Sends:
    ...     async def __call__(self, job): ...
    >>> is_coroutine_function(Sends()), is_coroutine_function(functools.partial(Sends(), 1)), is_coroutine_function(len)
    (True, True, False)
    """
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called(function))


def is_generator_function(function: Callable[..., Any]) -> bool:
    """
    Whether a call only makes a generator, plain or async, none of whose lines would ever run.

    >>> def rows():
    ...     yield 1
    >>> is_generator_function(rows), is_generator_function(len)
    (True, False)
    """
    runs = called(function)
    return inspect.isgeneratorfunction(runs) or inspect.isasyncgenfunction(runs)


def is_generator(value: object) -> bool:
    """Whether this is a generator, plain or async, and not something to await."""
    return isinstance(value, (GeneratorType, AsyncGeneratorType)) and not inspect.isawaitable(value)


def called(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function that runs in the end: behind partials, and for an object its class's `__call__`."""
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isroutine(function) or isinstance(function, type):
        return function
    method: Callable[..., Any] = type(function).__call__
    return method
