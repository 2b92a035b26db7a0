"""The app, as INSTALLED_APPS names it."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.apps import AppConfig
from django.core.checks import register


class ProletarianConfig(AppConfig):  # type: ignore[misc]
    """`proletarian.contrib.django`, with the label `proletarian`."""

    name = "proletarian.contrib.django"
    label = "proletarian"
    verbose_name = "Background jobs"

    def ready(self) -> None:
        """Register the system checks, Django's own check of TASKS too, which comes with the package."""
        from proletarian.contrib.django.checks import check_backends, check_settings, check_tasks

        if find_spec("django.tasks") is not None:
            import_module("django.tasks")
        register(check_settings)
        register(check_backends)
        register(check_tasks)
