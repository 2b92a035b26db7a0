"""
The results as plots: one for a light page and one for a dark page.

    python -m benchmarks.plots RESULTS.json … FOLDER

Runs in an environment of its own, which has matplotlib; `draw` creates it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.environments import python_with
from benchmarks.measured import Curve, Table, load

MATPLOTLIB = ("matplotlib>=3.9",)
THEMES = {
    "light": {"text": "#1f2328", "faint": "#d0d7de", "ours": "#c1272d", "others": "#8c959f"},
    "dark": {"text": "#e6edf3", "faint": "#3d444d", "ours": "#ff6b6b", "others": "#7d8590"},
}
LINES = ("#8c959f", "#4c8eda", "#57a773", "#b07cc6", "#d19a3d")
NO_LIBRARY = ("no library", "our statements", "plain INSERT", "the same without", "a transaction per job")


def draw(results: Iterable[Path], folder: Path) -> None:
    """Plot all tables and curves of these results into a folder."""
    root = Path(__file__).parents[1]
    python = python_with("plots", MATPLOTLIB)
    environment = {**os.environ, "PYTHONPATH": str(root), "MPLBACKEND": "svg", "SOURCE_DATE_EPOCH": "0"}
    arguments = [*map(str, results), str(folder.absolute())]
    subprocess.run([str(python), "-m", "benchmarks.plots", *arguments], check=True, env=environment)


def main(results: list[str], folder: Path) -> None:
    """The program that `draw` starts."""
    from matplotlib import pyplot  # type: ignore[import-not-found, unused-ignore]

    folder.mkdir(parents=True, exist_ok=True)
    for theme, colours in THEMES.items():
        pyplot.rcParams.update(
            {
                "svg.fonttype": "none", "svg.hashsalt": "proletarian", "font.size": 10, "font.family": "sans-serif",
                "text.color": colours["text"], "axes.labelcolor": colours["text"], "xtick.color": colours["text"],
                "ytick.color": colours["text"], "axes.edgecolor": colours["faint"], "legend.frameon": False,
                "savefig.transparent": True,
            }
        )  # fmt: skip
        for file in results:
            for found in load(Path(file))[0]:
                figure = bars(found, colours) if isinstance(found, Table) else lines(found, colours)
                if figure is not None:
                    path = folder / f"{found.key}-{theme}.svg"
                    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
                    pyplot.close(figure)


def bars(table: Table, colours: dict[str, str]) -> Any:
    """A bar for each contestant, with the range of its rounds as a line on it; None if there is only one."""
    from matplotlib import pyplot

    if len(table.figures) < 2 or not table.plotted:
        return None
    labels = list(table.figures)[::-1]
    figure, axes = pyplot.subplots(figsize=(7.2, 0.6 + 0.34 * len(labels)))
    for place, label in enumerate(labels):
        values = table.figures[label]
        middle = statistics.median(values)
        ours = label == table.ours
        hatch = "////" if label.startswith(NO_LIBRARY) else None
        axes.barh(place, middle, height=0.66, color=colours["ours" if ours else "others"], alpha=1 if ours else 0.7,
                  hatch=hatch, edgecolor=colours["text"] if hatch else "none", linewidth=0)  # fmt: skip
        axes.plot([min(values), max(values)], [place, place], color=colours["text"], linewidth=1)
        axes.text(max(*values, middle), place, f"  {middle:,.{table.digits}f}", va="center", fontsize=9)
    axes.set_yticks(range(len(labels)), [label.replace("**", "").replace("`", "") for label in labels])
    axes.set_xlabel(f"{table.unit} ({'higher' if table.more_is_better else 'lower'} is better)")
    _plain(axes, colours)
    axes.margins(x=0.14)
    axes.set_xlim(left=min(0, axes.get_xlim()[0]) if min(map(min, table.figures.values())) < 0 else 0)
    return figure


def lines(curve: Curve, colours: dict[str, str]) -> Any:
    """A line for each contestant through the medians, with the range as a band around it."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.2, 3.6))
    others = iter(LINES * 3)
    known: dict[str, str] = {}  # which contestant has which colour; its second line is dashed
    for label, points in curve.points.items():
        who = label.partition(", old snapshot")[0].partition(", no old snapshot")[0]
        dashed = who in known
        colour = known.setdefault(who, colours["ours"] if who == curve.ours else next(others, colours["others"]))
        points = sorted(points)
        places = [x for x, _ in points]
        axes.plot(
            places, [statistics.median(values) for _, values in points], marker="o", markersize=4, color=colour,
            linestyle="--" if dashed else "-", label=label.replace("**", "").replace("`", ""),
        )  # fmt: skip
        axes.fill_between(
            places, [min(values) for _, values in points], [max(values) for _, values in points], color=colour,
            alpha=0.15, linewidth=0,
        )  # fmt: skip
    if curve.logarithmic:
        axes.set_xscale("log")
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.set_xlabel(curve.along)
    axes.set_ylabel(curve.unit)
    axes.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    _plain(axes, colours)
    return figure


def _plain(axes: Any, colours: dict[str, str]) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="both", color=colours["faint"], linewidth=0.5)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_formatter(_thousands)
    if axes.get_ylabel():
        axes.yaxis.set_major_formatter(_thousands)


def _thousands(value: float, place: int | None = None) -> str:
    return f"{value:,.10g}"


if __name__ == "__main__":
    main(sys.argv[1:-1], Path(sys.argv[-1]))
