"""
The doctor: looks at a database and the fleet, and says what is wrong and what to do.

`proletarian doctor` prints what it finds. The checks are in `server.py`, `tables.py` and `fleet.py`, as functions of
what was seen; `examination.py` does the looking.
"""

from __future__ import annotations

from proletarian.doctor.examination import examine
from proletarian.doctor.finding import Finding, Level

__all__ = ["Finding", "Level", "examine"]
