"""The connection of a command that looks or acts; errors become messages."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from proletarian.connections.database import Database
    from proletarian.drivers.driver import OwnConnection
    from proletarian.sql.statements import Plan

T = TypeVar("T")

AT_MOST = 15.0  # seconds that a statement of a look may take
TRIES = 6  # of a transaction that others got in the way of: a deadlock, a lock
WAIT = 0.2  # seconds between them


@contextlib.contextmanager
def connected(database: Database, *, at_most: float | None = None) -> Iterator[OwnConnection]:
    """A connection for the duration of a command, to tables that fit this release."""
    from proletarian.migration import check_schema

    connection = database.connect()
    try:
        if at_most is not None:
            connection.end_after(at_most)
        check_schema(connection, database)
        yield connection
    except Exception as error:
        better = database.explained(error) if at_most is None else database.look_explained(error, at_most)
        if better is error:
            raise
        raise better from error
    finally:
        connection.close()


def looking(database: Database) -> contextlib.AbstractContextManager[OwnConnection]:
    """A read-only connection: a role that may read is enough, and a statement that takes too long is cancelled."""
    return connected(database, at_most=AT_MOST)


def in_transaction(database: Database, connection: OwnConnection, plan: Callable[[], Plan[T]]) -> T:
    """
    Carry out a plan in its own transaction, and again if others got in its way.

    If the plan itself refuses (a job is in another state), it is rolled back, and the connection stays usable.
    """
    from proletarian.errors import ProletarianError
    from proletarian.sql.transactions import roll_back, whole

    for left in reversed(range(TRIES)):
        try:
            return connection.run(whole(database.dialect, plan()))
        except ProletarianError:
            with contextlib.suppress(Exception):  # what matters is the plan's error
                connection.run(roll_back(database.dialect))
            raise
        except Exception as error:
            if not left or not database.is_transient(error) or not connection.recover(error):
                raise
            time.sleep(WAIT)
    raise AssertionError  # the last try returns or raises
