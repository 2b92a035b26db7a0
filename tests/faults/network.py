"""
Networks that fail: a cable to a network namespace, which can be pulled out and put in again; a proxy
that keeps connections open and passes nothing on.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

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


class Proxy:
    """
    Stands before a server on this machine, at `url`.

        with Proxy(server.url) as proxy:
            proxy.freeze()          # what is connected stays so, and hears nothing; new connections work
            proxy.lose_power()      # the same, and new connections hear nothing either, until it is `back`
            proxy.losing = b"…"     # the answer to the next statement with this in it is lost
            proxy.freezing = b"…"   # the same, and nobody is told
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}").geturl()
        self.delay = 0.0  # seconds until a new connection reaches the server
        self.losing: bytes | None = None
        self.freezing: bytes | None = None
        self._has_power = threading.Event()
        self._has_power.set()
        self._flowing: dict[int, threading.Event] = {}  # by the port that the server sees
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def freeze(self, ports: Collection[int] | None = None) -> None:
        """Pass nothing on any more over the present connections, or over those from these ports."""
        for port in ports or list(self._flowing):
            self._flowing[port].clear()

    def lose_power(self) -> None:
        """As when the server's machine dies: nobody is told, and whoever comes waits."""
        self._has_power.clear()
        self.freeze()

    def back(self) -> None:
        """The machine is there again; it knows nothing of its former connections, and says nothing to them."""
        self._has_power.set()

    @property
    def ports(self) -> list[int]:
        """The ports, as the server sees them, of what is connected now and hears something."""
        return [port for port, flowing in list(self._flowing.items()) if flowing.is_set()]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                near, _ = self._listener.accept()
                self._has_power.wait()
                threading.Thread(target=self._serve, args=[near], daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        self._sockets.append(near)
        if self.delay:
            threading.Event().wait(self.delay)
        try:
            far = socket.create_connection(self._target)
        except OSError:  # the server is away, and so are we
            near.close()
            return
        self._sockets.append(far)
        flowing = self._flowing[far.getsockname()[1]] = threading.Event()
        flowing.set()
        lost = threading.Event()
        for arguments in ((near, far, flowing, lost, self._is_to_lose), (far, near, flowing, lost, None)):
            threading.Thread(target=pass_on, args=arguments, daemon=True).start()

    def _is_to_lose(self, data: bytes, flowing: threading.Event) -> bool:
        if self.freezing is not None and self.freezing in data:
            self.freezing = None
            flowing.clear()
        if self.losing is None or self.losing not in data:
            return False
        self.losing = None
        return True


def pass_on(
    source: socket.socket,
    target: socket.socket,
    flowing: threading.Event,
    lost: threading.Event,
    is_to_lose: Callable[[bytes, threading.Event], bool] | None,
) -> None:
    """What one end says, to the other, until one of them closes; or until an answer is to be lost."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            flowing.wait()
            if is_to_lose is None and lost.is_set():
                break
            if is_to_lose is not None and is_to_lose(data, flowing):
                lost.set()
            target.sendall(data)
        flowing.wait()
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
