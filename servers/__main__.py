"""
Start a server by hand and print its URL; Ctrl-C stops it.

    python -m servers postgresql 18 fsync=off
"""

import argparse
import signal
import sys
from types import FrameType

from servers import MariaDB, MySQL, PostgreSQL, Server, Unavailable

KINDS: dict[str, type[Server]] = {"postgresql": PostgreSQL, "mariadb": MariaDB, "mysql": MySQL}


def main() -> None:
    known = ", ".join(f"{name} ({' '.join(kind.versions)})" for name, kind in KINDS.items())
    parser = argparse.ArgumentParser("python -m servers", description=f"Start a private server: {known}.")
    parser.add_argument("server", choices=KINDS)
    parser.add_argument("version", nargs="?", help="the default is the first")
    parser.add_argument("settings", nargs="*", metavar="name=value", help="of the server's own")
    parser.add_argument("--folder", help="where to keep data; without it they are thrown away")
    given = parser.parse_args()
    if given.version and "=" in given.version:
        given.settings.insert(0, given.version)
        given.version = None
    settings = dict(setting.split("=", 1) for setting in given.settings)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with KINDS[given.server](given.folder, version=given.version, settings=settings) as server:
            print(server.url, flush=True)
            signal.pause()
    except KeyboardInterrupt:
        pass
    except Unavailable as error:
        sys.exit(f"servers: {error}")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
