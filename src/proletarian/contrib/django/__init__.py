"""
Proletarian in a Django project: migrations, admin, `manage.py proletarian`, and a backend for `django.tasks`.

    INSTALLED_APPS = [..., "proletarian.contrib.django"]
    TASKS = {"default": {"BACKEND": "proletarian.contrib.django.TaskBackend"}}
"""

from __future__ import annotations

from typing import Any

__all__ = ["ProletarianRouter", "TaskBackend"]


def __getattr__(name: str) -> Any:
    """Import each name when it is first used: only the backend needs `django.tasks`."""
    if name == "TaskBackend":
        from proletarian.contrib.django.backend import TaskBackend

        return TaskBackend
    if name == "ProletarianRouter":
        from proletarian.contrib.django.router import ProletarianRouter

        return ProletarianRouter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
