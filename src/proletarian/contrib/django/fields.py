"""A job id as each database stores it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import models

from proletarian.queue import Queue


class IdField(models.Field):  # type: ignore[misc]
    """A UUID: BINARY(16) on MySQL, text on SQLite, uuid on PostgreSQL."""

    description = "the id of a job or a worker"

    def get_internal_type(self) -> str:
        """None of Django's own, whose converters expect other columns."""
        return "ProletarianId"

    def db_type(self, connection: Any) -> str:
        """Never used to make a column: the tables come from our SQL."""
        return {"postgresql": "uuid", "mysql": "binary(16)"}.get(connection.vendor, "text")

    def to_python(self, value: Any) -> UUID | None:
        """From a form or a URL."""
        from django.core.exceptions import ValidationError

        if value is None or isinstance(value, UUID):
            return value
        try:
            return UUID(str(value))
        except ValueError:
            raise ValidationError(f"{value!r} is not a UUID") from None

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """From the database."""
        loaded = Queue().dialect(connection.vendor).loaded_id(value)
        return UUID(loaded) if isinstance(loaded, str) else loaded

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """To the database."""
        return None if value is None else Queue().dialect(connection.vendor).stored_id(self.to_python(value))
