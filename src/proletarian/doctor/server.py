"""What the doctor says about the server: settings, the role's rights, the clock, and whether deaths are noticed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from proletarian.doctor.finding import Finding, fine, notice, trouble

OLDEST = {"postgresql": (12,), "mariadb": (10, 6), "mysql": (8, 0), "sqlite": (3, 35)}
SMALL_PACKET = 16 * 1024 * 1024
SKEW = 1.0  # seconds


def check_version(product: str, settings: Mapping[str, str]) -> Iterator[Finding]:
    """
    Whether the server is new enough.

    >>> [finding.says for finding in check_version("mysql", {"version": "5.7.44"})]
    ['mysql 5.7.44 is older than 8.0, the oldest version that is tested']
    """
    version = settings.get("server_version") or settings.get("version", "?")
    found = tuple(map(int, re.findall(r"\d+", version)[:2]))
    if found and found < OLDEST[product]:
        oldest = ".".join(map(str, OLDEST[product]))
        yield trouble(
            "version", f"{product} {version} is older than {oldest}, the oldest version that is tested", "upgrade it"
        )
    else:
        yield fine("version", f"{product} {version}")


def check_durability(settings: Mapping[str, str]) -> Iterator[Finding]:
    """
    Whether what was committed survives a crash of the machine.

    >>> [finding.says for finding in check_durability({"fsync": "off"})]
    ['fsync is off: committed jobs can be lost, and tables broken, when the machine crashes']
    """
    if settings.get("fsync") == "off":
        yield trouble(
            "durability",
            "fsync is off: committed jobs can be lost, and tables broken, when the machine crashes",
            "set fsync = on",
        )
    if settings.get("synchronous_commit") == "off":
        yield trouble(
            "durability",
            "synchronous_commit is off: the last jobs before a crash can be lost",
            "set synchronous_commit = on, at least for the roles that enqueue",
        )
    if settings.get("innodb_flush_log_at_trx_commit", "1") != "1":
        yield trouble(
            "durability",
            f"innodb_flush_log_at_trx_commit is {settings['innodb_flush_log_at_trx_commit']}: jobs committed in the "
            "last second can be lost in a crash",
            "set innodb_flush_log_at_trx_commit = 1",
        )
    if settings.get("log_bin") == "1" and settings.get("sync_binlog") == "0":
        yield notice(
            "durability",
            "sync_binlog is 0: after a crash the binary log may lack the last transactions, and a replica the jobs",
            "set sync_binlog = 1",
        )


def check_settings(settings: Mapping[str, str]) -> Iterator[Finding]:
    """
    Settings that make a queue slow, or stop it, sooner or later.

    >>> [finding.says for finding in check_settings({"autovacuum": "off"})]
    ['autovacuum is off: the tables of a queue are constantly updated and deleted from, and will grow without limit']
    """
    if settings.get("autovacuum") == "off" or settings.get("track_counts") == "off":
        which = "autovacuum" if settings.get("autovacuum") == "off" else "track_counts"
        yield trouble(
            "settings",
            f"{which} is off: the tables of a queue are constantly updated and deleted from, and will grow without "
            f"limit",
            f"set {which} = on",
        )
    if settings.get("idle_in_transaction_session_timeout") == "0":
        yield notice(
            "settings",
            "idle_in_transaction_session_timeout is 0: a forgotten transaction prevents the cleanup of dead rows "
            "for as long as it is open",
            "set it for the roles of your applications, to a few minutes",
        )
    if settings.get("server_encoding", "UTF8") != "UTF8":
        yield notice(
            "settings",
            f"the database's encoding is {settings['server_encoding']}: text that it cannot hold is refused",
            "create the database with ENCODING 'UTF8'",
        )
    if "on" in (settings.get("default_transaction_read_only"), settings.get("transaction_read_only")):
        yield trouble(
            "settings",
            "transactions are read-only here: nothing can be enqueued, and no worker can work",
            "connect to the primary, or change the role's default_transaction_read_only",
        )
    if settings.get("read_only", "0") not in ("0", "OFF"):
        yield trouble("settings", "the server is read-only: no worker can work", "connect to the primary")
    packet = int(settings.get("max_allowed_packet", SMALL_PACKET))
    if packet < SMALL_PACKET:
        yield notice(
            "settings",
            f"max_allowed_packet is {packet / 1048576:.0f} MB: a larger payload cannot be enqueued",
            "set max_allowed_packet = 64M, on the server and for its clients",
        )
    if settings.get("journal_mode", "wal") != "wal":
        yield notice(
            "settings",
            f"journal_mode is {settings['journal_mode']}: readers and the writer wait for each other",
            "PRAGMA journal_mode = WAL, once; `proletarian migrate` does it",
        )


def check_rights(refused: Sequence[str]) -> Iterator[Finding]:
    """
    Whether this role has the privileges that a worker needs.

    >>> [finding.says for finding in check_rights(["UPDATE on proletarian.job"])]
    ['this role lacks privileges that a worker needs: UPDATE on proletarian.job']
    """
    if refused:
        yield notice(
            "rights",
            f"this role lacks privileges that a worker needs: "
            f"{', '.join(refused[:6])}{' …' if len(refused) > 6 else ''}",
            "fine for a role that only reads or enqueues; for a worker's role, run the SQL that `proletarian roles` "
            "prints",
        )
    else:
        yield fine("rights", "this role has the privileges that a worker needs")


def check_clock(skew: float) -> Iterator[Finding]:
    """
    Whether this machine and the database agree on the time; `skew` is how far the database is ahead.

    >>> [finding.says for finding in check_clock(-75.0)]
    ["this machine's clock is 75.0 s ahead of the database's"]
    """
    if abs(skew) < SKEW:
        yield fine("clock", "this machine and the database agree on the time")
        return
    which = "behind" if skew > 0 else "ahead of"
    yield notice(
        "clock",
        f"this machine's clock is {abs(skew):.1f} s {which} the database's",
        "run NTP on both; times that applications compute (`process_at`) are off by as much, but not `process_in`",
    )


def check_liveness(proved: bool, product: str) -> Iterator[Finding]:
    """
    Whether the death of a worker is noticed at once.

    >>> [finding.level for finding in check_liveness(False, "postgresql")]
    ['notice']
    """
    if proved:
        yield fine("liveness", "a lock proves that a worker is alive: the jobs of a killed worker run again within 2 s")
        return
    yield notice(
        "liveness",
        "no lock can prove here that a worker is alive (a pooler that shares sessions, Galera or Group "
        "Replication): the jobs of a killed worker wait for"
        " `lost_after`, a minute by default",
        "let the workers connect directly, not through the pooler"
        if product == "postgresql"
        else "nothing, or lower `lost_after`",
    )
