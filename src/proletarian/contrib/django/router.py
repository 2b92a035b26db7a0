"""A router for projects that keep their jobs in a separate database."""

from __future__ import annotations

from typing import Any

from proletarian.contrib.django import configuration

LABEL = "proletarian"


class ProletarianRouter:
    """
    Sends our tables to `PROLETARIAN["DATABASE"]`, and nothing else anywhere.

        DATABASE_ROUTERS = ["proletarian.contrib.django.ProletarianRouter"]
    """

    def db_for_read(self, model: Any, **_: Any) -> str | None:
        """Where our models are read."""
        return configuration.alias() if model._meta.app_label == LABEL else None

    def db_for_write(self, model: Any, **_: Any) -> str | None:
        """Where they are written."""
        return self.db_for_read(model)

    def allow_migrate(self, db: str, app_label: str, **_: Any) -> bool | None:
        """Our migrations run on one database only."""
        return db == configuration.alias() if app_label == LABEL else None
