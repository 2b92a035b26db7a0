"""
Test an application with its own connection: the real SQL, in the test's open transaction, nothing faked.

    from proletarian.testing import assert_enqueued, drain

    sign_up(connection, "ann@example.org")
    assert_enqueued(connection, send_welcome, {"email": "ann@example.org"})
    drain(connection, tasks)                     # runs what is due; nothing is committed

The fixtures for pytest are in `proletarian.testing.plugin`, which pytest finds by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proletarian import _on_first_use

if TYPE_CHECKING:
    from proletarian.testing.asserting import (
        aassert_enqueued,
        aassert_not_enqueued,
        assert_enqueued,
        assert_not_enqueued,
    )
    from proletarian.testing.clock import Clock, set_clock
    from proletarian.testing.draining import adrain, drain
    from proletarian.testing.inlining import inline
    from proletarian.testing.jobs import Jobs
    from proletarian.testing.tables import create_tables
    from proletarian.testing.turns import Ran
    from proletarian.testing.waiting import EnqueuedJob, aenqueued, enqueued

# As in `proletarian` itself, each name is imported when it is first used: pytest imports this
# package in every run, because of the plugin in it.
_HOMES = {
    "asserting": ("aassert_enqueued", "aassert_not_enqueued", "assert_enqueued", "assert_not_enqueued"),
    "clock": ("Clock", "set_clock"),
    "draining": ("adrain", "drain"),
    "inlining": ("inline",),
    "jobs": ("Jobs",),
    "tables": ("create_tables",),
    "turns": ("Ran",),
    "waiting": ("EnqueuedJob", "aenqueued", "enqueued"),
}
__getattr__, __dir__ = _on_first_use(__name__, _HOMES)

__all__ = [
    "Clock",
    "EnqueuedJob",
    "Jobs",
    "Ran",
    "aassert_enqueued",
    "aassert_not_enqueued",
    "adrain",
    "aenqueued",
    "assert_enqueued",
    "assert_not_enqueued",
    "create_tables",
    "drain",
    "enqueued",
    "inline",
    "set_clock",
]
