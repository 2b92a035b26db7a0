"""What MySQL and MariaDB have in common."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from servers import tool
from servers.identifier import identifier
from servers.server import Server


class MySQLFamily(Server):
    scheme = "mysql"
    _says_when_ready = "ready for connections"

    @property
    @abstractmethod
    def server_program(self) -> Path: ...

    @property
    @abstractmethod
    def client_program(self) -> Path: ...

    @abstractmethod
    def _places(self) -> Mapping[str, str | Path]:
        """Options that tell the server where its own files are, wherever it was built to look."""

    @abstractmethod
    def _defaults(self) -> Mapping[str, str]:
        """Options that keep it small."""

    def create_database(self, name: str) -> str:
        database = identifier(name)
        self.query(f"DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database}", database="")
        return self.url_of(database)

    def query(self, sql: str, *, database: str = "test", timeout: float = 60) -> list[list[str]]:
        where = [
            "--protocol=tcp",
            "--host=127.0.0.1",
            f"--port={self.port}",
            "--user=test",
            "--password=test",
        ]
        what = ["--batch", "--skip-column-names", f"--execute={sql}", *([database] if database else [])]
        printed = tool.run([self.client_program, "--no-defaults", *where, *what], timeout=timeout)
        return [line.split("\t") for line in printed.splitlines()]

    def _command(self) -> Sequence[str | Path]:
        return [self.server_program, "--no-defaults", *as_arguments(self._options())]

    def _options(self) -> Mapping[str, str | Path]:
        return {
            **self._places(),
            "datadir": self.data,
            "port": str(self.port),
            "bind-address": "127.0.0.1",
            "socket": "socket",  # below the data folder; an absolute path might be too long for a socket
            "pid-file": "pid",
            "tmpdir": self.folder,  # in a shared folder, a server that starts would remove another server's tables
            "skip-name-resolve": "",
            "innodb-buffer-pool-size": "64M",
            **self._defaults(),
            **self.settings,
        }


def as_arguments(options: Mapping[str, str | Path]) -> list[str]:
    """--name=value; an option whose value is empty is a switch."""
    return [f"--{name}={value}" if str(value) else f"--{name}" for name, value in options.items()]
