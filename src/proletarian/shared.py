"""
What plans and mixins need of what the application and its workers share: a `Queue`, seen from below.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from proletarian.ids import JobIds
    from proletarian.job import NewJob
    from proletarian.serializers import Serializer
    from proletarian.sql.dialect import Dialect
    from proletarian.sql.rows import NewRow


class Shared(Protocol):
    """What a plan needs from the queue whose tables it reads or writes."""

    @property
    def serializer(self) -> Serializer:
        """Reads and writes payloads."""

    @property
    def job_ids(self) -> JobIds:
        """Reads and writes ids."""

    @property
    def notifies(self) -> bool:
        """Whether an enqueue wakes sleeping workers."""

    def dialect(self, database: str) -> Dialect:
        """The dialect for its tables on one kind of database."""

    def now(self) -> datetime | None:
        """The time of its clock, if it has one."""

    def row(self, job: NewJob, dialect: Dialect) -> NewRow:
        """A job encoded for its row."""


class Returning(Protocol):
    """A task, as far as its result is concerned."""

    name: str

    @property
    def keeps_result(self) -> bool:
        """Whether the archive keeps what it returned."""

    @property
    def returns(self) -> Any:
        """What it returns, by its annotation."""

    def _shared(self) -> Shared:
        """The queue of its jobs."""


class OfAQueue(ABC):
    """Something that has a queue: the queue itself, or the tasks whose jobs are in it."""

    @abstractmethod
    def _shared(self) -> Shared:
        """That queue."""
