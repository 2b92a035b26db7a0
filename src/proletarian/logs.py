"""
Log lines that say which job wrote them: a filter for `logging`, and fields for any other logger.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from proletarian.current import running

FIELDS = ("job_id", "job_type", "queue", "attempt", "trace_id")


def job_fields() -> dict[str, Any]:
    """
    Get the fields that identify the run that this code belongs to, for any logger; empty outside of a run.

    `job_id` (an int, or text), `job_type`, `queue`, `attempt` (1 the first time), and `trace_id` if it is known: that
    of the current OpenTelemetry span, or the one from the job's header `traceparent`. It works wherever `current_job()`
    does, and does not read the payload. As a structlog processor:
    `lambda logger, name, event: {**job_fields(), **event}`.

    >>> job_fields()
    {}
    """
    run = running.get()
    if run is None:
        return {}
    fields = dict(run.known())
    if not isinstance(fields["job_id"], int):
        fields["job_id"] = str(fields["job_id"])
    if trace_id := span_trace_id() or header_trace_id(run.headers().get("traceparent", "")):
        fields["trace_id"] = trace_id
    return fields


class JobFields(logging.Filter):
    """
    Put the running job on every line that its handler, or a library that it calls, logs.

    Add one to a `logging` handler, and its records have `job_id`, `job_type`, `queue`, `attempt` and `trace_id`;
    outside of a run they are None. A record keeps the values that it already has. `proletarian worker` adds it by
    itself. Lines from child processes (`Processes`) have the fields too if the worker's process has this filter.
    Nothing is filtered out.

    >>> handler = logging.StreamHandler()
    >>> handler.addFilter(JobFields())
    >>> handler.setFormatter(logging.Formatter("%(levelname)s %(job_type)s %(job_id)s: %(message)s"))
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the fields; every record passes."""
        known: dict[str, Any] = job_fields()
        if not known and hasattr(record, "event") and isinstance(getattr(record, "data", None), dict):
            known = record.data  # type: ignore[attr-defined]  # an event of the worker's: what it says of a job
        has = vars(record)
        for name in FIELDS:
            has.setdefault(name, known.get(name))
        return True


def span_trace_id() -> str | None:
    """The trace id of OpenTelemetry's current span, if the application uses it: nothing is imported for this."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    context = trace.get_current_span().get_span_context()
    return format(context.trace_id, "032x") if context.is_valid else None


def header_trace_id(traceparent: str) -> str | None:
    """
    The trace id in a W3C header.

    >>> header_trace_id("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    '4bf92f3577b34da6a3ce929d0e0e4736'
    >>> header_trace_id("what is this") is None
    True
    """
    parts = traceparent.split("-")
    return parts[1] if len(parts) >= 4 and len(parts[1]) == 32 else None
