"""What happens in the background: a mail to each new subscriber."""

from __future__ import annotations

from examples.flask_app.database import Subscriber, db
from proletarian import Job, Retry, Tasks
from proletarian.contrib.flask import Proletarian

tasks = Tasks(retry=Retry(retries=3, delays=[1, 10]))
jobs = Proletarian(tasks)


@tasks.task(queue="newsletter")
def ask_for_consent(job: Job, subscriber_id: int) -> None:
    """Send a mail (here: print it), and record in the subscriber's row that it was sent."""
    subscriber = db.session.get_one(Subscriber, subscriber_id)
    print(f"mail: {subscriber.email}, do you want our newsletter?", flush=True)
    subscriber.asked = True
    job.complete(db.session)  # the record and the end of the job are one transaction
    db.session.commit()
