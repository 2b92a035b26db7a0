"""A private PostgreSQL server."""

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from servers import account, debian, tool
from servers.identifier import identifier
from servers.process import Process
from servers.server import Server


class PostgreSQL(Server):
    UNSYNCED: ClassVar[Mapping[str, str]] = {"fsync": "off"}
    versions: ClassVar[Mapping[str, str]] = {"15": "bookworm", "17": "trixie", "18": "sid"}
    scheme = "postgresql"
    _says_when_ready = "database system is ready to accept"  # "… read-only connections" on a standby
    _stop_signal = signal.SIGINT  # "fast": SIGTERM would wait until all clients have left
    _abandon_signal = signal.SIGQUIT  # like SIGKILL, but shared memory is given back

    @cached_property
    def programs(self) -> Path:
        """The machine's own programs if they have that version, otherwise Debian's."""
        folder = f"usr/lib/postgresql/{self.version}/bin"
        own = Path("/") / folder
        if all((own / name).exists() for name in ("postgres", "initdb", "psql")):
            return own
        return debian.unpacked(self.versions[self.version], f"postgresql-{self.version}") / folder

    def create_database(self, name: str) -> str:
        database = identifier(name)
        drop = f"DROP DATABASE IF EXISTS {database} WITH (FORCE)"
        self._psql("postgres", drop, f"CREATE DATABASE {database}")
        return self.url_of(database)

    def query(self, sql: str, *, database: str = "test", timeout: float = 60) -> list[list[str]]:
        printed = self._psql(database, sql, timeout=timeout)
        return [line.split("\x1f") for line in printed.split("\x1e") if line]

    def _psql(self, database: str, *statements: str, timeout: float = 60) -> str:
        connection = f"host=127.0.0.1 port={self.port} user=test password=test dbname={database}"
        unaligned = ["-X", "-q", "-A", "-t", "-F", "\x1f", "-R", "\x1e", "-v", "ON_ERROR_STOP=1"]
        each = [part for statement in statements for part in ("-c", statement)]
        arguments = [*unaligned, *each, connection]
        return tool.run([self.programs / "psql", *arguments], timeout=timeout).removesuffix("\n")

    def _fill(self, folder: Path) -> None:
        password = self.folder / "password"
        account.write(password, "test")
        text = ["--encoding=UTF8", "--locale=C.UTF-8"]
        login = ["--username=test", f"--pwfile={password}", "--auth=scram-sha-256"]
        tool.run([self.programs / "initdb", "-D", folder, "--no-sync", *text, *login])
        # A single backend, without a server, creates the database together with the data.
        tool.run(
            [self.programs / "postgres", "--single", "-F", "-D", folder, "postgres"],
            stdin="CREATE DATABASE test",
        )

    def _prepare(self) -> None:
        super()._prepare()
        self._write_settings()

    def _command(self) -> Sequence[str | Path]:
        return [self.programs / "postgres", "-D", self.data]

    def reload(self) -> None:
        """Have the running server read `settings` again."""
        self._write_settings()
        os.kill(self.process.pid, signal.SIGHUP)

    def abandon(self) -> None:
        super().abandon()
        if (self.data / "postmaster.pid").exists():  # it crashed
            self._give_back_shared_memory()

    def _give_back_shared_memory(self) -> None:
        """After a crash PostgreSQL does this when it starts again; here it starts where clients cannot reach it."""
        unreachable = ["-c", "listen_addresses=", "-c", "unix_socket_directories=."]
        again = Process([*self._command(), *unreachable], log=self.log, when_we_die=self._abandon_signal)
        with suppress(RuntimeError):  # its data may be damaged
            again.wait_until_it_says(self._says_when_ready, timeout=10)
        again.stop(self._abandon_signal)

    def _write_settings(self) -> None:
        """Small, on loopback only, in UTC; the caller's settings come last and win."""
        settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "shared_buffers": "64MB",
            "max_connections": "100",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "jit": "off",
            **self.settings,
        }
        lines = [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in settings.items()]
        account.write(self.data / "postgresql.conf", "".join(lines))
