"""
A sign-up service: an account, and the job that sends its confirmation mail, in one transaction.

Some sign-ups fail after both have been written, as they would if a card were refused.
Their transaction is rolled back, and neither the account nor the job exists.
"""

from __future__ import annotations

import threading
from contextlib import closing
from typing import Any

from proletarian.demo.connection import connect, placeholder
from proletarian.demo.tasks import send_confirmation

TABLE = "proletarian_demo_account"
COMMITTED, ROLLED_BACK = 1000, 50
FAILS = (COMMITTED + ROLLED_BACK) // ROLLED_BACK  # one in this many sign-ups is rolled back


class CardRefused(Exception):
    """Makes a sign-up fail."""


def make_table(connection: Any) -> None:
    """Create an empty table of accounts, in place of that of an earlier run."""
    cursor = connection.cursor()
    cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
    cursor.execute(f"CREATE TABLE {TABLE} (number INTEGER NOT NULL PRIMARY KEY, address VARCHAR(100) NOT NULL)")
    connection.commit()


def sign_up(connection: Any, mark: str, number: int) -> None:
    """Sign up one person, all or nothing; `mark` is how the library writes a parameter."""
    address = f"person{number}@example.org"
    try:
        connection.cursor().execute(f"INSERT INTO {TABLE} (number, address) VALUES ({mark}, {mark})", (number, address))
        send_confirmation.enqueue(connection, address=address)
        if number % FAILS == 0:
            raise CardRefused
    except CardRefused:
        connection.rollback()
    else:
        connection.commit()


def addresses(connection: Any) -> set[str]:
    """The addresses that have an account."""
    cursor = connection.cursor()
    cursor.execute(f"SELECT address FROM {TABLE}")
    return {address for (address,) in cursor.fetchall()}


class SignUps(threading.Thread):
    """Signs people up, one after another, in a thread."""

    def __init__(self, url: str) -> None:
        super().__init__(name="sign-ups", daemon=True)
        self.url = url
        self.tried = 0
        self.error: Exception | None = None
        self._enough = threading.Event()

    @property
    def rolled_back(self) -> int:
        """How many have been rolled back so far."""
        return self.tried // FAILS

    def run(self) -> None:
        """Sign up everybody."""
        try:
            with closing(connect(self.url)) as connection:
                mark = placeholder(self.url)
                while self.tried < COMMITTED + ROLLED_BACK and not self._enough.is_set():
                    sign_up(connection, mark, self.tried + 1)
                    self.tried += 1
        except Exception as error:  # noqa: BLE001 (whatever it is, the demo ends with it)
            self.error = error

    def close(self) -> None:
        """Stop."""
        self._enough.set()
        self.join()
