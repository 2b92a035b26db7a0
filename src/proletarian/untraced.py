"""
Statements that are nobody's request: a worker's polls are kept out of the traces of instrumented drivers.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def untraced() -> Iterator[None]:
    """
    Have OpenTelemetry's instrumentations of drivers make no spans here; also a decorator of a thread's function.

    A worker looks at the database all the time. Instrumented, each statement of an idle worker is a trace of its
    own: forty a second were seen. Nothing is imported for it: without OpenTelemetry this does nothing.

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
