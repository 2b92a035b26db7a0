"""The job of the demo: deliver one confirmation mail. `proletarian worker` runs it."""

from __future__ import annotations

import os
import smtplib
from email.message import EmailMessage

from proletarian import Job, Retry, Tasks

QUEUE = "proletarian_demo"
MAIL_SERVER = "PROLETARIAN_DEMO_MAIL_SERVER"  # host:port, in the environment
LOST = "X-Job-Lost"

tasks = Tasks()


@tasks.task(queue=QUEUE, retry=Retry(5, delays=[0.5]))
def send_confirmation(job: Job, address: str) -> None:
    """Send a mail; a refusal raises, and the mail is tried again half a second later."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "welcome@example.org", address, "Please confirm your account"
    mail[LOST] = str(job.lost)  # how often a worker died under this job, so that the demo can see it come back
    mail.set_content(f"Welcome, {address}!")
    host, _, port = os.environ[MAIL_SERVER].rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=10) as server:
        server.send_message(mail)
