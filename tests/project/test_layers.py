"""Imports point downwards only."""

from __future__ import annotations

from graphlib import TopologicalSorter

import pytest

from tests.project.source import imports, modules

# From the bottom up. A file imports from rows below, or from an earlier one of its own row.
LAYERS = [
    # values and decisions; no I/O
    [
        "errors",
        "events",
        "ids",
        "retry",
        "limits",
        "job",
        "serializers",
        "encryption",
        "outcomes",
        "payloads",
        "transit",
    ],
    # plans and SQL text; no I/O
    ["sql"],
    # carries out plans on any connection
    ["drivers"],
    # the app's side
    ["queue", "tasks", "database", "migration"],
    # runs jobs
    ["worker"],
    # the edges
    ["testing", "conformance", "demo", "cli", "contrib", "__main__"],
]
EDGES = LAYERS[-1]

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


def test_no_two_modules_need_each_other() -> None:
    graph = {module: {other for other in imports(module) if other != module} for module in modules() if module}

    assert list(TopologicalSorter(graph).static_order())
