"""Pages and counts of jobs in large tables: how long one look takes, whatever it asks for."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

from benchmarks.measured import Found, Goal, Table
from benchmarks.run import Run, say
from benchmarks.stores import NAMES, SQLStore, store
from proletarian import migrate
from proletarian.connections.database import Database
from proletarian.looking.seeing import count, see_job, see_jobs
from proletarian.looking.surveying import failure_groups, queue_stats, throughput
from proletarian.sql.statements import Statement, Text
from proletarian.web import Access, Dashboard

MOST = {"postgresql": 200, "mariadb": 200, "sqlite": 400}  # ms for each look
TIMES = 5
BITE = 200_000  # rows of one statement

# Thirty days of jobs, evenly, with ids in the order of time as ours are; of 97 that have ended one failed.
FILL = {
    "postgresql": """
        SELECT CAST(lpad(to_hex(CAST(extract(epoch FROM t) * 1000 AS bigint)), 12, '0') || '7'
                    || substr(md5(CAST(n AS text)), 1, 19) AS uuid),
               'q' || n % 10, 'send_' || n % 50, '{"n":' || n % 1000 || ',"email":"user@example.com"}', 1, t, t
               :ARCHIVED
          FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n,
               LATERAL (SELECT now() - (CAST(:all AS int) - n) * interval '30 days' / CAST(:all AS int)) AS clock(t)""",
    "mariadb": """
        SELECT UNHEX(CONCAT(LPAD(HEX(FLOOR(UNIX_TIMESTAMP(t) * 1000)), 12, '0'), '7', SUBSTR(MD5(n), 1, 19))),
               CONCAT('q', n % 10), CONCAT('send_', n % 50),
               CONCAT('{"n":', n % 1000, ',"email":"user@example.com"}'), 1, t, t
               :ARCHIVED
          FROM (SELECT seq AS n, UTC_TIMESTAMP(6) - INTERVAL (:all - seq) * 2592000.0 / :all SECOND AS t
                  FROM seq_:first_to_:last) AS clock""",
    "sqlite": """
        WITH RECURSIVE numbers(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n < :last),
             clock AS (SELECT n, julianday('now') - (:all - n) * 30.0 / :all AS day FROM numbers),
             moments AS (SELECT n, CAST((day - 2440587.5) * 86400000 AS integer) AS ms,
                                strftime('%Y-%m-%d %H:%M:%f000', day) AS t FROM clock)
        SELECT printf('%08x-%04x-7%03x-8000-%012x', ms >> 16, ms & 65535, n % 4096, n),
               'q' || (n % 10), 'send_' || (n % 50), '{"n":' || (n % 1000) || ',"email":"user@example.com"}', 1, t, t
               :ARCHIVED
          FROM moments""",
}
ARCHIVED = """, t, t, CONCAT('web', n % 5, ':1'), CASE WHEN n % 97 = 0 THEN 'failure' ELSE 'success' END,
               CASE WHEN n % 97 = 0 THEN '[{"attempt":1,"type":"TimeoutError","message":"30 s"}]' END"""
COLUMNS = "job_id, queue, job_type, payload, attempts, enqueued_at, process_at"

# What people ask, from what is at hand to what no index knows.
PAGES = {
    "the newest": "",
    "of a queue": "queue:q7",
    "of a queue without jobs": "queue:none",
    "of a job type": "type:send_1*",
    "that wait": "state:waiting",
    "that failed": "state:failed",
    "that failed in a queue": "state:failed queue:q7",
    "of the last hour": "since:1h",
    "with an error": "error:Timeout",
    "with a value in the payload": "payload.n:77",
    "by a worker": "worker:web3",
}

DASHBOARD = (
    "/", "/jobs", "/failures", "/queues", "/schedules", "/limits", "/workers", "/system", "/audit",
)  # fmt: skip


def measure(run: Run) -> list[Found]:
    """Ten million archived jobs, one of 97 failed, and a tenth as many that wait; `--jobs` for others."""
    archived = run.size(10_000_000, 100_000)
    return [one(run, name, archived) for name in MOST]


def one(run: Run, name: str, archived: int) -> Table:
    """All looks on one database."""
    table = Table(
        f"look-{name}",
        f"A look at {archived:,} archived and {archived // 10:,} waiting jobs, {NAMES[name]}, median",
        "ms",
        ours="pages: the newest",
        more_is_better=False,
        goals=[Goal(None, MOST[name], at_most=True)],
    )
    with store(name, run.folder) as kept:
        assert isinstance(kept, SQLStore)
        migrate(kept.fresh())
        fill(Database(kept.url), archived)
        kept.settle()
        database = Database(kept.url)
        for label, seconds in {**looks(database), **pages(database)}.items():
            table.add(label, seconds * 1000)
    return table


def fill(database: Database, archived: int) -> None:
    """Rows made by the database itself."""
    name = "mariadb" if database.kind == "mysql" else database.kind
    more = ARCHIVED if name != "sqlite" else ARCHIVED.replace("CONCAT('web', n % 5, ':1')", "'web' || (n % 5) || ':1'")
    tables = database.queue.tables
    columns = f"{COLUMNS}, started_at, finished_at, worker, status, errors"
    connection = database.connect()
    for table, rows, listed, ends in (("archived_job", archived, columns, more), ("job", archived // 10, COLUMNS, "")):
        for first in range(1, rows + 1, BITE):
            say(f"look, {name}: {first - 1:,} of {rows:,} rows of {table}")
            last = min(rows, first + BITE - 1)
            source = FILL[name].replace(":ARCHIVED", ends)
            numbers = {"first": first, "last": last, "all": rows}
            for key, number in numbers.items():
                source = source.replace(f":{key}", str(number))
            connection.execute(Statement(Text(f"INSERT INTO {tables.name(table, database.kind)} ({listed}) {source}")))
    connection.close()


def looks(database: Database) -> dict[str, float]:
    """The median seconds of each look, on a connection that is open."""
    queue, kind = database.queue, database.kind
    connection = database.connect()
    found: dict[str, float] = {}

    def timed(label: str, look: Any) -> Any:
        seconds = []
        for _ in range(TIMES):
            start = time.perf_counter()
            seen = connection.run(look())
            seconds.append(time.perf_counter() - start)
        found[label] = statistics.median(seconds)
        say(f"look, {kind}: {label}: {found[label] * 1000:.1f} ms, {seen if isinstance(seen, int) else ''}")
        return seen

    def page(which: str, after: str | None = None) -> Any:
        return see_jobs(queue, kind, which, limit=50, after=after, mask=True, why=False)

    for label, which in PAGES.items():
        seen = timed(f"pages: {label}", lambda which=which: page(which))
        say(f"      {len(seen)} jobs, looked at {seen.looked_at:,}, {'more' if seen.next else 'the end'}")
        timed(f"counts: {label}", lambda which=which: count(queue, kind, which, most=10_000))
    last = connection.run(page("state:succeeded"))[-1]
    timed("one job", lambda: see_job(queue, kind, last.job_id, mask=True))
    timed("pages: one far down", lambda: page("", str(last.job_id)))
    timed("all queues", lambda: queue_stats(queue, kind, most=10_000, free=connection.free))
    timed("an hour by minutes", lambda: throughput(queue, kind, minutes=60, queue=None, most=10_000))
    timed("failures of an hour", lambda: failure_groups(queue, kind, "since:1h", most=500))
    connection.close()
    return found


def pages(database: Database) -> dict[str, float]:
    """The median seconds of each page of the dashboard, from the request to the whole answer."""
    [job] = database.connect().run(
        see_jobs(database.queue, database.kind, "state:failed", limit=1, mask=True, why=False)
    )
    dashboard = Dashboard(database, access=lambda request: Access.admin.by("benchmark"))
    found: dict[str, float] = {}
    for label, query in (*((path, "") for path in DASHBOARD), ("/job", f"id={job.job_id}")):
        seconds = []
        for _ in range(TIMES + 1):
            start = time.perf_counter()
            asyncio.run(answered(dashboard, label, query))
            seconds.append(time.perf_counter() - start)
        found[f"dashboard: {label}"] = statistics.median(seconds[1:])
        say(
            f"look, {database.kind}: dashboard, {label}: {found[f'dashboard: {label}'] * 1000:.1f} ms,"
            f" the first time {seconds[0] * 1000:.1f} ms"
        )
    dashboard.desk.close()
    return found


async def answered(dashboard: Dashboard, path: str, query: str) -> None:
    """Ask for one page, as a server would."""
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "root_path": "", "scheme": "http",
        "query_string": query.encode(), "headers": [(b"host", b"127.0.0.1")], "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1), "http_version": "1.1",
    }  # fmt: skip

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        assert message.get("status", 200) == 200, (path, message)

    await dashboard(scope, receive, send)
