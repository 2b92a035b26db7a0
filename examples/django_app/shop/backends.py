"""A backend of the project's own, derived from ours: its tasks are run all the same."""

from __future__ import annotations

from proletarian.contrib.django import TaskBackend


class OurBackend(TaskBackend):
    """Where a project would enqueue with a tenant, say."""
