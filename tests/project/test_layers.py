"""Imports point downwards only."""

from __future__ import annotations

import itertools
import re
from graphlib import TopologicalSorter

import pytest

from tests.project.source import PACKAGE, ROOT, imports, modules

# From the bottom up. A file imports from rows below, or from an earlier one of its own row.
LAYERS = [
    # values and decisions; no I/O
    [
        "errors",
        "times",
        "retention",
        "filters",
        "events",
        "ids",
        "kept_errors",
        "retries",
        "sizes",
        "unique",
        "job",
        "limit",
        "current",
        "logs",
        "untraced",
        "schedule",
        "payloads",
        "serializers",
        "encryption",
        "outcomes",
        "steps",
        "transit",
    ],
    # plans and SQL text; no I/O
    ["sql"],
    # carries out plans on any connection
    ["drivers"],
    # what an application asks and does on its own connection
    ["shared", "enqueueing", "looking", "awaiting", "control", "queue", "flow", "default"],
    # functions that are jobs
    ["rules", "task", "middleware", "standing", "declaring", "tasks"],
    # connections of our own
    ["connections", "migration"],
    # runs jobs
    ["worker"],
    # looks at all of it
    ["doctor"],
    # the edges
    ["testing", "conformance", "web", "demo", "cli", "contrib", "__main__"],
]
EDGES = LAYERS[-1]

# The worker's rooms, in the same way; those of one row know nothing of each other.
ROOMS = [
    # the life of a run, and what threads share
    [
        "clock",
        "blame",
        "progress",
        "handlers",
        "keys",
        "limits",
        "run",
        "jobs",
        "ends",
        "runner",
        "wake",
        "held",
        "desk",
        "ending",
        "shrinking",
    ],
    # what runs jobs; what keeps the fleet whole
    ["hands", "keeping"],
    # which jobs are taken, and when
    ["claiming"],
    # the main loop, and all of it put together
    [
        "recorder",
        "giving_back",
        "answers",
        "releases",
        "pump",
        "health",
        "guard",
        "engine",
        "serving",
        "signals",
        "span",
        "last_resort",
        "twins",
        "worker",
    ],
    # one job in the calling thread
    ["calls", "turn", "single"],
]
APART = {"hands", "keeping"}

HEIGHT = {name: (row, place) for row, names in enumerate(LAYERS) for place, name in enumerate(names)}


@pytest.mark.parametrize("module", [module for module in modules() if module])
def test_imports_only_point_downwards(module: str) -> None:
    own = module.partition(".")[0]
    assert own in HEIGHT, f"{own} has no place in LAYERS yet"
    for imported in imports(module):
        other = imported.partition(".")[0]
        if not other:
            assert own in EDGES, f"{module} imports the whole of proletarian, which is for the edges"
        elif other != own:
            assert HEIGHT[other] < HEIGHT[own], f"{module} imports {imported}, which is not below it"


@pytest.mark.parametrize("module", [module for module in modules() if module.startswith("worker.")])
def test_the_worker_s_rooms(module: str) -> None:
    places = {room: (row, place) for row, names in enumerate(ROOMS) for place, room in enumerate(names)}
    own = module.split(".")[1]
    assert own in places, f"{own} has no place in ROOMS yet"
    for imported in imports(module):
        if imported.startswith("worker."):
            other = imported.split(".")[1]
            if other != own:
                assert places[other] < places[own], f"{module} imports {imported}, which is not below it"
                assert {own, other} != APART, f"{module} imports {imported}: these rooms know nothing of each other"


def test_no_two_modules_need_each_other() -> None:
    graph = {module: {other for other in imports(module) if other != module} for module in modules() if module}

    assert list(TopologicalSorter(graph).static_order())


def maps() -> list[str]:
    """The blocks of CONTRIBUTING.md that say where things are."""
    return re.findall(r"^```text\n(.*?)^```", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE | re.DOTALL)


def test_the_map_has_the_floors_and_every_package() -> None:
    rows = [re.split(r"\s{2,}", line)[:-1] for line in maps()[0].splitlines()]
    named = [[name.rstrip("/") for name in row if name != "…"] for row in rows]
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}

    assert packages <= {name for row in named for name in row}
    for upper, lower in itertools.pairwise(named):
        assert min(HEIGHT[name] for name in upper) > max(HEIGHT[name] for name in lower), (upper, lower)


def test_the_maps_of_rooms_name_what_is_there() -> None:
    for room, text in zip(("", "worker"), maps()[1:], strict=True):
        names = re.findall(r"[\w/]+(?:\.py|/(?=\s))", "\n".join(line.split("  ")[0] for line in text.splitlines()))
        assert [name for name in names if not (PACKAGE / room / name).exists()] == []
        assert len(names) >= 4
