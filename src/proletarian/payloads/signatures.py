"""
A handler's signature, read once: which parameters it has, and whether a payload can fill them.
"""

from __future__ import annotations

import contextlib
import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from proletarian.errors import ConfigurationError
from proletarian.job import Job
from proletarian.payloads.callables import called
from proletarian.payloads.plain import to_plain

JSON_TYPES = (str, int, float, bool, type(None))


class Signature:
    """
    The parameters of one handler, and whether its first one is the job itself.

    >>> def send(job: Job, account_id: int, note: str = "") -> None: ...
    >>> signature = Signature("send", send)
    >>> signature.takes_job, sorted(signature.known), signature.defaults
    (True, ['account_id', 'note'], {'note': ''})
    """

    def __init__(self, job_type: str, function: Callable[..., Any]) -> None:
        self.job_type = job_type
        self.function = function

    @cached_property
    def _read(self) -> tuple[bool, list[inspect.Parameter], dict[str, Any]]:
        try:
            found = list(inspect.signature(self.function).parameters.values())
            hints = typing.get_type_hints(called(self.function), include_extras=True)
        except (TypeError, ValueError, NameError) as error:
            raise ConfigurationError(
                f"the parameters of handler {self.job_type!r} cannot be read: {error}; "
                "its annotations must be importable at run time"
            ) from error
        takes_job = require_names(self.job_type, found, hints)
        return takes_job, found[1:] if takes_job else found, hints

    @property
    def takes_job(self) -> bool:
        """Whether the handler's first parameter is annotated as the job."""
        return self._read[0]

    @property
    def returns(self) -> Any:
        """The annotation of what the handler returns."""
        return self._read[2].get("return", inspect.Signature.empty)

    @cached_property
    def hints(self) -> dict[str, Any]:
        """Its annotations, resolved to types."""
        return self._read[2]

    @cached_property
    def named(self) -> list[inspect.Parameter]:
        """The parameters that a payload fills by name, in order."""
        return [p for p in self._read[1] if p.kind is not inspect.Parameter.VAR_KEYWORD]

    @cached_property
    def is_open(self) -> bool:
        """Whether the handler takes any further key (**payload)."""
        return len(self.named) < len(self._read[1])

    @cached_property
    def positional(self) -> list[str]:
        """The names of those that a positional argument may fill, in order."""
        return [p.name for p in self.named if p.kind is not inspect.Parameter.KEYWORD_ONLY]

    @cached_property
    def is_plain(self) -> bool:
        """Whether every parameter is required and can be passed by position: the common case, and the fast one."""
        plain = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return all(p.kind is plain and p.default is inspect.Parameter.empty for p in self._read[1])

    @cached_property
    def is_plain_typed(self) -> bool:
        """Whether JSON can express all that the annotations allow: then msgspec's strict check is enough."""
        return not self.is_open and all(is_plain_type(self.hints.get(p.name, Any)) for p in self.named)

    @cached_property
    def known(self) -> frozenset[str]:
        """The names of all parameters."""
        return frozenset(p.name for p in self.named)

    @cached_property
    def needed(self) -> frozenset[str]:
        """The names of those without a default."""
        return frozenset(p.name for p in self.named if p.default is inspect.Parameter.empty)

    def check_names(self) -> None:
        """
        Refuse parameters that no payload can fill, as far as they can be resolved now; raises `ConfigurationError`.

        Annotations may name something that is only imported later. Then they are checked on first use.
        """
        try:
            found = list(inspect.signature(self.function).parameters.values())
        except (TypeError, ValueError):
            return
        try:
            hints = typing.get_type_hints(self.function, include_extras=True)
        except Exception:  # noqa: BLE001 (annotations are expressions of the user's: they may raise anything)
            hints = {}
        require_names(self.job_type, found, hints)

    def require(self, names: Sequence[str], what: str) -> None:
        """Refuse names that are not parameters, as far as these can be resolved; raises `ConfigurationError`."""
        try:
            found = inspect.signature(self.function).parameters.values()
        except (TypeError, ValueError):
            return
        known = [parameter.name for parameter in found]
        unknown = [name for name in names if name not in known]
        if unknown and not any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in found):
            raise ConfigurationError(
                f"{self.job_type!r} {what} {unknown[0]!r}, but has no such parameter; it has:"
                f" {', '.join(known) or 'none'}"
            )

    @cached_property
    def defaults(self) -> Mapping[str, Any]:
        """The values, in plain form, of parameters that an enqueue leaves out."""
        plain = {}
        for parameter in self.named:
            if parameter.default is not inspect.Parameter.empty:
                with contextlib.suppress(TypeError):  # a value without such a form cannot be part of a key either
                    plain[parameter.name] = to_plain(parameter.default)
        return plain


def require_names(job_type: str, found: Sequence[inspect.Parameter], hints: Mapping[str, Any]) -> bool:
    """Whether a handler's first parameter is its job; refuses those that no payload can fill."""
    for place, parameter in enumerate(found):
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            raise ConfigurationError(
                f"handler {job_type!r} takes *args, but the values of a payload have names: use named parameters or "
                f"**payload"
            )
        if place == 0 and parameter.name in ("self", "cls"):
            raise ConfigurationError(
                f"handler {job_type!r} is a method that takes {parameter.name!r}, which cannot be in a payload: "
                f"make it a function, or a @staticmethod below the task decorator"
            )
        hint = hints.get(parameter.name)
        if place and hint is Job:
            raise ConfigurationError(
                f"handler {job_type!r}: parameter {parameter.name!r} is annotated Job, but the job comes first: "
                "make it the first parameter"
            )
        if hint is not Job and Job in typing.get_args(hint):
            raise ConfigurationError(
                f"handler {job_type!r}: parameter {parameter.name!r} is annotated {hint}; the job is annotated Job, "
                "nothing else"
            )
    return bool(found) and hints.get(found[0].name) is Job


def is_plain_type(hint: Any) -> bool:
    """
    Whether an annotation is one of JSON's scalar types, or a list, a dict or a union of these.

    >>> is_plain_type(int), is_plain_type(dict[str, list[str]] | None), is_plain_type(list), is_plain_type(Any)
    (True, True, False, False)
    """
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (list, typing.Union, types.UnionType):
        return all(map(is_plain_type, args))
    if origin is dict:
        return args[0] is str and is_plain_type(args[1])
    return hint in JSON_TYPES
