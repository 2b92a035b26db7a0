"""An order."""

from __future__ import annotations

from django.db import models


class Order(models.Model):  # type: ignore[misc]
    """What a customer ordered, and its progress."""

    email = models.EmailField()
    confirmed = models.BooleanField(default=False)
    counted = models.IntegerField(default=0)
