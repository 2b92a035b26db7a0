"""Queues: how long, how late, how fast, and which workers serve them; and pausing them."""

from __future__ import annotations

from proletarian.control.steering import pause as pause_plan
from proletarian.control.steering import resume as resume_plan
from proletarian.sql.statements import Plan
from proletarian.web.asking import Ask, Done, Refused, Shown
from proletarian.web.survey import surveyed


def page(ask: Ask) -> Shown:
    """All queues that hold jobs, are served or are paused."""
    return Shown("queues.html", {"survey": surveyed(ask)}, live=True)


def pause(ask: Ask) -> Done:
    """Pause a queue: workers stop claiming from it."""
    queue, reason = _queue(ask), ask.form.get("reason", "").strip()

    def plan() -> Plan[None]:
        yield from pause_plan(ask.desk.queue, ask.desk.kind, queue, reason=reason, by=ask.visitor.name)
        yield from ask.noted("pause queue", queue, reason)

    ask.desk.act(plan())
    return Done(ask.url("/queues"), f"The queue {queue} is paused: running jobs will finish, the others wait.")


def resume(ask: Ask) -> Done:
    """Resume a queue: workers claim from it again."""
    queue = _queue(ask)

    def plan() -> Plan[bool]:
        was_paused = yield from resume_plan(ask.desk.queue, ask.desk.kind, queue)
        yield from ask.noted("resume queue", queue)
        return was_paused

    was_paused = ask.desk.act(plan())
    return Done(ask.url("/queues"), f"The queue {queue} {'was resumed' if was_paused else 'was not paused'}.")


def _queue(ask: Ask) -> str:
    if queue := ask.form.get("queue"):
        return queue
    raise Refused("The form names no queue.", 400)
