"""A private MariaDB server."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from servers import account, debian, tool
from servers.mysql_family import MySQLFamily, as_arguments

_ACCOUNTS = """\
USE mysql;
FLUSH PRIVILEGES;
CREATE DATABASE test;
CREATE USER test@'127.0.0.1' IDENTIFIED BY 'test';
GRANT ALL ON *.* TO test@'127.0.0.1' WITH GRANT OPTION;
"""


class MariaDB(MySQLFamily):
    versions: ClassVar[Mapping[str, str]] = {"10.11": "bookworm", "11.8": "trixie"}
    UNSYNCED: ClassVar[Mapping[str, str]] = {"innodb-flush-log-at-trx-commit": "2", "sync-binlog": "0"}

    @cached_property
    def _usr(self) -> Path:
        """The machine's own programs if they have that version, otherwise Debian's."""
        own = Path("/usr/sbin/mariadbd")
        if own.exists() and Path("/usr/bin/mariadb").exists():
            version = tool.run([own, "--no-defaults", "--version"])
            if f"Ver {self.version}." in version:
                return Path("/usr")
        packages = ("mariadb-server-core", "mariadb-client-core")
        return debian.unpacked(self.versions[self.version], *packages) / "usr"

    @property
    def server_program(self) -> Path:
        return self._usr / "sbin/mariadbd"

    @property
    def client_program(self) -> Path:
        return self._usr / "bin/mariadb"

    @cached_property
    def _share(self) -> Path:
        """The folder of its messages and the SQL of its system tables; its name depends on the version."""
        folders = [self._usr / "share/mysql", self._usr / "share/mariadb"]
        return next(f for f in folders if any(f.glob("*_system_tables.sql")))

    def _places(self) -> Mapping[str, str | Path]:
        return {
            "basedir": self._usr,
            "lc-messages-dir": self._share,
            "character-sets-dir": self._share / "charsets",
            "plugin-dir": self._usr / "lib/mysql/plugin",
        }

    def _defaults(self) -> Mapping[str, str]:
        return {"innodb-log-file-size": "32M", "character-set-server": "utf8mb4"}

    def _fill(self, folder: Path) -> None:
        """
        Run the SQL that mariadb-install-db would run, without that script, which
        makes accounts without names and looks for its files in /usr only.

        In this mode a statement ends where a line ends with its semicolon.
        """
        account.hand_over(folder / "mysql")
        scripts = [
            next(self._share.glob(f"*_{name}.sql"))
            for name in ("system_tables", "performance_tables", "system_tables_data", "sys_schema")
        ]
        sql = ["USE mysql;\nSET @auth_root_socket=NULL, @skip_auth_anonymous=1;\n"]
        sql += [script.read_text() + "\n" for script in scripts]
        options = {
            **self._places(),
            **self._defaults(),
            "datadir": folder,
            "bootstrap": "",
            "tmpdir": self.folder,
            "log-warnings": "0",
            "max-allowed-packet": "8M",
        }
        tool.run(
            [self.server_program, "--no-defaults", *as_arguments(options), "--enforce-storage-engine="],
            stdin="".join([*sql, _ACCOUNTS]),
        )
