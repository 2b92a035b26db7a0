"""System: what the doctor says about the database and the fleet, and the sizes of the tables."""

from __future__ import annotations

from proletarian.doctor import examine
from proletarian.drivers.registry import redacted
from proletarian.sql import examining
from proletarian.web.asking import Ask, Shown

MOST = 10_000  # due jobs of a queue are counted up to here
NOT_OURS = ("rights",)  # it checks the rights of a worker's account, and this is the dashboard's
SHAPES = {"trouble": "bad", "notice": "warn", "fine": "succeeded"}


def page(ask: Ask) -> Shown:
    """As `proletarian doctor` prints it, trouble first."""
    order = list(SHAPES)
    found = [finding for finding in examine(ask.desk.database, most=MOST) if finding.check not in NOT_OURS]
    sizes = ask.desk.look(examining.sizes(ask.desk.dialect))
    values = {
        "findings": sorted(found, key=lambda finding: order.index(finding.level)),
        "sizes": sorted(sizes, key=lambda size: -size.size),
        "where": redacted(ask.desk.database.url),
        "shapes": SHAPES,
    }
    return Shown("system.html", values)
