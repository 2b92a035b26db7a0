"""A private PgBouncer: many clients share the few connections of a PostgreSQL server."""

import os
import signal
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from servers import account, debian
from servers.daemon import Daemon


class PgBouncer(Daemon):
    """
    Stands in front of the server at `upstream`, in transaction mode.

        with PostgreSQL() as server, PgBouncer(server.url) as bouncer:
            bouncer.url     # the same database, through PgBouncer

    1.18 does not support prepared statements in transaction mode; 1.24 does.
    """

    versions: ClassVar[Mapping[str, str]] = {"1.18": "bookworm", "1.24": "trixie"}
    _says_when_ready = "process up"
    _stop_signal = signal.SIGINT  # transactions that have begun are completed

    def __init__(
        self,
        upstream: str,
        folder: Path | str | None = None,
        *,
        version: str | int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder, version=version, settings=settings)
        self._upstream = upstream

    @property
    def url(self) -> str:
        """The upstream's database, through PgBouncer."""
        return self.url_of(urlsplit(self._upstream).path.removeprefix("/"))

    def url_of(self, database: str) -> str:
        return f"postgresql://test:test@127.0.0.1:{self.port}/{database}"

    def repoint(self, upstream: str) -> None:
        """Switch to another server, as after a failover."""
        self._upstream = upstream
        self._prepare()
        os.kill(self.process.pid, signal.SIGHUP)

    @cached_property
    def program(self) -> Path:
        return debian.unpacked(self.versions[self.version], "pgbouncer") / "usr/sbin/pgbouncer"

    def _prepare(self) -> None:
        server = urlsplit(self._upstream)
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": str(self.port),
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": str(self.folder / "users"),
            # Roles other than "test" log in with the password that the server has for them.
            "auth_user": "test",
            "auth_query": "SELECT usename, passwd FROM pg_shadow WHERE usename = $1",
            "admin_users": "test",
            "pool_mode": "transaction",
            "default_pool_size": "10",
            "max_client_conn": "500",
            "server_login_retry": "1",
            "ignore_startup_parameters": "extra_float_digits",
            **self.settings,
        }
        account.write(self.folder / "users", '"test" "test"\n')
        lines = [
            "[databases]",
            f"* = host={server.hostname} port={server.port} auth_user=test",
            "[pgbouncer]",
        ]
        lines += [f"{name} = {value}" for name, value in settings.items()]
        account.write(self.folder / "ini", "\n".join(lines) + "\n")

    def _command(self) -> Sequence[str | Path]:
        return [self.program, self.folder / "ini"]
