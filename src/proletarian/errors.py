"""
Everything this library raises.

    ProletarianError
    ├── ConfigurationError        the program is wired wrongly; fix the code
    │   ├── UnknownConnection     no driver knows this connection, or it is closed
    │   ├── WrongCall             a plain call on an async connection, or the reverse
    │   └── UnknownJobType        no handler has this name
    ├── PayloadError              a payload does not fit its handler, or cannot be encoded
    │   └── UnreadablePayload     a stored payload that no run will ever be able to read
    ├── LeaseLost                 another worker owns this job now
    ├── WorkerLost                the workers that ran this job died under it, once too often
    ├── SchemaOutOfDate           the tables are missing, or of another release than the code
    ├── DatabaseUnavailable       the database cannot be reached
    └── StopTimeout               jobs were still running when the time to stop was over
"""

from __future__ import annotations


class ProletarianError(Exception):
    """Catch this to catch every error that the library raises on purpose."""


class ConfigurationError(ProletarianError):
    """The program is wired wrongly: a wrong option, handler, strategy or connection."""


class UnknownConnection(ConfigurationError):
    """The object given is no connection that can be used here: of no known library, a pool, or closed."""


class WrongCall(ConfigurationError):
    """A blocking call was given an async connection, or the reverse."""


class UnknownJobType(ConfigurationError):
    """No handler is registered under this job type."""


class PayloadError(ProletarianError):
    """A payload does not fit its handler, or cannot be encoded."""


class UnreadablePayload(PayloadError):
    """A stored payload cannot be decoded or does not fit its handler; trying again cannot help."""


class LeaseLost(ProletarianError):
    """The job was taken back from this run; nothing this run says about it counts."""


class WorkerLost(ProletarianError):
    """A job's workers died under it as often as is allowed."""


class SchemaOutOfDate(ProletarianError):
    """The tables are missing, or older or newer than this release can use."""


class DatabaseUnavailable(ProletarianError):
    """The database cannot be reached, or refuses us."""


class StopTimeout(ProletarianError):
    """Jobs were still running when the time to stop was over; they were given back."""
