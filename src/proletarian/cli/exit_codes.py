"""
What the exit code of a command means; a supervisor or a script may rely on it.

CLEAN         it did what it was asked to do
FAILED_CHECK  a check failed (`migrate --check`, `status --check`, `doctor`, `demo`), or a job or
              a schedule that was named does not exist, or is in the wrong state for this
USAGE         wrong options, or the application cannot be imported
DATABASE      the database refuses us, cannot be reached, or its tables do not fit this release
GIVEN_BACK    the worker stopped, and jobs that were still running went back to their queue
HUNG          the worker's stop hung, and the process was ended; other workers take its jobs
BUG           an error that nobody expected: please report it, with its traceback

If a worker merely cannot reach its database when it starts, it does not exit: it waits.
"""

from __future__ import annotations

CLEAN = 0
FAILED_CHECK = 1
USAGE = 2
DATABASE = 3
GIVEN_BACK = 4
BUG = 70
HUNG = 71
