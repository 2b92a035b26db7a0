"""
The dashboard as a blueprint for a Flask application: behind its own login, at its own address.

    app.register_blueprint(dashboard(tasks, access=access), url_prefix="/ops/jobs")
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from proletarian.contrib.flask import current, database_of
from proletarian.tasks import Tasks
from proletarian.web import Access, Dashboard, Visitor
from proletarian.web.bridge import named, reply, require_callable, told

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]  # all but the first three are refused by the dashboard


def dashboard(
    tasks: Tasks | None = None,
    *,
    access: Callable[[], Access | Visitor],
    where: Any = None,
    name: str = "proletarian",
    **options: Any,
) -> Blueprint:
    """
    A blueprint that is the dashboard; register it with the `url_prefix` that it should have.

    `access` returns what the user may do, as in `Access.operate.by("ann")`. It is called in the request's context, so
    `session`, `g` and `current_user` are available. `where` is where the jobs are, by default where `Proletarian` looks
    for them. `options` are those of `proletarian.web.Dashboard`. Raises `ConfigurationError` if `access` is not a
    function.

    >>> from flask import Flask
    >>> app = Flask("shop")
    >>> app.register_blueprint(dashboard(where="sqlite:///shop.db", access=lambda: Access.read), url_prefix="/ops/jobs")
    >>> "/ops/jobs/" in [rule.rule for rule in app.url_map.iter_rules()]
    True
    """
    require_callable(access)
    blueprint = Blueprint(name, __name__)
    made: dict[str, Dashboard] = {}  # by application, because one blueprint may be registered in several

    def show(path: str = "") -> Response:
        app = current()
        found = made.get(app.name)
        if found is None:
            found = made[app.name] = Dashboard(where or database_of(app), tasks, access=told, **options)
        whole = request.root_path.rstrip("/") + request.path
        behind = f"/{path}"
        answer = reply(
            found, visitor=access(), method=request.method, root=whole.removesuffix(behind), path=behind,
            query=request.query_string.decode("latin-1"), headers=named(request.environ), body=request.get_data(),
            scheme=request.scheme,
        )  # fmt: skip
        return Response(answer.body, answer.status, answer.headers)

    blueprint.add_url_rule("/", "show", show, methods=METHODS)
    blueprint.add_url_rule("/<path:path>", "show", show, methods=METHODS)
    return blueprint
