"""
The contract of a database and of a driver, as checks that anyone can run.

If you write a driver, or doubt one, run these against a real database. They need no
test framework: a check is called with a `Subject` and raises `AssertionError`, with the
check's name as the promise that was broken.

    from proletarian.conformance import DRIVER, Library, Subject

    library = Library(open=lambda: psycopg.connect(URL))
    subject = Subject(URL, library)
    for check in DRIVER:
        if not check.lacking(subject):
            check(subject)

`DRIVER` holds what the connections of one library must do for an application: enqueue, roll
back, complete, look. `DATABASE` holds what the plans and the worker's own connections must do:
claim, acknowledge, recover. A subject names the capabilities that it does not have in `lacks`.

The tables are created, and emptied before each check: use a database that holds nothing else.
"""

from proletarian.conformance import (
    acknowledging,
    acting,
    awaiting,
    claiming,
    completing,
    enqueueing,
    explaining,
    finding,
    firing,
    identifying,
    lanes,
    living,
    looking,
    recovering,
    scheduling,
    stepping,
    surveying,
    transactions,
    uniqueness,
    waiting_for,
    waking,
    when,
)
from proletarian.conformance.check import Check
from proletarian.conformance.subject import CAPABILITIES, Library, Subject

DRIVER: list[Check] = [
    *transactions.CHECKS,
    *enqueueing.CHECKS,
    *when.CHECKS,
    *identifying.CHECKS,
    *completing.CHECKS,
    *finding.CHECKS,
    *explaining.CHECKS,
    *acting.CHECKS,
    *awaiting.CHECKS,
    *scheduling.CHECKS,
    *surveying.CHECKS,
    *uniqueness.CHECKS,
    *stepping.LOOKS,
    *waiting_for.CHECKS,
]
DATABASE: list[Check] = [
    *claiming.CHECKS,
    *lanes.CHECKS,
    *acknowledging.CHECKS,
    *recovering.CHECKS,
    *living.CHECKS,
    *waking.CHECKS,
    *looking.CHECKS,
    *firing.CHECKS,
    *stepping.CHECKS,
]

__all__ = ["CAPABILITIES", "DATABASE", "DRIVER", "Check", "Library", "Subject"]
