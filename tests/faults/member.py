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
    url, path, text = sys.argv[1:]
    options = json.loads(text)
    handlers_url = options.pop("handlers_url", url)  # a way of their own to the database, past a proxy
    product = url.partition(":")[0]
    ledger = Ledger(Path(path))

    def log(event: str, data: dict[str, Any]) -> None:
        ledger.write(event, **data)

    Worker(url, tasks_for(PrivateDatabase(product, handlers_url)), log=log, **options).run()


if __name__ == "__main__":
    main()
