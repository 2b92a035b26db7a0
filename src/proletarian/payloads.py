"""
A handler's parameters are its payload: written at the enqueue, rebuilt for the run.

`Parameters` reads a function's signature once. `pack` turns the arguments of an enqueue
into a plain dict, after making sure that they fit the annotations; `unpack` turns the
stored dict back into arguments of the annotated types.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import msgspec

from proletarian.errors import ConfigurationError, PayloadError, UnreadablePayload
from proletarian.job import Job
from proletarian.serializers import to_plain

JSON_TYPES = (str, int, float, bool, type(None))


class Parameters:
    """
    The parameters of one handler, and whether its first one is the job itself.

    >>> def send(job: Job, account_id: int, note: str = "") -> None: ...
    >>> parameters = Parameters("send", send)
    >>> parameters.takes_job, parameters.pack((42,), {})
    (True, {'account_id': 42})
    >>> parameters.unpack({"account_id": 42})
    ((42, ''), {})
    """

    def __init__(self, job_type: str, function: Callable[..., Any]) -> None:
        self.job_type = job_type
        self.function = function

    @cached_property
    def _read(self) -> tuple[bool, list[inspect.Parameter], dict[str, Any]]:
        try:
            found = list(inspect.signature(self.function).parameters.values())
            hints = typing.get_type_hints(self.function, include_extras=True)
        except (TypeError, ValueError, NameError) as error:
            raise ConfigurationError(
                f"the parameters of handler {self.job_type!r} cannot be read: {error}; "
                "its annotations must be importable at run time"
            ) from error
        takes_job = bool(found) and hints.get(found[0].name) is Job
        found = found[1:] if takes_job else found
        if any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in found):
            raise ConfigurationError(
                f"handler {self.job_type!r} takes *args; a payload has names: use named parameters or **payload"
            )
        return takes_job, found, hints

    @property
    def takes_job(self) -> bool:
        """Whether the handler's first parameter is annotated as the job."""
        return self._read[0]

    @cached_property
    def _named(self) -> list[inspect.Parameter]:
        return [p for p in self._read[1] if p.kind is not inspect.Parameter.VAR_KEYWORD]

    @cached_property
    def _open(self) -> bool:
        """Whether the handler takes any further key (**payload)."""
        return len(self._named) < len(self._read[1])

    @cached_property
    def _positional(self) -> list[str]:
        return [p.name for p in self._named if p.kind is not inspect.Parameter.KEYWORD_ONLY]

    @cached_property
    def _is_plain(self) -> bool:
        """Whether every parameter is needed and can be passed by position: the common case, and the quick one."""
        plain = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return all(p.kind is plain and p.default is inspect.Parameter.empty for p in self._read[1])

    @cached_property
    def _shape(self) -> type[msgspec.Struct]:
        hints = self._read[2]
        fields: list[Any] = []
        for parameter in self._named:
            annotation = hints.get(parameter.name, Any)
            if parameter.default is inspect.Parameter.empty:
                fields.append((parameter.name, annotation))
            else:
                # A default is handed over as it is, never copied or checked: UNSET tells that it applies.
                fields.append((parameter.name, annotation | msgspec.UnsetType, msgspec.UNSET))
        try:
            shape = msgspec.defstruct(
                f"{self.job_type} payload", fields, kw_only=True, forbid_unknown_fields=not self._open
            )
            msgspec.json.Decoder(shape, dec_hook=_rebuild_model)  # annotations that cannot work fail here
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"the annotations of handler {self.job_type!r} cannot be used: {error}") from error
        return shape

    def check(self) -> None:
        """Read everything now; raises `ConfigurationError` for a handler that can never run."""
        _ = self._shape

    def pack(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """
        The arguments as a plain dict, checked against the annotations.

        Raises `PayloadError` that names the parameter which does not fit.
        """
        if self._is_annotated and not args:
            # The common case, and the quick one: the shape knows as well what is missing and what is too much.
            # Texts and numbers need no options of msgspec's, and those take it longer than the work.
            try:
                quick: dict[str, Any]
                if self._is_scalar:
                    quick = msgspec.to_builtins(kwargs)
                    msgspec.convert(quick, self._shape)
                else:
                    quick = to_plain(kwargs)
                    msgspec.convert(quick, self._shape, str_keys=True, dec_hook=_rebuild_model)
                return quick
            except (TypeError, ValueError, RecursionError, msgspec.ValidationError):
                pass  # said below, with the parameter's name
        given = self._bind(args, kwargs)
        try:
            plain: dict[str, Any] = to_plain(given)
        except (TypeError, ValueError, RecursionError):
            plain = {name: self._plain(name, value) for name, value in given.items()}
        for name in () if given.keys() <= self._annotated else given.keys() - self._annotated:
            if not comes_back(given[name]):
                raise PayloadError(
                    f"{self.job_type}: parameter {name!r} is given a {type(given[name]).__name__}, which would come "
                    f"back as {type(plain[name]).__name__}; annotate the parameter with its type"
                )
        self._fit(plain, PayloadError)
        return plain

    def _plain(self, name: str, value: Any) -> Any:
        try:
            return to_plain(value)
        except (TypeError, ValueError, RecursionError) as error:
            raise PayloadError(f"{self.job_type}: parameter {name!r} cannot be stored: {error}") from error

    @cached_property
    def _annotated(self) -> frozenset[str]:
        """Parameters whose annotation says how to rebuild them."""
        hints = self._read[2]
        return frozenset(p.name for p in self._named if hints.get(p.name, Any) is not Any)

    @cached_property
    def _is_annotated(self) -> bool:
        """Whether that holds for all that can be given."""
        return not self._open and len(self._annotated) == len(self._named)

    @cached_property
    def _is_scalar(self) -> bool:
        """Whether all annotations are of JSON's single values."""
        return all(is_scalar(hint) for hint in map(self._read[2].get, self._annotated))

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(p.name for p in self._named)

    @cached_property
    def _needed(self) -> frozenset[str]:
        return frozenset(p.name for p in self._named if p.default is inspect.Parameter.empty)

    def _bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        names = self._positional
        if len(args) > len(names):
            raise PayloadError(
                f"{self.job_type} takes {len(names)} positional arguments ({', '.join(names)}), not {len(args)}"
            )
        given = dict(zip(names, args, strict=False))
        if twice := given.keys() & kwargs.keys():
            raise PayloadError(f"{self.job_type}: parameter {min(twice)!r} is given twice")
        given.update(kwargs)
        if not self._open and not given.keys() <= self._known:
            raise PayloadError(
                f"{self.job_type} has no parameter {min(given.keys() - self._known)!r}; "
                f"it has: {', '.join(p.name for p in self._named) or 'none'}"
            )
        missing = [p.name for p in self._named if p.name in self._needed and p.name not in given]
        if missing:
            raise PayloadError(f"{self.job_type}: parameter {missing[0]!r} is missing")
        return given

    def _fit(self, payload: Any, wrong: type[PayloadError]) -> msgspec.Struct:
        try:
            return msgspec.convert(payload, self._shape, str_keys=True, dec_hook=_rebuild_model)
        except (msgspec.ValidationError, RecursionError) as error:
            message, _, path = str(error).partition(" - at `$.")
            where = f"parameter {path.rstrip('`')!r}: " if path else ""
            raise wrong(f"{self.job_type}: {where}{message}") from error

    def unpack(self, payload: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments of the annotated types; raises `UnreadablePayload` for a payload that does not fit."""
        payload = {} if payload is None else payload
        if not isinstance(payload, dict):
            raise UnreadablePayload(
                f"{self.job_type} takes a payload of named parameters, not a {type(payload).__name__}"
            )
        try:
            values = msgspec.convert(payload, self._shape, str_keys=True, dec_hook=_rebuild_model)
        except (msgspec.ValidationError, RecursionError):
            # Texts of a serializer's own kind, as Transit's keywords, do not fit str; what does not fit at all raises.
            payload = exact(payload)
            values = self._fit(payload, UnreadablePayload)
        if self._is_plain:
            return msgspec.structs.astuple(values), {}
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for parameter in self._named:
            value = getattr(values, parameter.name)
            value = parameter.default if value is msgspec.UNSET else value
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                kwargs[parameter.name] = value
            else:
                args.append(value)
        if self._open:
            kwargs.update({key: value for key, value in payload.items() if key not in values.__struct_fields__})
        return tuple(args), kwargs


def is_scalar(hint: Any) -> bool:
    """
    Whether an annotation is one of JSON's single values, or one of several.

    >>> is_scalar(int), is_scalar(str | None), is_scalar(list[int])
    (True, True, False)
    """
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return all(is_scalar(option) for option in typing.get_args(hint))
    return hint in JSON_TYPES


def exact(value: Any) -> Any:
    """The same with every text a plain one, and every tuple a list."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {exact(key): exact(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [exact(item) for item in value]
    return value


def comes_back(value: Any) -> bool:
    """Whether JSON gives this value back as it is, without an annotation to rebuild it."""
    if isinstance(value, JSON_TYPES):
        return type(value) in JSON_TYPES
    if type(value) is list:
        return all(comes_back(item) for item in value)
    if type(value) is dict:
        return all(type(key) is str and comes_back(item) for key, item in value.items())
    return False


def _rebuild_model(kind: type, plain: Any) -> Any:
    """What msgspec does not know: pydantic's models, without importing pydantic."""
    if callable(validate := getattr(kind, "model_validate", None)):
        return validate(plain)
    raise TypeError(f"no way to make a {getattr(kind, '__name__', kind)} from a payload")
