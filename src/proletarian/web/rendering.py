"""Pages as HTML: templates, and the wording and drawings that they use."""

from __future__ import annotations

from typing import Any

import jinja2

from proletarian import __version__
from proletarian.filters import JobFilter
from proletarian.web import charts, wording
from proletarian.web.asking import Ask, Shown

THEMES = ("system", "light", "dark")


def either(given: Any, name: str, otherwise: Any = None) -> Any:
    """An attribute of something that may be None."""
    return otherwise if given is None else getattr(given, name)


class Pages:
    """The templates, and what they share."""

    def __init__(self, title: str, version: str) -> None:
        self._title, self._version = title, version
        self._environment = jinja2.Environment(
            loader=jinja2.PackageLoader("proletarian.web", "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "span": wording.span, "ago": wording.ago, "utc": wording.utc, "number": wording.number,
            "bytes": wording.size, "json": wording.as_json,
            "either": either, "slots_of": lambda worker: sum(worker.queues.values()),
        }  # fmt: skip
        self._environment.globals |= {
            "several": wording.several, "charts": charts, "THEMES": THEMES, "jobs_of": JobFilter,
        }  # fmt: skip
        self._environment.globals["ui"] = self._environment.get_template("ui.html").module

    def whole(self, ask: Ask, shown: Shown, *, theme: str, said: str, live: str) -> str:
        """A page as a browser gets it; `live` says how it is kept fresh: stream, poll, or not at all."""
        values = self._values(ask, shown) | {"theme": theme, "said": said, "live": live if shown.live else ""}
        return self._environment.get_template(shown.template).render(values)

    def part(self, ask: Ask, shown: Shown) -> str:
        """The part of the page that changes while it is open."""
        template = self._environment.get_template(shown.template)
        return "".join(template.blocks["live"](template.new_context(self._values(ask, shown))))

    def _values(self, ask: Ask, shown: Shown) -> dict[str, Any]:
        static = f"{ask.root}/static/{self._version}"
        return {
            **shown.values, "ask": ask, "url": ask.url, "visitor": ask.visitor, "static": static,
            "brand": self._title, "release": __version__,
        }  # fmt: skip
