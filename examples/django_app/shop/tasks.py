"""Django's own kind of tasks, run by the same worker."""

from __future__ import annotations

import time
from typing import Any

from django.db.models import F

from proletarian import Cancel, current_job
from proletarian.contrib.django.compat import base
from shop.models import Order


@base.task
def count(order_id: int) -> int:
    """Count how often an order was viewed."""
    Order.objects.filter(pk=order_id).update(counted=F("counted") + 1)  # save() would overwrite others' changes
    return Order.objects.get(pk=order_id).counted


@base.task(queue_name="mail", priority=5, takes_context=True)
async def greet(context: object, name: str) -> str:
    """Say hello, from a coroutine."""
    return f"hello, {name}"


@base.task
def fail(why: str) -> None:
    """Fail."""
    raise ValueError(why)


@base.task(takes_context=True)
def tell(context: Any, name: str = "") -> dict[str, Any]:
    """Return what it knows about itself."""
    result = context.task_result
    return {"id": result.id, "attempt": context.attempt, "status": result.status.name, "backend": result.backend}


@base.task
def again(how: str) -> object:
    """Fail in other ways."""
    if how == "exit":
        raise SystemExit(3)
    if how == "interrupt":
        raise KeyboardInterrupt
    return object()


@base.task
def give_up() -> None:
    """Find out that the job is not needed."""
    raise Cancel("nobody needs it")


@base.task
def work(how: str) -> bool:
    """Work until somebody cancels it, and then return or raise."""
    job = current_job()
    told = job is not None and job.stopping.wait(30)
    if how == "raise":
        raise TimeoutError("in the middle of it")
    return told


@base.task
def keep_on(seconds: float) -> None:
    """Work, and hear nothing."""
    time.sleep(seconds)
