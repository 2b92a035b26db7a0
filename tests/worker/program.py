"""A worker in a process of its own: `python -m tests.worker.program URL LEDGER OPTIONS`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from proletarian import StopTimeout, Worker
from tests.ledger import Ledger
from tests.worker.jobs import tasks_for

GAVE_BACK = 3  # the exit code when jobs had to be given back


def main() -> None:
    url, path, options = sys.argv[1:]
    ledger = Ledger(Path(path))
    settings = json.loads(options)
    drain = settings.pop("drain", False)

    def log(event: str, data: dict[str, Any]) -> None:
        ledger.write(event, **data)

    try:
        worker = Worker(url, tasks_for(ledger), log=log, **settings)
        worker.drain() if drain else worker.run()
    except StopTimeout as error:
        print(error, file=sys.stderr)
        sys.exit(GAVE_BACK)


if __name__ == "__main__":
    main()
