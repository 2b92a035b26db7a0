"""Something that runs in a folder for as long as a `with` block lasts."""

import shutil
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self


class Lifetime(ABC):
    def __init__(self, folder: Path | str | None) -> None:
        self._temporary = folder is None
        self.folder = Path(tempfile.mkdtemp(prefix="server-") if folder is None else folder).absolute()

    @abstractmethod
    def start(self) -> None:
        """Start it, creating new data if there are none; return when it accepts connections."""

    @abstractmethod
    def stop(self) -> None:
        """Stop it cleanly."""

    @abstractmethod
    def abandon(self) -> None:
        """End it at once; its data will not be used any more."""

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop it, and remove its folder if it is a temporary one."""
        if self._temporary:
            self.abandon()
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            self.stop()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
