"""
What the exit code of a command says; a supervisor or a script may rely on it.

CLEAN         it did what it was asked to
FAILED_CHECK  `migrate --check` found the tables behind, or `demo` found its promise broken
USAGE         wrong options, or the application cannot be imported
DATABASE      the database refuses us, cannot be reached, or its tables do not fit this release
GIVEN_BACK    the worker stopped, and jobs that were still running went back to their queue
BUG           an error that nobody expected: please report it, with its traceback

A worker whose database merely cannot be reached when it starts does not exit: it waits.
"""

from __future__ import annotations

CLEAN = 0
FAILED_CHECK = 1
USAGE = 2
DATABASE = 3
GIVEN_BACK = 4
BUG = 70
