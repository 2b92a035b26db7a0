"""
Queues and job types as a Clojure application writes them: printed keywords.

Its workers read these names back, and one that cannot be read stops them with the job still
first in line. So names are checked when a job is enqueued.
"""

from __future__ import annotations

import re

from proletarian.errors import ConfigurationError

DEFAULT_QUEUE = ":proletarian/default"
# A part does not begin with a digit; both sides read these characters in the same way.
_PART = r"[A-Za-z*!_?<>=$%&+.-](?:[A-Za-z0-9*!_?<>=$%&+.'#-])*"
_KEYWORD = re.compile(rf":(?:{_PART}/)?{_PART}")


def check_name(name: str) -> None:
    """
    Refuse a name that a Clojure worker could not read.

    >>> check_name(":app/send-mail")
    >>> check_name("send_mail")
    Traceback (most recent call last):
    ...
    proletarian.errors.ConfigurationError: 'send_mail' is not a printed keyword; in tables shared with Clojure ...
    """
    if not _KEYWORD.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} is not a printed keyword; in tables shared with Clojure queues and job types "
            "are written as :app/send-mail"
        )
