"""
An error from another process, reproduced here with its type, its message, and where it was raised.

The error itself is pickled if possible, to let a retry strategy check its type. Otherwise it is replaced by an error
whose type has the same name.
"""

from __future__ import annotations

import pickle

import msgspec

from proletarian.kept_errors import message_of, traceback_of


class ElsewhereTraceback(Exception):
    """The traceback from the other process, as the cause of the error here."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"\n\n{self.text}"


class Unpicklable(Exception):
    """Stands in for an error that could not be transferred from the process that raised it."""


class Packed(msgspec.Struct, frozen=True, gc=False):
    """An error in transit."""

    name: str
    module: str
    message: str
    traceback: str
    pickled: bytes | None


def packed(error: BaseException) -> bytes:
    """Any error, as bytes."""
    pickled: bytes | None = None
    try:
        known = pickle.dumps(error)
        pickle.loads(known)  # noqa: S301 (our own bytes; fails here if `__init__` needs more than `args`)
        pickled = known
    except BaseException:  # noqa: BLE001, S110 (the user's code)
        pass
    kind = type(error)
    said = Packed(kind.__qualname__, str(kind.__module__), message_of(error), traceback_of(error), pickled)
    return msgspec.msgpack.encode(said)


def unpacked(data: bytes) -> BaseException:
    """
    The error, with its traceback in the other process as its cause; never raises.

    >>> error = unpacked(packed(KeyError("a")))
    >>> type(error), error.args
    (<class 'KeyError'>, ('a',))
    >>> class Odd(Exception):
    ...     def __init__(self, a, b):
    ...         super().__init__(f"{a} and {b}")
    >>> odd = unpacked(packed(Odd(1, 2)))
    >>> type(odd).__name__, str(odd), isinstance(odd, Unpicklable)
    ('Odd', '1 and 2', True)
    """
    known = msgspec.msgpack.decode(data, type=Packed)
    error: BaseException | None = None
    if known.pickled is not None:
        try:
            found = pickle.loads(known.pickled)  # noqa: S301 (from our own child)
            error = found if isinstance(found, BaseException) else None
        except BaseException:  # noqa: BLE001, S110 (the user's code; a module that only the child has, say)
            pass
    if error is None:
        error = type(known.name, (Unpicklable,), {"__module__": known.module})(known.message)
    try:
        raise error from (ElsewhereTraceback(known.traceback) if known.traceback else error.__cause__)
    except BaseException as here:  # noqa: BLE001 (the error just raised, which now has the tracebacks)
        return here
