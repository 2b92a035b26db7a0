"""The app, as INSTALLED_APPS names it."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.apps import AppConfig
from django.core.checks import register
from django.db.models.signals import pre_migrate


class ProletarianConfig(AppConfig):  # type: ignore[misc]
    """`proletarian.contrib.django`, with the label `proletarian`."""

    name = "proletarian.contrib.django"
    label = "proletarian"
    verbose_name = "Background jobs"

    def ready(self) -> None:
        """Register what Django calls: the system checks, with its own check of TASKS, and what makes the tables."""
        from proletarian.contrib.django.checks import check_backends, check_settings, check_tasks
        from proletarian.contrib.django.operations import create_tables

        if find_spec("django.tasks") is not None:
            import_module("django.tasks")  # registers it
        register(check_settings)
        register(check_backends)
        register(check_tasks)
        pre_migrate.connect(create_tables, sender=self)
