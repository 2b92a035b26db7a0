"""Job ids and times as each database stores them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django.utils import timezone

from proletarian.queue import Queue


class IdField(models.Field):  # type: ignore[misc]
    """A UUID: BINARY(16) on MySQL, text on SQLite, uuid on PostgreSQL."""

    description = "the id of a job or a worker"

    def get_internal_type(self) -> str:
        """None of Django's own types, because their converters expect other columns."""
        return "ProletarianId"

    def db_type(self, connection: Any) -> str:
        """Never used to create a column: the tables come from our SQL."""
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


class TimeField(models.DateTimeField):  # type: ignore[misc]
    """
    A moment: a timestamptz on PostgreSQL, elsewhere the time in UTC.

    This ignores USE_TZ and the TIME_ZONE of the database: Django would take what is stored for local time in one or
    the other.
    """

    def from_db_value(self, value: datetime | None, expression: Any, connection: Any) -> datetime | None:
        """From the database."""
        if value is None or connection.vendor == "postgresql":
            return value
        aware = value.replace(tzinfo=UTC)
        return aware if settings.USE_TZ else timezone.make_naive(aware)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """To the database."""
        if value is None or connection.vendor == "postgresql" or hasattr(value, "resolve_expression"):
            return super().get_db_prep_value(value, connection, prepared)
        given = value if prepared else self.get_prep_value(value)
        aware = timezone.make_aware(given) if timezone.is_naive(given) else given
        return connection.ops.adapt_datetimefield_value(aware.astimezone(UTC).replace(tzinfo=None))
