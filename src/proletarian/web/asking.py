"""Requests to pages, and their answers, as values: a page is a plain function from one to the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from proletarian.sql.auditing import note
from proletarian.sql.statements import Plan
from proletarian.web.access import Visitor
from proletarian.web.desk import Desk


@dataclass(frozen=True)
class Ask:
    """A request for a page, or a form that was sent."""

    desk: Desk
    visitor: Visitor
    root: str  # where the dashboard is mounted
    path: str  # within it
    app: str = ""  # the application whose schedules are shown
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)

    def url(self, path: str, **query: Any) -> str:
        """The address of a page of ours; what is None or empty is left out."""
        said = urlencode({name: value for name, value in query.items() if value not in (None, "")}, quote_via=quote)
        return f"{self.root}{path}" + (f"?{said}" if said else "")

    def noted(self, action: str, target: str, detail: str = "", jobs: int | None = None) -> Plan[None]:
        """The entry in the audit."""
        return note(self.desk.dialect, self.visitor.name, action, target, detail, jobs)


@dataclass(frozen=True)
class Shown:
    """A page: its template and its content. `live`: whether it is refreshed while it is open."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    live: bool = False


@dataclass(frozen=True)
class Done:
    """Something was done: where to go, and what to say there."""

    to: str
    said: str


class Refused(Exception):
    """What was asked for does not exist or cannot be done; shown on a page of its own."""

    def __init__(self, message: str, status: int = 404) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
