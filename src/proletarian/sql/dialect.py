"""
The dialect of one database: names, types, the form of values, and its SQL.

Plans, which are functions of a dialect, use it; they are sorted by topic: `enqueueing.py`, `claiming.py`, `settling.py`
and so on. A topic has one `.sql` file for each database, in `postgresql/`, `mysql/` and `sqlite/`, which is read when
one of its statements is first needed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from proletarian.ids import Kind
from proletarian.sql.columns import EVERYWHERE, JOB, KEPT, NEW, SHOWN
from proletarian.sql.parts import blocks, expand
from proletarian.sql.rows import dump
from proletarian.sql.statements import Statement, Text, read
from proletarian.sql.tables import Tables

HEAVY = 32_000  # bytes; a claim of many jobs does not return larger payloads


class Dialect(ABC):
    """The names, types and SQL of one kind of database, for one set of tables and one kind of job id."""

    name: ClassVar[str]
    # The parts that depend on the kind of job ids: ID, the type of a column that holds them; NEW_ID, the full
    # definition of that column in the table of waiting jobs, where the database may generate the ids.
    ids: ClassVar[Mapping[Kind, Mapping[str, str]]]
    # The function that returns the length of a text, without reading all of it if possible.
    length: ClassVar[str] = "octet_length"
    # Whether one statement can move rows between tables, and takes arrays. (Otherwise an operation is a transaction of
    # several statements, and a batch is passed as one JSON parameter.)
    moves_rows: ClassVar[bool] = False
    # Whether the database can notify workers of new jobs.
    notifies: ClassVar[bool] = False
    # Whether an index is only probed for constants: for values from another table, all of it is read.
    probes_constants: ClassVar[bool] = False
    # The current time: from the queue's clock if it has one, otherwise from the database.
    now: ClassVar[str]
    # The function that returns where one text starts within another; 0: nowhere.
    position: ClassVar[str] = "instr"
    # Whether LIKE ignores case, so that GLOB has to be used instead.
    globs: ClassVar[bool] = False
    # Whether workers write down if a unique key is held, because it cannot be derived from where its job is.
    marks_keys: ClassVar[bool] = False
    # Whether a claim from a lane locks its row; otherwise there is only one writer at a time (SQLite), or a version
    # shows other claims (PostgreSQL).
    locks_lanes: ClassVar[bool] = False
    # Whether a statement that is too large closes the connection.
    limits_packets: ClassVar[bool] = False
    # Whether it takes long to read many rows that an index leads to, all over a large table.
    reads_rows_slowly: ClassVar[bool] = False

    def __init__(self, tables: Tables, kind: Kind) -> None:
        self.tables = tables
        self.kind: Kind = kind
        self.parts: Mapping[str, str] = self.made_parts()
        self.sql: Mapping[str, Text] = Texts(self._read)

    def say(self, name: str, /, **parameters: Any) -> Statement:
        """The statement with this name, `topic.block`, and its parameters."""
        return Statement(self.sql[name], parameters)

    # SQL text.

    def made_parts(self) -> dict[str, str]:
        """What `:JOB`, `:ID` and so on stand for in our SQL; see `columns.py`."""
        length, is_heavy = f"{self.length}(payload)", f"{self.length}(payload) > {HEAVY}"
        claimed = [f"CASE WHEN {is_heavy} THEN NULL ELSE payload END" if name == "payload" else name for name in JOB]
        lists = {"JOB": JOB, "EVERYWHERE": EVERYWHERE, "KEPT": KEPT, "NEW": NEW,
                 "NEW_VALUES": [self.new_value(name) for name in NEW], "CLAIMED": claimed,
                 "LENGTH": [length], "IS_HEAVY": [is_heavy], "NOW": [self.now],
                 "SHOWN": [self.shown(name) for name in SHOWN]}  # fmt: skip
        return {name: ", ".join(columns) for name, columns in lists.items()} | dict(self.ids[self.kind])

    def new_value(self, column: str) -> str:
        """The parameter for a column of a new job."""
        return f":{column}"

    def shown(self, column: str) -> str:
        """A column shown to people, in a form that no codec or character set of the user's connection changes."""
        return column

    def text(self, name: str) -> str:
        """A text parameter; its value goes through `stored_new`."""
        return f":{name}"

    def time(self, name: str) -> str:
        """A time parameter, as `stored_time` returns it."""
        return f":{name}"

    def id_value(self, name: str) -> str:
        """A job id parameter."""
        return f":{name}"

    def index_hint(self, table: str, *, by_status: bool) -> str:
        """What makes a server follow an index in the order of ids, where its planner has to be told."""
        return ""

    def fitted(self, source: str) -> str:
        """Our SQL with this queue's table names and type of job ids."""
        return self.tables.rewrite(expand(source, self.parts), self.name)

    def _read(self, topic: str) -> Mapping[str, str]:
        found = blocks(read(f"{self.name}/{topic}.sql"), self.parts)
        return {block: self.tables.rewrite(text, self.name) for block, text in found.items()}

    # The form of values in the database.

    def stored_id(self, job_id: UUID | int | str | None) -> Any:
        """A job id as the strategy encodes it, in the type that the driver wants."""
        return job_id

    def loaded_id(self, stored: Any) -> Any:
        """The reverse."""
        return stored

    def json_id(self, stored: Any) -> Any:
        """A stored job id or worker id as it is written in JSON."""
        return stored

    def stored_new(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values of a new job, in a form that nothing on the way can change."""
        return values

    def listed(self, stored_ids: Iterable[Any]) -> Any:
        """Stored job ids as one parameter: an array, or JSON."""
        return list(stored_ids) if self.moves_rows else dump([self.json_id(stored) for stored in stored_ids])

    def stored_worker(self, worker_id: UUID) -> Any:
        """A worker id in the type that the driver wants."""
        return worker_id

    def loaded_worker(self, stored: Any) -> Any:
        """A worker id as `stored_worker` returns it, whatever the driver has turned it into."""
        return stored

    def loaded_time(self, stored: Any) -> datetime:
        """A timestamp as an aware datetime, in UTC."""
        moment: datetime = stored
        return moment.astimezone(UTC)

    def stored_time(self, moment: datetime | None) -> Any:
        """A timestamp in the type that the driver wants."""
        return moment

    @abstractmethod
    def lock_of(self, worker_id: UUID) -> Any:
        """The lock that proves that this worker is alive, held by the keeper's session."""

    def pump_lock_of(self, worker_id: UUID) -> Any:
        """The second witness, held by the pump's session; None if the first one is certain."""
        return None


class Texts(dict[str, Text]):
    """Statements by `topic.block`; a topic is read when one of its blocks is first used."""

    def __init__(self, read_topic: Callable[[str], Mapping[str, str]]) -> None:
        super().__init__()
        self._read_topic = read_topic

    def __missing__(self, name: str) -> Text:
        topic, _, block = name.partition(".")
        found = self._read_topic(topic)
        if block not in found:
            raise KeyError(name)
        for each, source in found.items():
            # An existing one stays: another thread may have read the same file, and drivers know texts by identity.
            self.setdefault(f"{topic}.{each}", Text(source))
        return self[name]
