"""Two PostgreSQL servers: a primary, and a standby that takes over."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from servers import account, tool
from servers.lifetime import Lifetime
from servers.postgresql import PostgreSQL

_WAIT_FOR = "synchronous_standby_names"


class PostgresNode(PostgreSQL):
    """A server whose data are created from scratch or, for a standby, copied from a primary."""

    primary: PostgreSQL | None = None

    def _fill(self, folder: Path) -> None:
        if self.primary is None:
            super()._fill(folder)
            return
        source = f"host=127.0.0.1 port={self.primary.port} user=test password=test"
        tool.run(
            [
                self.programs / "pg_basebackup",
                f"--pgdata={folder}",
                f"--dbname={source} application_name={self.folder.name}",
                "--write-recovery-conf",  # it becomes a standby of that source
                "--checkpoint=fast",
                "--no-sync",
            ]
        )

    @property
    def is_standby(self) -> bool:
        return (self.data / "standby.signal").exists()


class PostgresPair(Lifetime):
    """
    A primary and a standby that the primary waits for at each commit, so a
    failover loses nothing that was acknowledged.

        with PostgresPair() as pair:
            pair.primary.kill()
            pair.promote()      # the standby is `pair.primary` now
            pair.rejoin()       # the killed one is its standby, with a copy of its data

    While the standby is down, the primary's commits hang, as they must.
    With `synchronous=False` the primary does not wait for it.
    """

    def __init__(
        self,
        folder: Path | str | None = None,
        *,
        version: str | int | None = None,
        settings: Mapping[str, str] | None = None,
        synchronous: bool = True,
    ) -> None:
        super().__init__(folder)
        self._synchronous = synchronous
        # Each notices within seconds that the other hangs, and retries at once.
        watchful = {
            "wal_keep_size": "64MB",
            "wal_receiver_timeout": "5s",
            "wal_sender_timeout": "5s",
            "wal_receiver_status_interval": "1s",
            "wal_retrieve_retry_interval": "200ms",
        }
        both = {**watchful, **(settings or {})}
        self.nodes = [PostgresNode(self.folder / name, version=version, settings=both) for name in ("a", "b")]
        self.primary, self.standby = self.nodes

    @property
    def url(self) -> str:
        """Both servers; a client that supports libpq's options finds the one that accepts writes."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"postgresql://test:test@{hosts}/test?target_session_attrs=read-write"

    @property
    def urls(self) -> list[str]:
        """Each server separately, in an order that never changes."""
        return [node.url for node in self.nodes]

    def start(self) -> None:
        account.hand_over(self.folder)
        if self.primary.is_standby:  # in a folder that was used before
            self.primary, self.standby = self.standby, self.primary
        self.primary.start()
        self._follow()

    def stop(self) -> None:
        self.primary.stop()  # it sends the standby everything it has, so the standby must still be running
        self.standby.stop()

    def abandon(self) -> None:
        for node in self.nodes:
            node.abandon()

    def promote(self) -> None:
        """
        Make the standby the primary; it waits for no standby until `rejoin()`.

        The former primary is left as it is: `kill()` or `pause()` it first, or there will be two.
        """
        self.standby.query("SELECT pg_promote(wait => true, wait_seconds => 60)")
        self.standby.primary = None
        self.primary, self.standby = self.standby, self.primary

    def rejoin(self) -> None:
        """Make the former primary, dead or alive, the standby: its data are replaced by a copy."""
        self.standby.abandon()
        shutil.rmtree(self.standby.data, ignore_errors=True)
        self._follow()

    def _follow(self) -> None:
        """Start the standby and wait until the primary sends to it; then let commits wait for it."""
        self.standby.settings.pop(_WAIT_FOR, None)
        self.standby.primary = self.primary
        self.standby.start()
        self._wait_until("streams", lambda: self._replication("state") == "streaming")
        if self._synchronous:
            self.primary.settings[_WAIT_FOR] = self.standby.folder.name
            self.primary.reload()
            self._wait_until("is waited for", lambda: self._replication("sync_state") == "sync")

    def _replication(self, column: str) -> str | None:
        rows = self.primary.query(f"SELECT {column} FROM pg_stat_replication")
        return rows[0][0] if rows else None

    def _wait_until(self, what: str, condition: Callable[[], bool]) -> None:
        self.standby.process.wait_until(condition, what=f"until it {what} as the standby", timeout=60)
