"""The application that is deployed here: one task."""

from __future__ import annotations

import logging

from proletarian import Retry, Tasks

tasks = Tasks()


@tasks.task(retry=Retry(5, delays=[10, 60, 600]))
def send_welcome(account_id: int) -> None:
    """Print that a mail was sent."""
    logging.getLogger("shop").info("welcome, account %s", account_id)
