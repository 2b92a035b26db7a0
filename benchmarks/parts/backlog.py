"""What a claim costs with a large backlog: a million jobs, and a million of a higher priority due next year."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.contestants import OURS, OURS_PG, Contestant
from benchmarks.measured import Found, Goal, Table
from benchmarks.run import Run, say
from benchmarks.stage import Stage
from benchmarks.stores import NAMES, store


def measure(run: Run) -> list[Found]:
    """All backlogs are in one database, each in its own tables, and are claimed from in turn."""
    few, many = (1_000, 100_000) if run.quick else (10_000, 1_000_000)
    backlogs = {
        "few": {"title": f"{few:,} waiting", "due": few, "future": 0},
        "many": {"title": f"{many:,} waiting", "due": many, "future": 0},
        "future": {
            "title": f"{few:,} waiting, and {many:,} of a higher priority due next year",
            "due": few,
            "future": many,
        },
    }
    if run.huge:
        backlogs["most"] = {"title": "10,000,000 waiting", "due": 10_000_000, "future": 0}
    return [table for name in (["postgresql"] if run.quick else NAMES) for table in on(run, name, backlogs, few)]


def on(run: Run, name: str, backlogs: dict[str, dict[str, object]], few: int) -> list[Found]:
    """One database: claims from the beginning, and claims that continue from the last one."""
    contestant: Contestant = replace(
        OURS_PG if name == "postgresql" else OURS,
        name=f"claims-{name}",
        program="claims.py",
        options={"backlogs": backlogs, "claims": min(200, few // 40), "batch": 10},
    )
    whole = timed(f"claim-{name}", f"{NAMES[name]}: a claim of 10 jobs, from the beginning")
    onward = timed(f"claim-{name}-onward", f"{NAMES[name]}: a claim of 10 jobs, continuing from the last one")
    with store(name, run.folder) as opened:
        stage = Stage(contestant, opened, run.folder)
        say(f"{NAMES[name]}: filling")
        stage.call("fill", timeout=7200)
        opened.settle()
        for number in range(run.rounds):
            say(f"{NAMES[name]}, round {number + 1}/{run.rounds}")
            result = stage.call("claim")
            for title, figure in result["whole"].items():
                whole.add(title, figure)
            for title, figure in result["onward"].items():
                onward.add(title, figure)
    for table in (whole, onward):
        first, *others = table.figures
        table.goals = [Goal(first, 1.3, at_most=True, of=other) for other in others]
    return [whole, onward]


def timed(key: str, title: str) -> Table:
    """A table of durations."""
    return Table(key, title, "ms", more_is_better=False, digits=2, plotted=False)
