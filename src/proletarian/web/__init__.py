"""
A dashboard for jobs, queues, workers and schedules: by itself (`proletarian web`), or mounted in your application.

    from proletarian.web import Access, Dashboard

    app.mount("/ops/jobs", Dashboard("postgresql://…", access=lambda request: Access.operate))
"""

from __future__ import annotations

from proletarian.errors import ConfigurationError

try:
    import jinja2  # noqa: F401 (only to see that they are there)
    import starlette  # noqa: F401
except ImportError as error:
    raise ConfigurationError(f"the dashboard needs {error.name}: pip install 'proletarian[web]'") from error

from proletarian.web.access import Access, Visitor
from proletarian.web.dashboard import Dashboard
from proletarian.web.keys import Passwords

__all__ = ["Access", "Dashboard", "Passwords", "Visitor"]
