"""`proletarian tasks`: what an application can run."""

from __future__ import annotations

import click

from proletarian.cli import promised, which
from proletarian.cli.context import Context, in_context
from proletarian.cli.printing import as_json as json_option
from proletarian.cli.printing import print_json, print_table


@click.command("list")
@which.some
@json_option
@in_context
def list_tasks(context: Context, words: tuple[str, ...], as_json: bool) -> None:
    """
    Show the tasks of an application (--app); needs no database.

    FILTER may be type:send_* and queue:mail.
    """
    chosen = which.narrowed(words, "type", "queue")
    tasks = context.require_tasks()
    default = tasks.queue.default_queue
    found = [
        task
        for task in tasks.values()
        if which.matches(task.name, chosen.job_type) and which.matches(task.options.queue or default, chosen.queue)
    ]
    if as_json:
        print_json({"app": tasks.app, "tasks": [promised.task(task, default) for task in found]})
        return
    rows = [
        [
            task.name, task.options.queue or default, str(task.options.priority or 0),
            "coroutine" if task.is_async else "thread", "unique" if task.options.unique is not None else "",
            promised.where(task),
        ]
        for task in found
    ]  # fmt: skip
    print_table(("type", "queue", "priority", "runs in", "", "function"), rows)
    if not found:
        click.echo("no task matches" if words else "the application has no task", err=True)


@click.group(commands=[list_tasks])
def tasks() -> None:
    """Show what an application can run."""
