"""A private MySQL server (Oracle's)."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from servers import account, debian, tool
from servers.mysql_family import MySQLFamily, as_arguments

_ACCOUNTS = """\
CREATE DATABASE test;
CREATE USER test@'127.0.0.1' IDENTIFIED WITH caching_sha2_password BY 'test';
GRANT ALL ON *.* TO test@'127.0.0.1' WITH GRANT OPTION;
"""


class MySQL(MySQLFamily):
    # Debian has it only in sid, in one version.
    versions: ClassVar[Mapping[str, str]] = {"9": "sid"}
    UNSYNCED: ClassVar[Mapping[str, str]] = {"innodb-flush-log-at-trx-commit": "2", "sync-binlog": "0"}

    @cached_property
    def _root(self) -> Path:
        return debian.unpacked(self.versions[self.version], "mysql-server-core", "mysql-client-core")

    @property
    def server_program(self) -> Path:
        return self._root / "usr/sbin/mysqld"

    @property
    def client_program(self) -> Path:
        return self._root / "usr/bin/mysql"

    def _places(self) -> Mapping[str, str | Path]:
        usr = self._root / "usr"
        return {
            "basedir": usr,
            "lc-messages-dir": usr / "share/mysql",
            "character-sets-dir": usr / "share/mysql/charsets",
            "plugin-dir": usr / "lib/mysql/plugin",
            "secure-file-priv": "NULL",
        }

    def _defaults(self) -> Mapping[str, str]:
        return {
            "mysqlx": "OFF",  # a second protocol, on a port of its own
            "performance-schema": "OFF",
            "disable-log-bin": "",
            "innodb-redo-log-capacity": "64M",
        }

    def _fill(self, folder: Path) -> None:
        accounts = self.folder / "accounts.sql"
        account.write(accounts, _ACCOUNTS)
        options = {
            **self._places(),
            "datadir": folder,
            "initialize-insecure": "",
            "init-file": accounts,
            "innodb-redo-log-capacity": "64M",
        }
        tool.run([self.server_program, "--no-defaults", *as_arguments(options)])
