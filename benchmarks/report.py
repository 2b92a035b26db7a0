"""The results as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from benchmarks.measured import Curve, Found, Goal, Table, spread


def markdown(found: Iterable[Found]) -> str:
    """All tables, one after another."""
    return "\n\n".join(table(one) if isinstance(one, Table) else curve(one) for one in found) + "\n"


def table(one: Table) -> str:
    """A row for each contestant: the median, the range, and the ratio of ours to it."""
    lines = [f"### {one.title}", ""]
    compared = one.ours is not None and len(one.figures) > 1
    lines += [f"| | {one.unit} |" + (" ours / theirs |" if compared else "")]
    lines += ["| --- | ---: |" + (" ---: |" if compared else "")]
    for label, figures in one.figures.items():
        row = f"| {label} | {spread(figures, one.digits)} |"
        if compared:
            row += " |" if label == one.ours else f" {spread(one.ratio(label), 2)} |"
        lines.append(row)
    said = [line for goal in one.goals if (line := verdict(one, goal))]
    return "\n".join([*lines, *_listed([*said, *one.notes])])


def verdict(one: Table, goal: Goal) -> str | None:
    """Whether a goal was reached, in one line."""
    met = one.met(goal)
    if met is None:
        return None
    reached, enough = met
    return f"{'✓' if enough else '✗ **missed**:'} {sentence(one, goal)}: {reached:,.2f}"


def sentence(one: Table, goal: Goal) -> str:
    """A goal in words."""
    wanted = f"at {'most' if goal.at_most else 'least'} {goal.bound:g}"
    held = f"{wanted} × {goal.against}" if goal.against else f"{wanted} {one.unit}"
    return f"{goal.of}: {held}" if goal.of else held


def curve(one: Curve) -> str:
    """A row for each contestant, a column for each point; medians."""
    places = sorted({x for points in one.points.values() for x, _ in points})
    lines = [f"### {one.title}", "", f"| {one.unit}, by {one.along} | " + " | ".join(f"{x:,g}" for x in places) + " |"]
    lines.append("| --- |" + " ---: |" * len(places))
    for label, points in one.points.items():
        known = dict(points)
        cells = [f"{statistics.median(known[x]):,.{one.digits}f}" if x in known else "–" for x in places]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, *_listed(one.notes)])


def _listed(notes: Iterable[str]) -> list[str]:
    listed = [f"- {note}" for note in notes]
    return ["", *listed] if listed else []
