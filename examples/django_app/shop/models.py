"""An order."""

from __future__ import annotations

from django.db import models


class Order(models.Model):  # type: ignore[misc]
    """What somebody ordered, and how far it is."""

    email = models.EmailField()
    confirmed = models.BooleanField(default=False)
    counted = models.IntegerField(default=0)
