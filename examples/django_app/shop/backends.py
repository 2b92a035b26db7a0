"""The project's own backend, derived from ours: its tasks run like all others."""

from __future__ import annotations

from proletarian.contrib.django import TaskBackend


class OurBackend(TaskBackend):
    """A project could, for example, enqueue with a tenant here."""
