"""The library's own kind of jobs: typed, with all its features."""

from __future__ import annotations

from proletarian import Job, Tasks

tasks = Tasks()


@tasks.task(queue="mail")
def confirm(job: Job, order_id: int) -> None:
    """Confirm an order, exactly once: the change and the end of the job are one transaction."""
    from django.db import connection, transaction

    from shop.models import Order

    with transaction.atomic():
        Order.objects.filter(pk=order_id).update(confirmed=True)
        job.complete(connection)
