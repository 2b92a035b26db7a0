"""`proletarian doctor`: what is wrong with the database or the fleet, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from proletarian.cli import exit_codes
from proletarian.cli.context import Context, in_context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proletarian.doctor import Finding

MARKS = {"fine": "✓", "notice": "!", "trouble": "✗"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@in_context
def doctor(context: Context, as_json: bool) -> None:
    """
    Look for what is wrong, and say what to do.

    Checks the schema, this role's rights, the server's settings, old transactions, the sizes of tables, clocks,
    poolers, the workers, queues that nobody serves, types that nobody knows, and schedules that nobody declares.
    Exits with 1 if there is trouble (✗); what is worth knowing (!) does not count.
    """
    from proletarian.doctor import examine

    found = examine(context.database)
    if as_json:
        import json

        told = [{"check": f.check, "level": f.level, "says": f.says, "do": f.do or None} for f in found]
        click.echo(json.dumps({"findings": told}, indent=2, ensure_ascii=False))
    else:
        click.echo(text_of(found))
    if any(each.level == "trouble" for each in found):
        raise click.exceptions.Exit(exit_codes.FAILED_CHECK)


def text_of(found: Sequence[Finding]) -> str:
    """The findings for people: trouble first, good news last."""
    order = ("trouble", "notice", "fine")
    lines = []
    for each in sorted(found, key=lambda each: order.index(each.level)):
        lines.append(f"{MARKS[each.level]} {each.check}: {each.says}")
        if each.do:
            lines.append(f"    {each.do}")
    return "\n".join(lines)
