"""The job of the demo, which delivers one confirmation mail; `proletarian worker` runs it."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import smtplib
import sys
import threading
from email.message import EmailMessage

from proletarian import Job, Retry, Tasks

QUEUE = "proletarian_demo"
MAIL_SERVER = "PROLETARIAN_DEMO_MAIL_SERVER"  # host:port, in the environment
LOST = "X-Job-Lost"

FOLDER = "PROLETARIAN_DEMO_FOLDER"  # what the demo has made, in the environment

tasks = Tasks()


def end_with_the_demo() -> None:
    """
    Stop this worker and remove the demo's folder once the demo is gone, because then its end of our stdin closes.

    A demo that is killed cannot do this itself.
    """
    with contextlib.suppress(OSError):
        sys.stdin.buffer.read()
    atexit.register(remove_folder)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:  # still starting: the signal ends it at once
        remove_folder()
    os.kill(os.getpid(), signal.SIGTERM)


def remove_folder() -> None:
    """Remove what the demo has made; several workers may do this at once."""
    shutil.rmtree(os.environ[FOLDER], ignore_errors=True)


if FOLDER in os.environ:
    threading.Thread(target=end_with_the_demo, name="the demo's end", daemon=True).start()


@tasks.task(queue=QUEUE, retry=Retry(5, delays=[0.5]))
def send_confirmation(job: Job, address: str) -> None:
    """Send a mail; a refusal raises, and the mail is tried again half a second later."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "welcome@example.org", address, "Please confirm your account"
    mail[LOST] = str(
        max(job.lost, job.suspect)
    )  # how many workers died with this job, so that the demo can see it come back
    mail.set_content(f"Welcome, {address}!")
    host, _, port = os.environ[MAIL_SERVER].rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=10) as server:
        server.send_message(mail)
