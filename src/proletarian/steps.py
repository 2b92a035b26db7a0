"""
Steps: parts of a handler's work whose results are kept, so that a later run of the job does not do them again.

Whatever has to be waited for is yielded, so one generator serves plain handlers and coroutines: `run_step` and
`arun_step` do the waiting.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import types
import typing
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from concurrent.futures import Future
from typing import Any, Protocol

import msgspec

from proletarian.errors import ConfigurationError, PayloadError, StepNotKept, UnreadablePayload, WrongCall
from proletarian.job import A_NAME, is_name
from proletarian.payloads.callables import called, is_coroutine_function
from proletarian.payloads.parameters import exact
from proletarian.payloads.plain import is_pydantic, rebuilt, to_plain
from proletarian.serializers import Serializer
from proletarian.sizes import Sizes

Step = Generator[Any, Any, Any]


class Store(Protocol):
    """Where the results of one run's steps are kept; callers wait for what its methods return."""

    def load(self) -> Future[Mapping[str, str]] | Awaitable[Mapping[str, str]]:
        """What earlier runs have kept: texts by step name."""

    def keep(self, name: str, text: str) -> Future[None] | Awaitable[None]:
        """Keep one more; raises `LeaseLost` if the job no longer belongs to this run."""


class Steps:
    """The steps of one run."""

    def __init__(self, store: Store, serializer: Serializer, sizes: Sizes) -> None:
        self._store = store
        self._serializer = serializer
        self._sizes = sizes
        self._stored: Mapping[str, str] | None = None
        self._taken: set[str] = set()
        self._lock = threading.Lock()

    def take(self, name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Step:
        """What this step returned in an earlier run; otherwise what it returns now, once that is kept."""
        kind = returned_by(name, function)
        self._begin(name)
        try:
            stored = self._stored
            if stored is None:
                stored = self._stored = yield self._store.load()
            if name in stored:
                return self._decoded(name, stored[name], kind)
            value = function(*args, **kwargs)
            if inspect.isawaitable(value):
                value = yield value
            text = self._encoded(name, value)
            yield self._store.keep(name, text)
        except BaseException:
            self._taken.discard(name)  # the handler may try again
            raise
        return self._decoded(name, text, kind)

    def _begin(self, name: str) -> None:
        if not is_name(name):
            raise ConfigurationError(f"a step's name is {A_NAME}, not {name!r}")
        with self._lock:
            if name in self._taken:
                raise ConfigurationError(
                    f"two steps of one run are named {name!r}, so the second would get the result of the first: "
                    f"number them, "
                    'as in f"charge-{n}"'
                )
            self._taken.add(name)

    def _encoded(self, name: str, value: Any) -> str:
        try:
            text = self._serializer.encode(to_plain(value))
            self._sizes.checked_result(text)
        except (PayloadError, TypeError, ValueError, RecursionError) as error:
            raise StepNotKept(f"step {name!r} has been done, but its result cannot be stored: {error}") from error
        return text

    def _decoded(self, name: str, text: str, kind: Any) -> Any:
        try:
            return msgspec.convert(exact(self._serializer.decode(text)), kind, str_keys=True, dec_hook=rebuilt)
        except (PayloadError, msgspec.ValidationError, ValueError, RecursionError) as error:
            raise UnreadablePayload(
                f"what step {name!r} returned, kept as {text[:60]!r}, does not fit {kind}: {error}; under another "
                f"name the step would be done again"
            ) from error


def returned_by(name: str, function: Callable[..., Any]) -> Any:
    """What a function returns, by its annotation; raises `ConfigurationError` if it could not be read back."""
    if not callable(function):
        raise ConfigurationError(f"step {name!r} takes a function and its arguments, not {function!r}")
    inner = called(inspect.unwrap(function))
    try:
        kind = typing.get_type_hints(inner, include_extras=True).get("return", Any)
    except Exception as error:  # annotations are the user's expressions, and may raise anything
        if "return" not in getattr(inner, "__annotations__", {}):
            return Any
        raise ConfigurationError(f"step {name!r}: what {function!r} returns cannot be determined: {error}") from error
    if typing.get_origin(kind) in (Awaitable, Coroutine):
        kind = typing.get_args(kind)[-1]
    if kind is Any or kind is types.NoneType:
        return kind
    try:
        msgspec.json.Decoder(kind, dec_hook=rebuilt)
        require_readable(kind)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"step {name!r}: {function!r} returns {kind}, which cannot be stored ({error}): return only what you "
            f"need, as plain data or a dataclass"
        ) from error
    return kind


def require_readable(kind: Any) -> None:
    """Raise `TypeError` for a class, or a union with one, that cannot be made from plain data here."""
    from msgspec import inspect as shapes

    shape = shapes.type_info(kind)
    for one in shape.types if isinstance(shape, shapes.UnionType) else (shape,):
        if isinstance(one, shapes.CustomType) and not is_pydantic(one.cls):
            raise TypeError(f"cannot make a {one.cls.__qualname__} from plain data")


def run_step(function: Callable[..., Any], step: Step) -> Any:
    """Do a step in this thread; raises `WrongCall` if there is something to await."""
    if is_coroutine_function(function) or _is_in_a_loop():
        step.close()
        raise WrongCall(
            "job.step blocks this thread: use `await job.astep(…)` in a coroutine, and for coroutine functions"
        )
    try:
        waited_for = next(step)
        while True:
            try:
                if not isinstance(waited_for, Future):
                    raise _nothing_awaits(waited_for)
                result = waited_for.result()
            except BaseException as error:  # noqa: BLE001 (the step is told)
                waited_for = step.throw(error)
            else:
                waited_for = step.send(result)
    except StopIteration as end:
        return end.value


async def arun_step(step: Step) -> Any:
    """Do a step in a coroutine; a result that it has begun to keep is kept even if the coroutine is cancelled."""
    try:
        waited_for = next(step)
        while True:
            try:
                if isinstance(waited_for, Future):
                    waited_for = asyncio.shield(asyncio.wrap_future(waited_for))
                result = await waited_for
            except BaseException as error:  # noqa: BLE001 (the step is told)
                waited_for = step.throw(error)
            else:
                waited_for = step.send(result)
    except StopIteration as end:
        return end.value


def _nothing_awaits(waited_for: Any) -> WrongCall:
    if inspect.iscoroutine(waited_for):
        waited_for.close()
    return WrongCall("this step returns something to await: use `await job.astep(…)`")


def _is_in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
