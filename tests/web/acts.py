"""Every act that there is, in an order in which each finds what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def acts_on(job_id: Any) -> list[tuple[str, Mapping[str, Any]]]:
    """Forms, by the address that they are sent to; the job is one that failed."""
    return [
        ("/job/retry", {"id": job_id}),
        ("/job/cancel", {"id": job_id, "reason": "näh"}),
        ("/job/retry", {"id": job_id}),
        ("/job/run", {"id": job_id}),
        ("/job/delete", {"id": job_id}),
        ("/bulk/retry", {"q": "state:failed"}),
        ("/bulk/run", {"q": "state:scheduled"}),
        ("/bulk/cancel", {"q": "type:charge"}),
        ("/bulk/delete", {"q": "state:succeeded"}),
        ("/queues/pause", {"queue": "mail", "reason": "smtp"}),
        ("/queues/resume", {"queue": "mail"}),
        ("/schedules/pause", {"name": "sync"}),
        ("/schedules/resume", {"name": "sync"}),
        ("/schedules/run", {"name": "sync"}),
        (
            "/schedules/change",
            {"name": "digest", "every": "2h", "missed": "skip", "payload": '{"order": 4}'},
        ),
        ("/limits/set", {"name": "smtp", "running": 3}),
        ("/limits/lift", {"name": "smtp"}),
    ]
