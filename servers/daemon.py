"""A program that runs until it is stopped or killed, and listens on one port."""

import signal
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from servers import account
from servers.lifetime import Lifetime
from servers.port import unused_port
from servers.process import Process


class Daemon(Lifetime):
    """
    A private server on a loopback port, for as long as the `with` block lasts.

    It keeps everything in `folder`; without one, in a temporary folder that is
    removed at the end. A server whose folder already holds data starts with that data.
    `settings` are the server's own options, read at each start: change them and
    `restart()`.
    """

    versions: ClassVar[Mapping[str, str]]
    """The versions there are, each with the Debian suite it comes from; the first is the default."""

    _says_when_ready: ClassVar[str]
    _stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    _abandon_signal: ClassVar[signal.Signals] = signal.SIGKILL

    def __init__(
        self,
        folder: Path | str | None = None,
        *,
        version: str | int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.version = next(iter(self.versions)) if version is None else str(version)
        if self.version not in self.versions:
            raise ValueError(f"no {type(self).__name__} {self.version} here, only {', '.join(self.versions)}")
        super().__init__(folder)
        self.settings = dict(settings or {})
        self.port = unused_port()
        self._process: Process | None = None

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    @property
    def process(self) -> Process:
        if self._process is None:
            raise RuntimeError(f"{type(self).__name__} in {self.folder} was never started")
        return self._process

    def start(self) -> None:
        if self.running:
            return
        account.hand_over(self.folder)
        self._prepare()
        self._process = Process(
            self._command(),
            log=self.log,
            when_we_die=self._abandon_signal,
            environment=self._environment(),
        )
        try:
            self._process.wait_until_it_says(self._says_when_ready)
        except BaseException:
            self._process.stop(self._abandon_signal)
            raise

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop(self._stop_signal)

    def abandon(self) -> None:
        if self._process is not None:
            self._process.stop(self._abandon_signal)

    def kill(self) -> None:
        """Crash it: SIGKILL to all its processes. When this returns they are gone; `start()` is next."""
        self.process.kill()

    def pause(self) -> None:
        """Freeze it, like a machine that hangs: connections stay open and nothing answers."""
        self.process.pause()

    def resume(self) -> None:
        self.process.resume()

    @abstractmethod
    def _prepare(self) -> None:
        """Write what it reads when it starts."""

    @abstractmethod
    def _command(self) -> Sequence[str | Path]:
        """The command line that runs it in the foreground."""

    def _environment(self) -> Mapping[str, str]:
        """Variables it needs in addition to a clean environment."""
        return {}
