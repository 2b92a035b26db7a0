"""A worker that keeps the books, in a process of its own: `python -m tests.faults.member URL LEDGER OPTIONS`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from proletarian import Worker
from tests.databases import PrivateDatabase
from tests.faults.books import tasks_for
from tests.ledger import Ledger


def main() -> None:
    url, path, options = sys.argv[1:]
    product = url.partition(":")[0]
    ledger = Ledger(Path(path))

    def log(event: str, data: dict[str, Any]) -> None:
        ledger.write(event, **data)

    Worker(url, tasks_for(PrivateDatabase(product, url)), log=log, **json.loads(options)).run()


if __name__ == "__main__":
    main()
