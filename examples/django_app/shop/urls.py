"""The pages."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.urls import path, re_path

from proletarian.contrib.django.dashboard import dashboard
from proletarian.web import Access, Visitor
from shop import views


def access(request: HttpRequest) -> Access | Visitor:
    """Staff may operate on jobs, superusers may also delete them; others cannot see them."""
    user = request.user
    if not user.is_staff:
        return Access.none
    return (Access.admin if user.is_superuser else Access.operate).by(user.get_username())


urlpatterns = [
    re_path(r"^ops/jobs(?P<path>/.*)$", login_required(dashboard(access=access))),
    path("admin/", admin.site.urls),
    path("orders", views.new_order),
    path("orders/<int:order_id>", views.show),
]
