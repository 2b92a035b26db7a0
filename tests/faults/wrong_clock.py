"""
A worker on a machine whose clock is wrong: `python -m tests.faults.wrong_clock URL LEDGER OPTIONS`.

Its options say by how many hours, and where libfaketime is; the rest is that of
`tests.worker.program`, which takes this process over.
"""

from __future__ import annotations

import json
import os
import sys


def main() -> None:
    url, ledger, text = sys.argv[1:]
    options = json.loads(text)
    told = {"LD_PRELOAD": options.pop("libfaketime"), "FAKETIME": f"{options.pop('hours'):+}h"}
    still_right = {"DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    program = [sys.executable, "-m", "tests.worker.program", url, ledger, json.dumps(options)]
    os.execve(sys.executable, program, {**os.environ, **told, **still_right})


if __name__ == "__main__":
    main()
