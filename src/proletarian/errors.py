"""
Everything this library raises.

    ProletarianError
    ├── ConfigurationError        the program is wired wrongly; fix the code
    │   ├── UnknownConnection     no driver knows this connection, or it is closed
    │   ├── WrongCall             a plain call on an async connection, or the reverse
    │   ├── UnknownJobType        no handler has this name
    │   ├── JobIdTaken            another job has this id
    │   ├── UnknownSchedule       no schedule has this name
    │   └── FilterError           a filter of jobs cannot be read, or asks for something impossible
    ├── PayloadError              a payload does not fit its handler, or cannot be encoded
    │   ├── UnreadablePayload     a stored payload that no run will ever be able to read
    │   └── StepNotKept           what a step returned cannot be kept
    ├── WrongState                a job is in the wrong state for this: for example a retry while it waits
    ├── AlreadyEnqueued           a unique job exists already, and its task says to raise
    ├── JobFailed                 a job that was waited for has failed for good
    ├── JobCancelled              a job that was waited for was cancelled
    ├── LeaseLost                 another worker owns this job now
    ├── ProcessDied               the child process that ran a job died, or had to be ended
    ├── WorkerLost                the workers that ran this job died under it, one time too many
    ├── SchemaOutOfDate           the tables are missing, or of another release than the code
    ├── DatabaseUnavailable       the database cannot be reached
    │   └── PermissionDenied      it was reached, and the account may not do this
    ├── LookTookTooLong           a look at jobs was ended: it would have kept the database busy
    └── StopTimeout               jobs were still running when the time to stop was over
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any


class ProletarianError(Exception):
    """Catch this to catch every error that the library raises on purpose."""


class ConfigurationError(ProletarianError):
    """The program is set up wrongly: a wrong option, handler, strategy or connection."""


class UnknownConnection(ConfigurationError):
    """The object given is not a connection that can be used here: of no known library, a pool, or closed."""


class WrongCall(ConfigurationError):
    """A blocking call was given an async connection, or vice versa."""


class UnknownJobType(ConfigurationError):
    """No handler is registered under this job type."""


class UnknownSchedule(ConfigurationError):
    """No schedule of this application has this name."""


class FilterError(ConfigurationError):
    """A job filter is invalid, or asks for something impossible."""


class JobIdTaken(ConfigurationError):
    """A job id was given to two jobs, and the other job already exists."""


class PayloadError(ProletarianError):
    """A payload does not fit its handler, or cannot be encoded."""


class UnreadablePayload(PayloadError):
    """A stored payload cannot be decoded or does not fit its handler; trying again cannot help."""


class StepNotKept(PayloadError):
    """A step has been done, but its result cannot be stored; the job fails, because a retry would repeat the step."""


class WrongState(ProletarianError):
    """A job is in the wrong state for this; the message names its state."""


class AlreadyEnqueued(ProletarianError):
    """An equal unique job exists; `job_id` is its id, `key` the common key. Your transaction is still usable."""

    def __init__(self, job_id: Any, key: str) -> None:
        super().__init__(f"job {job_id} already exists with the unique key {key!r}; nothing was enqueued")
        self.job_id = job_id
        self.key = key

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.job_id, self.key)


class JobFailed(ProletarianError):
    """
    A job that was waited for has failed for good.

    `job_id`, `job_type`, `attempts`. `error` is the last failure that its row keeps: a mapping of type, message,
    traceback, attempt, at and worker (empty if it keeps none); `errors` are all of them, oldest first.
    """

    def __init__(self, job_id: Any, job_type: str, attempts: int, errors: Sequence[Mapping[str, Any]]) -> None:
        self.job_id, self.job_type, self.attempts, self.errors = job_id, job_type, attempts, tuple(errors)
        self.error: Mapping[str, Any] = self.errors[-1] if self.errors else {}
        why = f": {self.error.get('type')}: {self.error.get('message')}" if self.error else ""
        super().__init__(f"job {job_id} ({job_type}) has failed for good, in run {attempts}{why}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.job_id, self.job_type, self.attempts, self.errors)


class JobCancelled(ProletarianError):
    """A job that was waited for was cancelled; `reason` says why, `job_id` and `job_type` which it was."""

    def __init__(self, job_id: Any, job_type: str, reason: str) -> None:
        super().__init__(f"job {job_id} ({job_type}) was cancelled: {reason or 'no reason given'}")
        self.job_id, self.job_type, self.reason = job_id, job_type, reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.job_id, self.job_type, self.reason)


class LeaseLost(ProletarianError):
    """The job was taken back from this run, whose outcome no longer counts."""


class WorkerLost(ProletarianError):
    """Workers died while running this job, as often as `lost_limit` allows."""


class ProcessDied(ProletarianError):
    """The child process that ran a job died: by a signal, by an exit, or for lack of memory."""


class SchemaOutOfDate(ProletarianError):
    """The tables are missing, or older or newer than this release can use."""

    def advising(self, command: str) -> SchemaOutOfDate:
        """
        The same, where another command creates the tables, or where its arguments are known.

        >>> SchemaOutOfDate("no tables; run `proletarian migrate URL`").advising("manage.py migrate")
        SchemaOutOfDate('no tables; run `manage.py migrate`')
        """
        return SchemaOutOfDate(re.sub(r"`proletarian migrate [^`]*`", lambda _: f"`{command}`", str(self)))


class DatabaseUnavailable(ProletarianError):
    """The database cannot be reached, or refuses us."""


class PermissionDenied(DatabaseUnavailable):
    """The account that was used may not do this in the database."""

    @classmethod
    def said(cls, error: Exception) -> PermissionDenied:
        """With the database's message, and how to grant the privileges."""
        first = str(error.args[-1] if error.args else error).strip().splitlines()[0]
        return cls(
            f"{first}: the account lacks a privilege that this needs; `proletarian roles` prints the SQL that grants it"
        )


class StopTimeout(ProletarianError):
    """Jobs were still running when the time to stop was over; they went back to the queue."""


class LookTookTooLong(ProletarianError):
    """A look at jobs took longer than it may, and the database ended it; nothing was changed."""
