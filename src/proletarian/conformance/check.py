"""A check: one promise, which its name states."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from proletarian.conformance.subject import CAPABILITIES, Subject
from proletarian.conformance.trial import Trial

Body = Callable[[Trial], None]


@dataclass(frozen=True)
class Check:
    """Call it with a subject; raises `AssertionError` when the promise is broken."""

    body: Body
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The promise."""
        return self.body.__name__

    def __str__(self) -> str:
        return self.name

    def lacking(self, subject: Subject) -> str | None:
        """Why this check does not apply to a subject; None if it applies."""
        for need in self.needs:
            if need in subject.lacks:
                return f"not here: {CAPABILITIES[need]}"
        return None

    def __call__(self, subject: Subject) -> None:
        """Run it on empty tables."""
        with contextlib.ExitStack() as closing:
            self.body(Trial(subject, closing))


class Checks(list[Check]):
    """The checks of one file, in order."""

    def promise(self, *needs: str) -> Callable[[Body], Body]:
        """Make a function a check for subjects that have these capabilities."""

        def add(body: Body) -> Body:
            self.append(Check(body, needs))
            return body

        return add
