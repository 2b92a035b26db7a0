"""What the doctor says about the tables: how large they are, and what keeps them from being cleaned up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from proletarian.doctor.finding import Finding, fine, notice, trouble
from proletarian.sql.examining import TableSize

LONG = 300.0  # seconds that a transaction may be open before it is mentioned
TOO_LONG = 3600.0
LARGE = 10 * 1024**3  # bytes of an archive
MANY_DEAD = 100_000  # rows
BUSY = ("job", "running_job")


def check_old_transactions(oldest: tuple[float, str] | None) -> Iterator[Finding]:
    """
    Whether somebody keeps the database from cleaning up.

    >>> [finding.says for finding in check_old_transactions((7200.0, "the session 41 of backup"))]
    ['the session 41 of backup has a transaction open for 2.0 h: dead rows cannot be cleaned up until it ends']
    """
    if oldest is None or oldest[0] < LONG:
        yield fine("old_transactions", "no transaction has been open for long")
        return
    age, who = oldest
    said = f"{age / 3600:.1f} h" if age >= TOO_LONG else f"{age / 60:.0f} min"
    found = trouble if age >= TOO_LONG else notice
    yield found(
        "old_transactions",
        f"{who} has a transaction open for {said}: dead rows cannot be cleaned up until it ends",
        "find out what it is doing; a backup ends, a forgotten session does not",
    )


def check_sizes(sizes: Sequence[TableSize]) -> Iterator[Finding]:
    """
    Whether tables have grown beyond what they hold.

    >>> next(check_sizes([TableSize("job", 900 * 1024**2, 20, 4_000_000)])).says
    'the table job has 4,000,000 dead rows and 20 live ones, in 900 MB'
    """
    bloated = False
    for table, size, rows, dead, _ in sizes:
        if table in BUSY and dead > MANY_DEAD and dead > rows:
            bloated = True
            yield trouble(
                "bloat",
                f"the table {table} has {dead:,} dead rows and {rows:,} live ones, in {size / 1024**2:,.0f} MB",
                f"look for old transactions, then VACUUM it: `VACUUM (ANALYZE) {table}`, with its schema's name",
            )
    if sizes and not bloated:
        yield fine("bloat", "the tables of jobs have few dead rows")
    archive = next((entry for entry in sizes if entry.table == "archived_job"), None)
    if archive is None or archive.size < LARGE:
        yield fine("sizes", f"the tables take {sum(entry.size for entry in sizes) / 1024**2:,.0f} MB")
        return
    yield notice(
        "sizes",
        f"the archive takes {archive.size / 1024**3:,.0f} GB, for about {archive.rows:,} jobs",
        "keep jobs for a shorter time (`keep_succeeded`, `keep_failed`), or delete old ones with `proletarian prune`",
    )


def check_file(settings: Mapping[str, str]) -> Iterator[Finding]:
    """
    How much of an SQLite file is empty.

    >>> [finding.says for finding in check_file({"bytes": "2000000000", "free_bytes": "1900000000"})]
    ['1,812 MB of the file are free; they are reused, but not returned to the disk']
    """
    free, size = int(settings.get("free_bytes", 0)), int(settings.get("bytes", 0))
    if free > 256 * 1024**2 and free > size / 2:
        yield notice(
            "sizes",
            f"{free / 1024**2:,.0f} MB of the file are free; they are reused, but not returned to the disk",
            "run VACUUM while no worker is running",
        )
    else:
        yield fine("sizes", f"the file takes {size / 1024**2:,.0f} MB")
