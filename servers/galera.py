"""A MariaDB Galera cluster: all nodes accept writes and agree at each commit."""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from servers import account, debian, tool
from servers.lifetime import Lifetime
from servers.mariadb import MariaDB
from servers.mysql_family import as_arguments
from servers.port import unused_port


class GaleraNode(MariaDB):
    """One node; `Galera` creates the nodes and connects them."""

    versions: ClassVar[Mapping[str, str]] = {"10.11": "bookworm"}

    def __init__(self, folder: Path, *, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(folder, settings=settings)
        self.group_port, self._increment_port, self._state_port = unused_port(), unused_port(), unused_port()
        self.cluster: Sequence[GaleraNode] = [self]
        self.founds_cluster = False

    @cached_property
    def _root(self) -> Path:
        # mariadb-server has the scripts with which a node copies its state to another;
        # the rest is what these call.
        scripts = ("mariadb-server", "rsync", "lsof", "iproute2", "procps")
        server = ("mariadb-server-core", "mariadb-client-core")
        return debian.unpacked(self.versions[self.version], "galera-4", *server, *scripts)

    @cached_property
    def _usr(self) -> Path:
        return self._root / "usr"

    def start(self) -> None:
        super().start()
        self.process.wait_until(lambda: self.synced, what="to be in step with its cluster", timeout=120)

    @property
    def synced(self) -> bool:
        return self.status("wsrep_local_state_comment") == "Synced" and self.status("wsrep_ready") == "ON"

    @property
    def cluster_size(self) -> int:
        """How many nodes are in the cluster, as this node sees it."""
        return int(self.status("wsrep_cluster_size") or 0)

    @property
    def has_quorum(self) -> bool:
        """Whether its part of the cluster may commit."""
        return self.status("wsrep_cluster_status") == "Primary"

    def status(self, name: str) -> str | None:
        rows = self.query(f"SHOW STATUS LIKE '{name}'", database="")
        return rows[0][1] if rows else None

    def cut(self) -> None:
        """Cut its connections to the other nodes; clients still reach it."""
        self._isolate(1)
        self.process.wait_until(lambda: not self.has_quorum, what="to notice that it is alone")

    def mend(self) -> None:
        """Undo `cut()`; return when it has caught up."""
        self._isolate(0)
        self.process.wait_until(lambda: self.has_quorum and self.synced, what="to be in step again")

    def _isolate(self, isolate: int) -> None:
        self.query(f"SET GLOBAL wsrep_provider_options = 'gmcast.isolate={isolate}'", database="")

    @property
    def safe_to_found(self) -> bool:
        """Whether it was the last to stop, and so has everything that any node has."""
        return "safe_to_bootstrap: 1" in self._state_file.read_text()

    @property
    def took_part(self) -> bool:
        """Whether it has data of the cluster."""
        return self._state_file.exists()

    @property
    def _state_file(self) -> Path:
        return self.data / "grastate.dat"

    def recovered_position(self) -> int:
        """After a crash: the number of its last transaction."""
        options = {**self._options(), "wsrep-recover": "", "skip-networking": ""}
        said = tool.run([self.server_program, "--no-defaults", *as_arguments(options)])
        positions = re.findall(r"Recovered position: \S+:(-?\d+)", said)
        return int(positions[-1]) if positions else -1

    def allow_to_found(self) -> None:
        state = self._state_file.read_text()
        self._state_file.write_text(state.replace("safe_to_bootstrap: 0", "safe_to_bootstrap: 1"))

    def _fill(self, folder: Path) -> None:
        if self.founds_cluster:
            super()._fill(folder)
        # The others begin empty: a node of the cluster sends them its data.

    def _defaults(self) -> Mapping[str, str]:
        group = ",".join(f"127.0.0.1:{node.group_port}" for node in self.cluster)
        provider = {
            "gmcast.listen_addr": f"tcp://127.0.0.1:{self.group_port}",
            "ist.recv_addr": f"127.0.0.1:{self._increment_port}",
            "gcache.size": "32M",
        }
        return {
            **super()._defaults(),
            "wsrep-on": "ON",
            "wsrep-provider": str(self._usr / "lib/galera/libgalera_smm.so"),
            "wsrep-provider-options": ";".join(f"{name}={value}" for name, value in provider.items()),
            "wsrep-cluster-name": f"cluster-{self.cluster[0].group_port}",
            "wsrep-cluster-address": "gcomm://" if self.founds_cluster else f"gcomm://{group}",
            "wsrep-node-name": self.folder.name,
            "wsrep-node-address": f"127.0.0.1:{self.group_port}",
            "wsrep-node-incoming-address": f"127.0.0.1:{self.port}",
            "wsrep-sst-method": "rsync",
            "wsrep-sst-receive-address": f"127.0.0.1:{self._state_port}",
            "binlog-format": "ROW",
            "innodb-autoinc-lock-mode": "2",
        }

    def _environment(self) -> Mapping[str, str]:
        programs = f"{self._usr}/bin:{self._usr}/sbin"
        return {"PATH": f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin"}


class Galera(Lifetime):
    """
    Three nodes; each is a MariaDB with `url`, `kill()`, `start()`, `pause()` and `cut()`.

        with Galera() as cluster:
            cluster.nodes[0].kill()     # the other two continue
            cluster.nodes[0].start()    # comes back and catches up
            cluster.nodes[1].cut()      # it is alone, and refuses queries
            cluster.nodes[1].mend()
    """

    def __init__(
        self,
        folder: Path | str | None = None,
        *,
        size: int = 3,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder)
        names = [f"node{number}" for number in range(1, size + 1)]
        self.nodes = [GaleraNode(self.folder / name, settings=settings) for name in names]
        for node in self.nodes:
            node.cluster = self.nodes

    @property
    def urls(self) -> list[str]:
        return [node.url for node in self.nodes]

    def create_database(self, name: str) -> list[str]:
        """Make an empty database in the whole cluster; return its URL at each node."""
        self.nodes[0].create_database(name)
        return [node.url_of(name) for node in self.nodes]

    def start(self) -> None:
        """Start the nodes that are not running; if none is, the one with the newest data founds the cluster."""
        account.hand_over(self.folder)
        if not any(node.running for node in self.nodes):
            founder = self._founder()
            founder.founds_cluster = True
            try:
                founder.start()
            finally:
                founder.founds_cluster = False
        for node in self.nodes:  # one by one: a node can send its data to only one other at a time
            node.start()

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def abandon(self) -> None:
        for node in self.nodes:
            node.abandon()

    def _founder(self) -> GaleraNode:
        known = [node for node in self.nodes if node.took_part]
        if not known:
            return self.nodes[0]
        for node in known:
            if node.safe_to_found:
                return node
        founder = max(known, key=GaleraNode.recovered_position)
        founder.allow_to_found()
        return founder
