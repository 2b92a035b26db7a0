"""The layout of a flow: columns of jobs, from those awaited to those that wait, and lines between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from proletarian.web.flow import Flow, Member

WIDE, TALL = 176, 46  # of a job
ACROSS, DOWN = 44, 12  # between two


@dataclass(frozen=True)
class Box:
    """A job in the drawing."""

    member: Member
    x: int
    y: int


@dataclass(frozen=True)
class Drawing:
    """All of it: how large it is, its boxes and its lines (as paths of SVG)."""

    width: int
    height: int
    boxes: list[Box]
    lines: list[str]


def drawn(flow: Flow) -> Drawing:
    """A flow, placed."""
    columns = columns_of({one: member.distance for one, member in flow.members.items()}, flow.edges)
    boxes: dict[Any, Box] = {}
    tallest = max(len(column) for column in columns)
    for place, column in enumerate(columns):
        top = (tallest - len(column)) * (TALL + DOWN) // 2
        for row, job_id in enumerate(column):
            x, y = place * (WIDE + ACROSS) + 1, top + row * (TALL + DOWN) + 1
            boxes[job_id] = Box(flow.members[job_id], x, y)
    lines = [_line(boxes[one], boxes[other]) for one, other in sorted(flow.edges, key=str)]
    width = len(columns) * (WIDE + ACROSS) - ACROSS + 2
    return Drawing(width, tallest * (TALL + DOWN) - DOWN + 2, list(boxes.values()), lines)


def columns_of(distances: Mapping[Any, int], edges: Iterable[tuple[Any, Any]]) -> list[list[Any]]:
    """
    Jobs in columns; each job is to the right of all the jobs that it waits for.

    >>> columns_of({"c": 0, "a": -1, "b": -1}, [("a", "b"), ("b", "c"), ("a", "c")])
    [['a'], ['b'], ['c']]
    """
    places, edges = dict(distances), list(edges)
    for _ in places:  # each round settles one more; a cycle, made with SQL, ends too
        is_settled = True
        for awaited, waiting in edges:
            if places[awaited] >= places[waiting]:
                is_settled = False
                if places[awaited] < 0 or places[waiting] <= 0:
                    places[awaited] = places[waiting] - 1
                else:
                    places[waiting] = places[awaited] + 1
        if is_settled:
            break
    return [[one for one in places if places[one] == place] for place in sorted(set(places.values()))]


def _line(awaited: Box, waiting: Box) -> str:
    """From the right edge of one to the left edge of the other."""
    x1, y1, x2, y2 = awaited.x + WIDE, awaited.y + TALL // 2, waiting.x, waiting.y + TALL // 2
    half = (x1 + x2) // 2
    return f"M{x1} {y1}C{half} {y1} {half} {y2} {x2 - 6} {y2}"
