"""The peers: what a user would use instead, each with its best documented settings and with its defaults."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.contestants import Contestant

PGQUEUER = Contestant(
    "pgqueuer", "PgQueuer, default (batch 10)", "with_pgqueuer.py",
    unfinished="SELECT count(*) FROM pgqueuer WHERE status IN ('queued', 'picked')",
    finished="SELECT count(*) FROM pgqueuer_log WHERE status = 'successful'",
    requirements=("pgqueuer[asyncpg]==1.6.0", "uvloop"),
)  # fmt: skip
PGQUEUER_100 = PGQUEUER.having("pgqueuer-100", "PgQueuer, batch 100", batch_size=100)
PGQUEUER_500 = PGQUEUER.having("pgqueuer-500", "PgQueuer, batch 500", batch_size=500)

PROCRASTINATE = Contestant(
    "procrastinate", "Procrastinate, concurrency 10", "with_procrastinate.py",
    unfinished="SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')",
    finished="SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'",
    requirements=("procrastinate==3.10.0", "psycopg[binary,pool]"),
    most=5_000,
)  # fmt: skip
OBAN = Contestant(
    "oban", "Oban for Python, limit 10", "with_oban.py",
    unfinished="SELECT count(*) FROM oban_jobs WHERE state NOT IN ('completed', 'discarded', 'cancelled')",
    finished="SELECT count(*) FROM oban_jobs WHERE state = 'completed'",
    requirements=("oban==0.7.0", "psycopg[binary,pool]", "uvloop"),
    since=(3, 12),
    most=10_000,
)  # fmt: skip
CHANCY = Contestant(
    "chancy", "Chancy, concurrency 100", "with_chancy.py",
    unfinished="SELECT count(*) FROM chancy_jobs WHERE state NOT IN ('succeeded', 'failed')",
    finished="SELECT count(*) FROM chancy_jobs WHERE state = 'succeeded'",
    requirements=("chancy==0.26.0",),
    options={"concurrency": 100},
    most=10_000,
)  # fmt: skip
ABSURD = Contestant(
    "absurd", "Absurd, concurrency 10", "with_absurd.py",
    unfinished="SELECT count(*) FROM absurd.t_default WHERE state NOT IN ('completed', 'failed', 'cancelled')",
    finished="SELECT count(*) FROM absurd.t_default WHERE state = 'completed'",
    requirements=("absurd-sdk==0.5.1", "absurdctl==0.5.1", "psycopg[binary]"),
    most=3_000,
)  # fmt: skip
SAQ_POSTGRES = Contestant(
    "saqpg", "SAQ on PostgreSQL, concurrency 10", "with_saq.py",
    unfinished="SELECT count(*) FROM saq_jobs WHERE status IN ('new', 'queued', 'active')",
    requirements=("saq[postgres]==0.26.4",),
    most=5_000,
)  # fmt: skip
DRAMATIQ_POSTGRES = Contestant(
    "dramatiqpg", "dramatiq-postgres, 10 threads", "with_dramatiq.py",
    unfinished="SELECT count(*) FROM dramatiq.queue WHERE state IN ('queued', 'consumed')",
    requirements=("dramatiq==2.2.1", "dramatiq-postgres==1.4.0", "psycopg[binary]"),
    command=("dramatiq", "benchmarks.programs.with_dramatiq", "-p", "{processes}", "-t", "10"),
    most=5_000,
)  # fmt: skip
DBOS = Contestant(
    "dbos", "DBOS, poll 0.05 s, 100 at a time", "with_dbos.py",
    unfinished="SELECT count(*) FROM dbos.workflow_status WHERE status NOT IN ('SUCCESS', 'ERROR')",
    finished="SELECT count(*) FROM dbos.workflow_status WHERE status = 'SUCCESS'",
    requirements=("dbos==3.4.0",),
    options={"poll_interval": 0.05, "concurrency": 100},
    most=3_000,
)  # fmt: skip
DJANGO_TASKS = Contestant(
    "django", "django-tasks-db (one job at a time)", "with_django_tasks.py",
    unfinished="SELECT count(*) FROM django_tasks_database_dbtaskresult WHERE status IN ('READY', 'RUNNING')",
    finished="SELECT count(*) FROM django_tasks_database_dbtaskresult WHERE status = 'SUCCESSFUL'",
    requirements=("django-tasks-db[compat]==0.13.0", "Django==5.2.19", "psycopg[binary]", "PyMySQL[rsa]"),
    most=2_000,
)  # fmt: skip
DJANGO_TASKS_EAGER = DJANGO_TASKS.having("django-eager", "django-tasks-db, interval 0.01 s", interval=0.01)

POSTGRESQL = (PROCRASTINATE, OBAN, CHANCY, ABSURD, SAQ_POSTGRES, DRAMATIQ_POSTGRES, DBOS, DJANGO_TASKS)

LITEQUEUE = Contestant(
    "litequeue", "litequeue (synchronous=NORMAL), a loop", "with_litequeue.py",
    unfinished="SELECT count(*) FROM Queue WHERE status IN (0, 1)",
    finished="SELECT count(*) FROM Queue WHERE status = 2",
    requirements=("litequeue==0.9",),
)  # fmt: skip
HUEY = Contestant(
    "huey", "huey, 1 thread (loses jobs in a crash)", "with_huey.py",
    unfinished="SELECT count(*) FROM task",
    requirements=("huey==3.5.4",),
    command=("huey_consumer", "benchmarks.programs.huey_hit.huey", "-q", "-w", "1"),
    most=5_000,
)  # fmt: skip
HUEY_10 = replace(
    HUEY, name="huey-10", label="huey, 10 threads (loses jobs in a crash)", command=(*HUEY.command[:-1], "10")
)
SQLITE = (LITEQUEUE, HUEY, HUEY_10)

# On Redis, a drain ends with the last call of a handler: what happens after that is not measured.
CELERY = Contestant(
    "celery", "Celery, prefetch × 128", "with_celery.py",
    requirements=("celery[redis]==5.7.0",),
    options={"prefetch": 128},
    command=("celery", "-A", "benchmarks.programs.with_celery", "worker", "-l", "ERROR", "-c", "{processes}",
             "--without-gossip", "--without-mingle", "--without-heartbeat"),
    most=5_000,
)  # fmt: skip
DRAMATIQ = Contestant(
    "dramatiq", "dramatiq, 10 threads", "with_dramatiq.py",
    requirements=(*DRAMATIQ_POSTGRES.requirements, "redis"),
    command=DRAMATIQ_POSTGRES.command,
    most=10_000,
)  # fmt: skip
RQ = Contestant("rq", "RQ, without a fork for each job", "with_rq.py", requirements=("rq==3.0.0",), most=2_000)
SAQ = Contestant(
    "saq", "SAQ, concurrency 10", "with_saq.py", most=10_000,
    requirements=("saq[redis,hiredis]==0.26.4", "typing-extensions"),
)  # fmt: skip
STREAQ = Contestant(
    "streaq", "streaQ, concurrency 10", "with_streaq.py", requirements=("streaq==7.2.0",), most=10_000
)  # fmt: skip
REDIS = (CELERY, DRAMATIQ, RQ, SAQ, STREAQ)

ALL = (
    PGQUEUER, PGQUEUER_100, PGQUEUER_500, *POSTGRESQL, DJANGO_TASKS_EAGER, *SQLITE, *REDIS,
)  # fmt: skip
