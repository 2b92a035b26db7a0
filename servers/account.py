"""
Whose account the servers run under.

Database servers refuse to run as root. When root runs the tests, the servers
run as "nobody", which exists on every Debian, so no account must be created;
otherwise they run as the user who runs the tests.
"""

import os
import pwd
import signal
from collections.abc import Sequence
from pathlib import Path

_AS_ROOT = os.geteuid() == 0
_ACCOUNT = pwd.getpwnam("nobody") if _AS_ROOT else None


def command(argv: Sequence[str | Path], *, when_we_die: signal.Signals = signal.SIGKILL) -> list[str]:
    """The command line that runs `argv` under that account, and signals it if we die."""
    setpriv = ["setpriv", "--pdeathsig", when_we_die.name.removeprefix("SIG")]
    if _ACCOUNT is not None:
        setpriv += ["--reuid", str(_ACCOUNT.pw_uid), "--regid", str(_ACCOUNT.pw_gid), "--clear-groups"]
    return [*setpriv, "--", *map(str, argv)]


def hand_over(folder: Path) -> None:
    """Create `folder` and give it to the account, which must be able to reach it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if _ACCOUNT is None:
        return
    os.chown(folder, _ACCOUNT.pw_uid, _ACCOUNT.pw_gid)
    check_reachable(folder)


def write(file: Path, text: str) -> None:
    """Write a file that the account can read, whatever our umask."""
    file.write_text(text)
    if _ACCOUNT is not None:
        os.chown(file, _ACCOUNT.pw_uid, _ACCOUNT.pw_gid)


def check_reachable(folder: Path) -> None:
    """Raise if the account cannot reach `folder` because a folder above it is closed."""
    if _ACCOUNT is None:
        return
    for above in folder.parents:
        place = above.stat()
        if not place.st_mode & (0o100 if place.st_uid == _ACCOUNT.pw_uid else 0o001):
            raise PermissionError(
                f"the servers run as {_ACCOUNT.pw_name!r}, who cannot enter {above} to reach {folder}; "
                f"choose another folder, or run: chmod o+x {above}"
            )
