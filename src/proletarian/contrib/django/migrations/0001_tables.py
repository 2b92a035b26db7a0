"""The twin of 0001_tables.sql, with the models as Django should know them."""

from __future__ import annotations

from django.db import migrations, models

from proletarian.contrib.django.configuration import table
from proletarian.contrib.django.fields import IdField, TimeField
from proletarian.contrib.django.operations import sql_migration

COMMON = [
    ("job_id", IdField(primary_key=True, serialize=False)),
    ("queue", models.TextField()),
    ("job_type", models.TextField()),
    ("payload", models.TextField()),
    ("attempts", models.IntegerField(default=0)),
    ("enqueued_at", TimeField()),
    ("process_at", TimeField()),
    ("priority", models.SmallIntegerField(default=0)),
    ("headers", models.TextField(null=True)),
    ("lost", models.SmallIntegerField(default=0)),
    ("errors", models.TextField(null=True)),
    ("unique_key", models.TextField(null=True)),
    ("lane", models.TextField(default="")),
    ("flow", models.SmallIntegerField(null=True)),
]
SUSPECT = ("suspect", models.SmallIntegerField(default=0))


class Migration(migrations.Migration):  # type: ignore[misc]
    """Makes the tables."""

    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [
        sql_migration(1),
        migrations.CreateModel(
            "Job",
            [*COMMON, SUSPECT, ("retry_at", TimeField(null=True))],
            {
                "managed": False,
                "db_table": table("job"),
                "ordering": ("-priority", "process_at"),
                "default_permissions": ("view",),
                "permissions": (
                    ("cancel_job", "Can cancel jobs that wait"),
                    ("pause_queue", "Can pause queues"),
                ),
            },
        ),
        migrations.CreateModel(
            "HeldJob",
            [
                *COMMON,
                ("hold", models.BigIntegerField(default=0)),
                ("waits", models.IntegerField()),
                ("if_failed", models.TextField()),
            ],
            {
                "managed": False,
                "db_table": table("held_job"),
                "ordering": ("-job_id",),
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            "RunningJob",
            [
                *COMMON,
                SUSPECT,
                ("worker_id", IdField()),
                ("run_id", models.BigIntegerField()),
                ("started_at", TimeField()),
                ("progress", models.TextField(null=True)),
                ("apart", models.SmallIntegerField(default=0)),
            ],
            {
                "managed": False,
                "db_table": table("running_job"),
                "ordering": ("-started_at",),
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            "ArchivedJob",
            [
                *COMMON,
                ("status", models.TextField()),
                ("started_at", TimeField(null=True)),
                ("finished_at", TimeField()),
                ("worker", models.TextField(null=True)),
                ("result", models.TextField(null=True)),
            ],
            {
                "managed": False,
                "db_table": table("archived_job"),
                "ordering": ("-finished_at",),
                "default_permissions": ("view",),
                "permissions": (("retry_job", "Can have archived jobs run again"),),
            },
        ),
        migrations.CreateModel(
            "Worker",
            [
                ("worker_id", IdField(primary_key=True, serialize=False)),
                ("host", models.TextField()),
                ("pid", models.IntegerField()),
                ("queues", models.TextField()),
                ("started_at", TimeField()),
                ("seen_at", TimeField()),
            ],
            {
                "managed": False,
                "db_table": table("worker"),
                "ordering": ("host", "pid"),
                "default_permissions": ("view",),
            },
        ),
    ]
