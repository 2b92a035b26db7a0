"""
Statements that belong to no request: keeps a worker's polls out of the traces of instrumented drivers.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def untraced() -> Iterator[None]:
    """
    Keep OpenTelemetry's driver instrumentations from making spans here; also a decorator for a thread's function.

    A worker looks at the database all the time. When instrumented, each statement of an idle worker is a separate
    trace: we have seen forty per second. Nothing is imported for this: without OpenTelemetry it does nothing.

    >>> with untraced():
    ...     pass
    """
    context = sys.modules.get("opentelemetry.context")
    if context is None:
        yield
        return
    quiet = context.get_current()
    for key in ("suppress_instrumentation", getattr(context, "_SUPPRESS_INSTRUMENTATION_KEY", None)):
        if key is not None:
            quiet = context.set_value(key, True, quiet)
    token = context.attach(quiet)
    try:
        yield
    finally:
        context.detach(token)
