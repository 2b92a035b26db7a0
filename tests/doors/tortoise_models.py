"""Tortoise starts with a model only."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class Account(Model):
    """Nothing uses it."""

    id = fields.IntField(primary_key=True)
