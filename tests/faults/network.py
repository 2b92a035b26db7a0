"""A cable between this machine and a network namespace, which can be pulled out and put in again."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess

_numbers = itertools.count(1)


class Cable:
    """
    A namespace that reaches this machine at `address`, and nothing else.

        with Cable() as cable:
            cable.cut()     # packets get lost; nobody is told
            cable.mend()

    Needs root and iproute2; `lacking()` says what there is not.
    """

    def __init__(self) -> None:
        number = next(_numbers)
        name = f"{os.getpid() % 100_000}-{number}"
        self.namespace = f"cable-{name}"
        self._here, self._there = f"h{name}", f"t{name}"
        # A net of four addresses, in a range that is nobody's, another one for each process and cable.
        net = (os.getpid() * 16 + number) % 8192
        prefix = f"198.{18 + net // 4096}.{net // 16 % 256}"
        self.address = f"{prefix}.{net % 16 * 4 + 1}"
        self._their_address = f"{prefix}.{net % 16 * 4 + 2}"

    @staticmethod
    def lacking() -> str | None:
        """What is missing to have one, or None."""
        if os.geteuid() != 0:
            return "network namespaces need root"
        if shutil.which("ip") is None:
            return "network namespaces need iproute2"
        name = f"probe-{os.getpid()}"
        probe = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
        subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
        return probe.stderr.strip() or None

    def __enter__(self) -> Cable:
        try:
            ip("netns", "add", self.namespace)
            ip("link", "add", self._here, "type", "veth", "peer", "name", self._there, "netns", self.namespace)
            ip("address", "add", f"{self.address}/30", "dev", self._here)
            ip("link", "set", self._here, "up")
            for arguments in (
                ["address", "add", f"{self._their_address}/30", "dev", self._there],
                ["link", "set", self._there, "up"],
                ["link", "set", "lo", "up"],
            ):
                ip("-n", self.namespace, *arguments)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for arguments in (["link", "delete", self._here], ["netns", "delete", self.namespace]):
            subprocess.run(["ip", *arguments], capture_output=True, check=False)

    def cut(self) -> None:
        """Pull it out: whatever is sent gets lost, and every connection seems to be open still."""
        ip("link", "set", self._here, "down")

    def mend(self) -> None:
        """Put it in again."""
        ip("link", "set", self._here, "up")


def ip(*arguments: str) -> None:
    """Carry out a command of iproute2's."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"
