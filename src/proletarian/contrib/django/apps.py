"""The app, as INSTALLED_APPS names it."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register


class ProletarianConfig(AppConfig):  # type: ignore[misc]
    """`proletarian.contrib.django`, with the label `proletarian`."""

    name = "proletarian.contrib.django"
    label = "proletarian"
    verbose_name = "Background jobs"

    def ready(self) -> None:
        """Register the system checks."""
        from proletarian.contrib.django.checks import check_backends, check_settings

        register(check_settings)
        register(check_backends)
