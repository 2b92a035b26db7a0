"""A private Redis, for the peers that need one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from benchmarks.stores import Store
from servers import account, debian, tool
from servers.daemon import Daemon


class Redis(Daemon):
    """Redis as most people run it for jobs: its log is flushed to disk once a second."""

    versions: ClassVar[Mapping[str, str]] = {"7.0": "bookworm"}
    _says_when_ready = "Ready to accept connections"

    @cached_property
    def programs(self) -> Path:
        """Debian's programs."""
        return debian.unpacked(self.versions[self.version], "redis-server") / "usr/bin"

    def _prepare(self) -> None:
        account.hand_over(self.folder / "data")

    def _command(self) -> Sequence[str | Path]:
        settings = {
            "port": self.port, "bind": "127.0.0.1", "dir": self.folder / "data", "save": "",
            "appendonly": "yes", "appendfsync": "everysec", **self.settings,
        }  # fmt: skip
        arguments = [str(part) for name, value in settings.items() for part in (f"--{name}", value)]
        return [self.programs / "redis-server", *arguments]


class RedisStore(Store):
    """Emptied for each round; a drain on it ends with the last call of a handler."""

    name = "redis"

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.server = redis
        self.url = f"redis://127.0.0.1:{redis.port}/0"

    def fresh(self) -> str:
        tool.run([self._redis.programs / "redis-cli", "-p", str(self._redis.port), "flushall"])
        return self.url

    def settle(self) -> None:
        pass
