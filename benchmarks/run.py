"""One run of the benchmark: its options, its folder, and the contestants measured in turn."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from benchmarks.contestants import Contestant
from benchmarks.environments import CannotInstall, python_with, versions
from benchmarks.stage import Stage, WentWrong
from benchmarks.stores import Store


@dataclass
class Run:
    """What all parts of one run share."""

    rounds: int = 3
    quick: bool = False
    huge: bool = False
    jobs: int | None = None
    peers: frozenset[str] | None = None  # their environments; None: all that can be installed
    left_out: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    @cached_property
    def folder(self) -> Path:
        """For records and logs; it is kept if something goes wrong."""
        return Path(tempfile.mkdtemp(prefix="proletarian-benchmark-"))

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def size(self, full: int, quick: int | None = None) -> int:
        """How many jobs: the number that was asked for, or the part's own."""
        return self.jobs or (quick if self.quick and quick is not None else full)

    def chosen(self, contestants: Sequence[Contestant]) -> list[Contestant]:
        """The contestants that take part: always ours and the raw ones; peers if asked for and installable."""
        able = []
        for contestant in contestants:
            if contestant.requirements and self.peers is not None and contestant.environment not in self.peers:
                continue
            try:
                python = python_with(contestant.environment, contestant.requirements, since=contestant.since)
            except CannotInstall as error:
                self.leave_out(contestant, error)
            else:
                able.append(contestant)
                self._note_version(contestant, python)
        return able

    def _note_version(self, contestant: Contestant, python: Path) -> None:
        """A peer's own version; it is the first of its requirements."""
        if contestant.requirements:
            name = re.split(r"[\[=]", contestant.requirements[0])[0]
            if name not in self.versions:
                self.versions[name] = versions(python).get(name.lower(), "?")

    def in_turn(
        self,
        contestants: Sequence[Contestant],
        store: Store | Mapping[str, Store],
        measure: Callable[[Stage], None],
        what: str,
    ) -> None:
        """
        Measure all contestants once per round; each round begins with a different one.

        `store` is one store for all contestants, or a mapping from their names to stores.
        """
        able = self.chosen(contestants)
        for number in range(self.rounds):
            start = number % max(1, len(able))
            for contestant in [*able[start:], *able[:start]]:
                say(f"{what}, round {number + 1}/{self.rounds}: {contestant.name}")
                try:
                    place = store[contestant.name] if isinstance(store, Mapping) else store
                    measure(Stage(contestant, place, self.folder))
                except WentWrong as error:
                    if not contestant.requirements:
                        raise
                    self.leave_out(contestant, error)

    def leave_out(self, contestant: Contestant, error: Exception) -> None:
        """Report that a contestant could not be measured."""
        line = f"{contestant.label}: left out: {str(error).splitlines()[0]}"
        if line not in self.left_out:
            self.left_out.append(line)
        print(f"!! {error}", file=sys.stderr, flush=True)


def say(line: str) -> None:
    """Show progress."""
    print(f"   {line}", file=sys.stderr, flush=True)
