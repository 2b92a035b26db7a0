"""How long a worker runs, what ends it besides a signal, and how it is named."""

from __future__ import annotations

import random
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from proletarian.errors import ConfigurationError
from proletarian.times.durations import Duration, in_seconds

SPREAD = 0.1  # the share of a lifetime by which it may be shortened at random


@dataclass(frozen=True)
class Span:
    """After how many runs, and after how many seconds, a worker stops by itself; None: never."""

    max_jobs: int | None = None
    max_lifetime: float | None = None

    @classmethod
    def made(cls, max_jobs: object, max_lifetime: Duration | None) -> Span:
        """
        A span from the options of a worker, or a clear error.

        >>> Span.made(0, None)
        Traceback (most recent call last):
        proletarian.errors.ConfigurationError: max_jobs is a number of jobs, 1 or more, not 0
        """
        if max_jobs is None:
            jobs = None
        elif isinstance(max_jobs, int) and not isinstance(max_jobs, bool) and max_jobs >= 1:
            jobs = max_jobs
        else:
            raise ConfigurationError(f"max_jobs is a number of jobs, 1 or more, not {max_jobs!r}")
        return cls(jobs, None if max_lifetime is None else in_seconds(max_lifetime, "max_lifetime", zero=False))

    def begun(self) -> Callable[[int], str | None]:
        """
        Start the clock; returns a function of the number of runs so far that names the option reached, if any.

        >>> over = Span(max_jobs=2).begun()
        >>> over(1), over(2)
        (None, 'max_jobs')
        """
        lifetime = self.max_lifetime
        ends = None if lifetime is None else time.monotonic() + lifetime * random.uniform(1 - SPREAD, 1)  # noqa: S311

        def over(ran: int) -> str | None:
            if self.max_jobs is not None and ran >= self.max_jobs:
                return "max_jobs"
            return "max_lifetime" if ends is not None and time.monotonic() >= ends else None

        return over


def host_of(name: object) -> str:
    """
    This machine, as a worker's row names it: after the worker's own name and an @, if it has a name.

    >>> host_of("mail").startswith("mail@")
    True
    >>> host_of("a b")
    Traceback (most recent call last):
    proletarian.errors.ConfigurationError: name is up to 64 letters, digits, _ . and -, not 'a b'
    """
    host = socket.gethostname()
    if name in ("", None):
        return host
    if not isinstance(name, str) or not re.fullmatch(r"[\w.-]{1,64}", name):
        raise ConfigurationError(f"name is up to 64 letters, digits, _ . and -, not {name!r}")
    return f"{name}@{host}"
