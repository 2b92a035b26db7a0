"""The page of the documentation: what the last full run of each part found, in words, tables and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measured import Found, Table, load
from benchmarks.peers import ALL
from benchmarks.plots import draw
from benchmarks.report import curve, sentence, table
from benchmarks.short import in_short

DOCS = Path(__file__).parents[1] / "docs"
PLOTS = Path("_static/benchmarks")
CHART = "drain-1"  # the one at the top of the page
NAMES = {"mysql": "MySQL", "sqlite": "SQLite"}

HEAD = """\
---
orphan: true
---

<!-- Written by `python -m benchmarks --page` from the results of the last runs: do not edit. -->

# Benchmarks

How fast Proletarian is, compared with what you might use instead, and with what the database can do without any
library. Your jobs do something, so the first row is the one that matters to most people: the queue costs next to
nothing. The other rows show how far you can go before it does. Most tables below measure jobs that do nothing
("no-op"), because that shows the queue and nothing else.
"""

HOW = """\
## How it was measured

Everything was measured with **durability on**: PostgreSQL with its defaults (`fsync`, `synchronous_commit`), InnoDB
flushing its log at each commit, SQLite with `synchronous=FULL`. Each contestant has the best settings that its
documentation names; ours has only its defaults unless the row says otherwise. All contestants of a table were measured
in turn in the same run on the same machine, in several rounds. A row shows the median and the range. The ratio is taken
within each round, so it hardly changes if the machine is faster on one day than on another. Rates of two sections can
only be compared if both name the same processor. After each drain it was checked that every job had run exactly once
and was in the archive.

Run it yourself: `make bench`, or `python -m benchmarks drain` for one part. `benchmarks/README.md` describes how each
figure is taken.
"""


@dataclass
class Section:
    """What one part found."""

    name: str
    doc: str
    found: list[Found]
    about: dict[str, Any]


def write(results: Path, parts: Sequence[tuple[str, str]]) -> Path:
    """Write the page from the existing results; `parts` are names and what they measure."""
    sections = [
        Section(name, doc, *load(file)) for name, doc in parts if (file := results / f"{name}.json").exists()
    ]  # fmt: skip
    if not sections:
        raise SystemExit(f"no results in {results}: run the benchmark first")
    folder = DOCS / PLOTS
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    draw([results / f"{section.name}.json" for section in sections], folder)
    page = DOCS / "benchmarks.md"
    lacking = [name for name, _ in parts if name not in {section.name for section in sections}]
    short = in_short([found for section in sections for found in section.found])
    how = HOW + machine(sections) + without(lacking)
    chart = picture(next(found for section in sections for found in section.found if found.key == CHART))
    written = [HEAD.strip(), short, chart, how, *map(one, sections), contestants(), goals(sections)]
    page.write_text("\n\n".join(written) + "\n")
    return page


def machine(sections: Sequence[Section]) -> str:
    """Where and when it was measured."""
    about = sections[0].about
    processors = " or an ".join(dict.fromkeys(section.about["processor"] for section in sections))
    known = dict(about["versions"])
    for section in sections:
        known |= section.about.get("peers", {})
    versions = ", ".join(f"{name} {number}" for name, number in known.items())
    when = sorted({section.about["when"][:10] for section in sections})
    return (
        f"\nThe machines: {about['cores']} cores of an {processors}, {about['system']}, Python {about['python']}; "
        f"database, workers and clients share these cores. Where one `fdatasync` takes longer, one commit per job "
        f"costs more, and batches gain more: each section says how long it took. Versions: {versions}. "
        f"Measured {' to '.join(dict.fromkeys([when[0], when[-1]]))}."
    )


def without(lacking: Sequence[str]) -> str:
    """What the page lacks."""
    if not lacking:
        return ""
    return f"\n\nNot run in full for this page: {', '.join(lacking)}. `python -m benchmarks --help` has them."


def goals(sections: Sequence[Section]) -> str:
    """All targets, in one table."""
    lines = [
        "## Targets",
        "",
        "Figures that a change must not make worse.",
        "",
        "| | measured | target | reached |",
        "| --- | --- | --- | ---: |",
    ]
    for section in sections:
        for found in section.found:
            for goal in found.goals if isinstance(found, Table) else ():
                met = found.met(goal) if isinstance(found, Table) else None
                if met is not None and isinstance(found, Table):
                    mark = "✓" if met[1] else "✗"
                    lines.append(f"| {mark} | {found.title} | {sentence(found, goal)} | {met[0]:,.2f} |")
    return "\n".join(lines)


def contestants() -> str:
    """What each peer was, and how its worker was started."""
    lines = [
        "## The contestants",
        "",
        "`{…}` below is filled in by the benchmark; the programs are in",
    ]
    lines[-1] += " `benchmarks/programs/`."
    lines += ["", "| | installed | options | worker |", "| --- | --- | --- | --- |"]
    for peer in ALL:
        command = " ".join(peer.command) or f"python {peer.program} worker"
        options = ", ".join(f"{name}={value}" for name, value in peer.options.items()) or "its defaults"
        installed = ", ".join(f"`{requirement}`" for requirement in peer.requirements)
        lines.append(f"| {peer.label} | {installed} | {options} | `{command}` |")
    return "\n".join(lines)


def one(section: Section) -> str:
    """One part: its tables and pictures."""
    about = section.about
    where = f"{about['when'][:10]}, {about['processor']}, {about['fdatasync_ms']:g} ms for an `fdatasync`."
    parts = [f"## {NAMES.get(section.name, section.name.replace('_', ' ').capitalize())}", "", section.doc, "", where]
    for found in section.found:
        parts += ["", table(found) if isinstance(found, Table) else curve(found)]
        if (DOCS / PLOTS / f"{found.key}-light.svg").exists():
            parts += ["", picture(found)]
    if section.about.get("left_out"):
        parts += ["", "Left out:", "", *(f"- {line}" for line in section.about["left_out"])]
    return "\n".join(parts)


def picture(found: Found) -> str:
    """The same as a plot, for light and for dark pages."""
    alternative = f"{found.title}, as a plot of the table above".replace("**", "").replace("`", "")
    return "\n".join(
        f"```{{image}} {PLOTS}/{found.key}-{theme}.svg\n:class: only-{theme}\n:alt: {alternative}\n```"
        for theme in ("light", "dark")
    )
