"""The results of a part of the benchmark, as values that can be saved, reported and plotted."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Goal:
    """
    A target for a row: at least, or at most, `bound` times another row's figure.

    `against` is the other row; None: `bound` is the figure itself. `of` is the row that has
    the target; None: ours.
    """

    against: str | None
    bound: float
    at_most: bool = False
    of: str | None = None


@dataclass
class Table:
    """
    Figures of one kind: one per round for each contestant.

    Contestants are measured in turn within each round, so ratios are taken within a round
    too, and their median is reported: the machine's ups and downs cancel out.
    """

    key: str
    title: str
    unit: str
    figures: dict[str, list[float]] = field(default_factory=dict)  # by label
    ours: str | None = None
    more_is_better: bool = True
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    digits: int = 0
    plotted: bool = True

    def add(self, label: str, figure: float) -> None:
        """Add a figure of the current round."""
        self.figures.setdefault(label, []).append(figure)

    def ratio(self, label: str, of: str | None = None) -> list[float]:
        """Our figures, or those of the row `of`, divided by this row's, round by round."""
        of = of or self.ours
        if of is None or of not in self.figures:
            return []
        pairs = zip(self.figures[of], self.figures[label], strict=False)
        return [a / b for a, b in pairs if b]

    def met(self, goal: Goal) -> tuple[float, bool] | None:
        """What was reached, and whether that is enough; None if one of the two rows was not measured."""
        of = goal.of or self.ours
        if of not in self.figures or (goal.against is not None and goal.against not in self.figures):
            return None
        values = self.figures[of] if goal.against is None else self.ratio(goal.against, of)
        if not values:
            return None
        reached = statistics.median(values)
        return reached, reached <= goal.bound if goal.at_most else reached >= goal.bound


@dataclass
class Curve:
    """How a figure depends on x: for each contestant, points of (x, the figures of all rounds)."""

    key: str
    title: str
    along: str
    unit: str
    points: dict[str, list[tuple[float, list[float]]]] = field(default_factory=dict)
    ours: str | None = None
    logarithmic: bool = False
    notes: list[str] = field(default_factory=list)
    digits: int = 0

    def add(self, label: str, x: float, figure: float) -> None:
        """Add a figure of the current round."""
        points = self.points.setdefault(label, [])
        for at, figures in points:
            if at == x:
                figures.append(figure)
                return
        points.append((x, [figure]))


Found = Table | Curve


def spread(values: Sequence[float], digits: int) -> str:
    """A median, followed by the range."""
    middle = f"{statistics.median(values):,.{digits}f}"
    if len(values) < 2:
        return middle
    return f"{middle} ({min(values):,.{digits}f} – {max(values):,.{digits}f})"


def save(found: Sequence[Found], file: Path, about: dict[str, Any]) -> None:
    """Save what was found."""
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = [{"kind": type(one).__name__, **asdict(one)} for one in found]
    file.write_text(json.dumps({"about": about, "found": kept}, indent=1, ensure_ascii=False))


def load(file: Path) -> tuple[list[Found], dict[str, Any]]:
    """Load what `save` has written."""
    kept = json.loads(file.read_text())
    found: list[Found] = []
    for entry in kept["found"]:
        if entry.pop("kind") == "Table":
            goals = [Goal(**goal) for goal in entry.pop("goals")]
            found.append(Table(**entry, goals=goals))
        else:
            points = {label: [(x, figures) for x, figures in of] for label, of in entry.pop("points").items()}
            found.append(Curve(**entry, points=points))
    return found, kept["about"]
