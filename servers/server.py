"""What all database servers have in common: data, users, databases."""

import shutil
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from servers import account
from servers.daemon import Daemon


class Server(Daemon):
    scheme: ClassVar[str]

    UNSYNCED: ClassVar[Mapping[str, str]]
    """Settings for speed: what was committed survives `kill()`, but not the machine's loss of power."""

    @property
    def url(self) -> str:
        """The database "test", as the user "test", who has all rights."""
        return self.url_of("test")

    def url_of(self, database: str) -> str:
        return f"{self.scheme}://test:test@127.0.0.1:{self.port}/{database}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @abstractmethod
    def create_database(self, name: str) -> str:
        """Create an empty database, replacing one of that name if it exists; return its URL."""

    @abstractmethod
    def query(self, sql: str, *, database: str = "test", timeout: float = 60) -> list[list[str]]:
        """
        The rows that `sql` returns, as text, from the server's own client program.

        TimeoutError if there is no answer within `timeout` seconds.
        """

    @abstractmethod
    def _fill(self, folder: Path) -> None:
        """Create new data in an empty folder, with the user "test" and the database "test"."""

    def _prepare(self) -> None:
        """Create data if there are none: all or nothing, so a failure leaves nothing half-made."""
        if self.data.exists():
            return
        new = self.folder / "data.new"
        if new.exists():
            shutil.rmtree(new)
        account.hand_over(new)
        self._fill(new)
        new.rename(self.data)
