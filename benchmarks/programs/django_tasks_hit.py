# mypy: ignore-errors
"""The task of with_django_tasks.py, in a module of its own where the worker finds it by name."""

from benchmarks.programs.contestant import record

try:
    from django.tasks import task
except ImportError:
    from django_tasks import task


@task()
def hit(n, email):
    record(n)
