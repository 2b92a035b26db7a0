"""Who may do what: four levels, and the name that an audit keeps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Access(IntEnum):
    """
    What a user may do in the dashboard; each level includes those before it.

    `none`: nothing. `read`: all pages, with secrets hidden. `operate`: cancel, retry, reschedule, pause, resume, run
    now, and see hidden values. `admin`: also delete. Every action is audited: `Access.operate.by("ann")` says whose.

    >>> Access.read < Access.operate
    True
    """

    none = 0
    read = 1
    operate = 2
    admin = 3

    def by(self, name: str) -> Visitor:
        """
        The same, with a name for the audit.

        >>> Access.operate.by("ann").name
        'ann'
        """
        return Visitor(self, name)


@dataclass(frozen=True)
class Visitor:
    """Somebody who asks for a page: how much they get, and what the audit calls them."""

    access: Access
    name: str = ""

    @property
    def operates(self) -> bool:
        """Whether they may act."""
        return self.access >= Access.operate

    @property
    def deletes(self) -> bool:
        """Whether they may delete."""
        return self.access >= Access.admin


def visitor_of(given: object) -> Visitor:
    """What an application's `access` returned; anything but a level or a visitor gets no access."""
    if isinstance(given, Visitor):
        return given
    return Visitor(given) if isinstance(given, Access) else Visitor(Access.none)
