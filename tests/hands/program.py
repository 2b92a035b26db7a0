"""A worker with child processes, in a process of its own: `python -m tests.hands.program URL LEDGER OPTIONS`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from proletarian import Processes, StopTimeout, Worker
from tests.hands.shop import tasks
from tests.ledger import Ledger


def main() -> None:
    url, path, options = sys.argv[1:]
    ledger = Ledger(Path(path))

    def log(event: str, data: dict[str, Any]) -> None:
        ledger.write(event, **data)

    try:
        Worker(url, tasks, queues={"default": Processes(2)}, log=log, **json.loads(options)).run()
    except StopTimeout as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
