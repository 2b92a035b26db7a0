"""
A handler's parameters are its payload: written at the enqueue, rebuilt for the run.

`pack` turns the arguments of an enqueue into a plain dict, after making sure that they fit the
annotations; `unpack` turns the stored dict back into arguments of the annotated types.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import msgspec

from proletarian.errors import ConfigurationError, PayloadError, UnreadablePayload
from proletarian.payloads.fidelity import change, unfit
from proletarian.payloads.plain import rebuilt, simpler, to_plain
from proletarian.payloads.signatures import Signature


class Parameters(Signature):
    """
    The parameters of one handler, and the conversion of its arguments into a payload and back.

    >>> from proletarian import Job
    >>> def send(job: Job, account_id: int, note: str = "") -> None: ...
    >>> parameters = Parameters("send", send)
    >>> parameters.takes_job, parameters.pack((42,), {})
    (True, {'account_id': 42})
    >>> parameters.unpack({"account_id": 42})
    ((42, ''), {})
    """

    @cached_property
    def _shape(self) -> type[msgspec.Struct]:
        hints = self.hints
        fields: list[Any] = []
        for parameter in self.named:
            annotation = hints.get(parameter.name, Any)
            if parameter.default is inspect.Parameter.empty:
                fields.append((parameter.name, annotation))
            else:
                # A default is passed as it is, never copied or checked: UNSET means that it applies.
                fields.append((parameter.name, annotation | msgspec.UnsetType, msgspec.UNSET))
        try:
            shape = msgspec.defstruct(
                f"{self.job_type} payload", fields, kw_only=True, forbid_unknown_fields=not self.is_open
            )
            msgspec.json.Decoder(shape, dec_hook=rebuilt)  # annotations that cannot work fail here
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"the annotations of handler {self.job_type!r} cannot be used: {error}") from error
        return shape

    def check(self) -> None:
        """Read everything now; raises `ConfigurationError` for a handler that can never run."""
        _ = self._shape

    def pack(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """
        The arguments as a plain dict, checked against the annotations.

        Raises `PayloadError`, which names the parameter that does not fit.
        """
        if self.is_plain_typed and not args:
            # The common case, and the fast one: the shape also knows what is missing and what is too much.
            # Strings and numbers need no msgspec options, which would take longer than the work itself.
            try:
                msgspec.convert(kwargs, self._shape)
                quick: dict[str, Any] = msgspec.to_builtins(kwargs)
                return quick
            except (TypeError, ValueError, RecursionError, msgspec.ValidationError):
                pass  # reported below with the parameter's name, or converted
        given = self._bind(args, kwargs)
        plain = self._written(given)
        back = self._fit(plain, PayloadError)
        hints = self.hints
        for name, value in given.items():
            known = name in self.known
            found = change(value, getattr(back, name) if known else plain[name], hints.get(name, Any) if known else Any)
            if found:
                raise PayloadError(f"{self.job_type}: parameter {name!r}: {name}{found}")
        return plain

    def _written(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as JSON; raises `PayloadError` for one that JSON cannot express."""
        try:
            text = msgspec.json.encode(given, enc_hook=simpler)
            if b"null" in text:  # msgspec writes NaN as null; the standard library refuses it
                json.dumps(to_plain(given), allow_nan=False)
            read: dict[str, Any] = msgspec.json.decode(text)
            return read
        except Exception:  # noqa: BLE001, S110 (a class's own code may raise anything; it is said below)
            pass
        return {name: self._one_written(name, value) for name, value in given.items()}

    def _one_written(self, name: str, value: Any) -> Any:
        try:
            plain = to_plain(value)
            if found := unfit(plain):
                raise ValueError(name + found)
            return msgspec.json.decode(msgspec.json.encode(plain))
        except Exception as error:
            raise PayloadError(f"{self.job_type}: parameter {name!r} cannot be stored: {error}") from error

    def _bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        names = self.positional
        if len(args) > len(names):
            raise PayloadError(
                f"{self.job_type} takes {len(names)} positional arguments ({', '.join(names)}), not {len(args)}"
            )
        given = dict(zip(names, args, strict=False))
        if twice := given.keys() & kwargs.keys():
            raise PayloadError(f"{self.job_type}: parameter {min(twice)!r} is given twice")
        given.update(kwargs)
        if not self.is_open and not given.keys() <= self.known:
            raise PayloadError(
                f"{self.job_type} has no parameter {min(given.keys() - self.known)!r}; "
                f"it has: {', '.join(p.name for p in self.named) or 'none'}"
            )
        missing = [p.name for p in self.named if p.name in self.needed and p.name not in given]
        if missing:
            raise PayloadError(f"{self.job_type}: parameter {missing[0]!r} is missing")
        return given

    def _fit(self, payload: Any, wrong: type[PayloadError]) -> msgspec.Struct:
        try:
            return msgspec.convert(payload, self._shape, str_keys=True, dec_hook=rebuilt)
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
            values = msgspec.convert(payload, self._shape, str_keys=True, dec_hook=rebuilt)
        except (msgspec.ValidationError, RecursionError):
            # A serializer's own string types, such as Transit's keywords, do not fit str; anything else raises here.
            payload = exact(payload)
            values = self._fit(payload, UnreadablePayload)
        if self.is_plain:
            return msgspec.structs.astuple(values), {}
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for parameter in self.named:
            value = getattr(values, parameter.name)
            value = parameter.default if value is msgspec.UNSET else value
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                kwargs[parameter.name] = value
            else:
                args.append(value)
        if self.is_open:
            kwargs.update({key: value for key, value in payload.items() if key not in values.__struct_fields__})
        return tuple(args), kwargs


def exact(value: Any) -> Any:
    """The same with every string a plain str, and every tuple a list."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {exact(key): exact(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [exact(item) for item in value]
    return value
