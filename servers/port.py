"""Where a server listens."""

import random
import socket
from pathlib import Path

_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_given: set[int] = set()


def unused_port() -> int:
    """
    A loopback port that nothing uses, and that nothing takes while its server is down.

    Asking the kernel for one (port 0) returns a port from the range that it also
    uses for clients' own ports. While a killed server is down, a client that keeps
    trying to reconnect would sooner or later be given the very port that it dials,
    connect to itself, and block the server. So this returns a port below that range.
    """
    first_ephemeral = int(_EPHEMERAL.read_text().split()[0]) if _EPHEMERAL.exists() else 32768
    ports = range(10_000, first_ephemeral) if first_ephemeral > 11_000 else range(20_000, 65_000)
    for port in random.sample(ports, k=100):
        if port in _given:
            continue  # given to a server that has not started yet
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            _given.add(port)
            return port
    raise RuntimeError(f"of 100 ports tried in {ports.start}-{ports.stop - 1}, every one is in use")
