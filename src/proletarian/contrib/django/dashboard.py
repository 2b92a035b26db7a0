"""
The dashboard as a view in a Django project: behind its own login, at its own address.

    urlpatterns = [re_path(r"^ops/jobs(?P<path>/.*)$", login_required(dashboard(access=access)))]
"""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt

from proletarian.contrib.django.configuration import alias, own_tasks, queue
from proletarian.web import Access, Dashboard, Visitor
from proletarian.web.bridge import named, reply, require_callable, told


def dashboard(*, access: Callable[[Any], Access | Visitor], where: Any = None, **options: Any) -> Any:
    """
    A view that is the dashboard; its pattern must pass `path`, everything after its address, from the slash on.

    `access` is called with the request, after `login_required` and your middleware, and returns what its user may do,
    as in `Access.operate.by(request.user.username)`. Jobs and tasks are those of `PROLETARIAN` in the settings.
    `options` are those of `proletarian.web.Dashboard`. Raises `ConfigurationError` if `access` is not a function.

    Django's own CSRF check is switched off, because the dashboard has one that needs no token.
    """
    require_callable(access)
    made: list[Dashboard] = []  # made at the first request, when settings and connections are ready

    @csrf_exempt  # type: ignore[untyped-decorator]
    def view(request: Any, path: str = "/") -> HttpResponse:
        if not made:
            found = where or f"django://{alias()}"
            made.append(Dashboard(found, own_tasks() or queue(), access=told, **options))
        answer = reply(
            made[0], visitor=access(request), method=request.method, root=request.path.removesuffix(path), path=path,
            query=request.META.get("QUERY_STRING", ""), headers=named(request.META), body=request.body,
            scheme=request.scheme,
        )  # fmt: skip
        response = HttpResponse(answer.body, status=answer.status)
        del response["Content-Type"]
        for name, value in answer.headers:
            if name.lower() == "set-cookie":
                for cookie, morsel in SimpleCookie(value).items():
                    response.cookies[cookie] = morsel
            else:
                response[name] = value
        return response

    return view
