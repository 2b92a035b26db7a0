"""One run of the benchmark: its options, its folder, and who is measured in turn."""

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
    peers: frozenset[str] | None = None  # by environment; None: all that can be installed
    left_out: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    @cached_property
    def folder(self) -> Path:
        """For records and logs; left there when something goes wrong."""
        return Path(tempfile.mkdtemp(prefix="proletarian-benchmark-"))

    def close(self) -> None:
        """Remove what was written on the way."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def size(self, full: int, quick: int | None = None) -> int:
        """How many jobs: what was asked for, or the part's own number."""
        return self.jobs or (quick if self.quick and quick is not None else full)

    def chosen(self, contestants: Sequence[Contestant]) -> list[Contestant]:
        """Those of the contestants that take part: ours and the raw ones always, peers as asked and if they install."""
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
        Measure all contestants once a round, each round beginning with another one.

        `store` is one for all, or one for each by name.
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
        """Note, loudly, that a contestant could not be measured."""
        line = f"{contestant.label}: left out: {str(error).splitlines()[0]}"
        if line not in self.left_out:
            self.left_out.append(line)
        print(f"!! {error}", file=sys.stderr, flush=True)


def say(line: str) -> None:
    """Tell the one who waits how far we are."""
    print(f"   {line}", file=sys.stderr, flush=True)
