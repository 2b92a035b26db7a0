"""
Traces without a line of code: what `opentelemetry-instrument proletarian worker …` finds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined, unused-ignore]

from proletarian.contrib.opentelemetry import instrument
from proletarian.tasks import Tasks, _View


class ProletarianInstrumentor(BaseInstrumentor):  # type: ignore[misc, unused-ignore]
    """
    Instrument every `Tasks` that is made from now on, as `instrument(tasks)` does.

    `opentelemetry-instrument` calls it; options are those of `instrument`. Needs `opentelemetry-instrumentation`. If
    the application calls `instrument(tasks)` itself, its options win, and nothing is traced twice.
    """

    _original: Callable[..., None] | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """What has to be installed: the library itself."""
        return ["proletarian"]

    def _instrument(self, **options: Any) -> None:
        original = self._original = Tasks.__init__

        @wraps(original)
        def made(tasks: Tasks, *args: Any, **kwargs: Any) -> None:
            original(tasks, *args, **kwargs)
            if not isinstance(tasks, _View):  # the registries behind it are instrumented already
                instrument(tasks, **options)

        Tasks.__init__ = made  # type: ignore[method-assign, assignment]

    def _uninstrument(self, **options: Any) -> None:
        if self._original is not None:
            Tasks.__init__ = self._original  # type: ignore[method-assign]
