"""
Which authorities the tests trust: none, because all that they connect to is on this machine.

PyMySQL reads every certificate that the machine trusts for each connection that it opens. That is 20 ms of
computing, more than most tests need for all the rest. A program that goes out has the machine's own ones again.
"""

from __future__ import annotations

import os

FILE, OWN = "SSL_CERT_FILE", "SSL_CERT_FILE_OF_THE_MACHINE"


def trust_none() -> None:
    """For this process, and for all that it starts."""
    os.environ.setdefault(OWN, os.environ.get(FILE, ""))
    os.environ[FILE] = os.devnull


def going_out() -> dict[str, str]:
    """The environment of a program that asks a server elsewhere, such as the package index."""
    kept = {name: value for name, value in os.environ.items() if name not in (FILE, OWN)}
    return kept | ({FILE: own} if (own := os.environ.get(OWN)) else {})
