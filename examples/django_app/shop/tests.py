"""How a project tests its jobs, and what the backend for Django's tasks promises."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import TestCase, TransactionTestCase
from django.utils import timezone

from proletarian import process_next_job
from proletarian.contrib.django.compat import base, exceptions, signals
from proletarian.contrib.django.models import ArchivedJob, Job, RunningJob, Worker
from proletarian.contrib.django.router import ProletarianRouter
from proletarian.contrib.django.running import DjangoTasks, project_worker
from proletarian.migration import migrations
from shop.jobs import confirm, tasks
from shop.models import Order
from shop.tasks import count, fail, greet

Status = base.TaskResultStatus


class InTheTestsOwnTransaction(TestCase):  # type: ignore[misc]
    """Nothing is committed, and nothing has to be."""

    def test_an_order_and_its_jobs(self) -> None:
        self.client.post("/orders", {"email": "ann@example.org"})
        self.assertEqual(sorted(Job.objects.values_list("job_type", flat=True)), ["confirm", "shop.tasks.count"])

    def test_a_broken_order_leaves_no_job(self) -> None:
        with self.assertRaises(ValueError):
            self.client.post("/orders", {"email": "ann@example.org", "break": "1"})
        self.assertEqual((Job.objects.count(), Order.objects.count()), (0, 0))

    def test_a_job_runs_on_the_tests_connection(self) -> None:
        order = Order.objects.create(email="ann@example.org")
        confirm.enqueue(connection, order_id=order.pk)
        self.assertTrue(process_next_job(connection, tasks, queue_name="mail"))
        order.refresh_from_db()
        self.assertTrue(order.confirmed)
        self.assertEqual(ArchivedJob.objects.get().status, "success")

    def test_a_task_of_djangos_runs_on_it_too(self) -> None:
        order = Order.objects.create(email="ann@example.org")
        result = count.enqueue(order.pk)
        self.assertTrue(process_next_job(connection, DjangoTasks(tasks)))
        result.refresh()
        self.assertEqual((result.status, result.return_value, result.attempts), (Status.SUCCESSFUL, 1, 1))

    def test_a_new_result_is_ready(self) -> None:
        result = count.using(priority=7, queue_name="mail").enqueue(3)
        found = count.get_result(result.id)
        self.assertEqual((found.status, found.args, found.kwargs), (Status.READY, [3], {}))
        self.assertEqual((found.task.priority, found.task.queue_name, found.attempts), (7, "mail", 0))
        self.assertEqual(Job.objects.get().priority, 7)

    def test_a_deferred_task_waits(self) -> None:
        later = timezone.now() + timedelta(hours=1)
        result = count.using(run_after=later).enqueue(3)
        self.assertEqual(count.get_result(result.id).task.run_after, later)
        self.assertFalse(process_next_job(connection, DjangoTasks(tasks)))

    def test_what_is_no_result_is_not_found(self) -> None:
        for unknown in ("nonsense", "01a20e62-253c-7000-8000-36a7e0c2252d"):
            with self.assertRaises(exceptions.TaskResultDoesNotExist):
                count.get_result(unknown)
        other = count.enqueue(1)
        with self.assertRaises(exceptions.TaskResultMismatch):
            fail.get_result(other.id)

    def test_what_cannot_be_run_is_refused(self) -> None:
        with self.assertRaises(exceptions.InvalidTaskError):
            count.using(queue_name="nowhere")
        with self.assertRaises(exceptions.InvalidTaskError):
            count.using(priority=101)
        with self.assertRaises(TypeError):
            count.enqueue(object())

    def test_the_enqueue_is_signalled(self) -> None:
        seen: list[Any] = []

        def note(sender: Any, task_result: Any, **_: Any) -> None:
            seen.append((sender, task_result.id))

        signals.task_enqueued.connect(note)
        result = count.enqueue(1)
        signals.task_enqueued.disconnect(note)
        self.assertEqual(seen, [(type(count.get_backend()), result.id)])

    def test_the_admin_shows_and_changes_nothing(self) -> None:
        User.objects.create_superuser("ann", "ann@example.org", "secret")
        self.client.login(username="ann", password="secret")
        count.enqueue(1)
        job = Job.objects.get()
        for page in ("", "?queue=default", "?q=count", f"{job.pk}/change/"):
            self.assertContains(self.client.get(f"/admin/proletarian/job/{page}"), "shop.tasks.count")
        for model in ("runningjob", "archivedjob", "worker"):
            self.assertEqual(self.client.get(f"/admin/proletarian/{model}/").status_code, 200)
        self.assertEqual(self.client.get("/admin/proletarian/job/add/").status_code, 403)
        self.assertEqual(self.client.post(f"/admin/proletarian/job/{job.pk}/delete/").status_code, 403)

    def test_the_router_keeps_our_tables_together(self) -> None:
        router = ProletarianRouter()
        self.assertEqual(router.db_for_read(Job), "default")
        self.assertIsNone(router.db_for_write(Order))
        self.assertTrue(router.allow_migrate("default", "proletarian"))
        self.assertFalse(router.allow_migrate("other", "proletarian"))
        self.assertIsNone(router.allow_migrate("other", "shop"))

    def test_every_sql_migration_has_its_twin(self) -> None:
        from importlib import import_module
        from pkgutil import iter_modules

        package = import_module("proletarian.contrib.django.migrations")
        twins = {int(module.name[:4]) for module in iter_modules(package.__path__)}
        dialect = tasks.queue.dialect(connection.vendor)
        self.assertEqual(twins, {migration.number for migration in migrations(dialect)})


class WithAWorker(TransactionTestCase):  # type: ignore[misc]
    """A worker has connections of its own, and sees what is committed."""

    def setUp(self) -> None:
        for model in (Job, RunningJob, ArchivedJob, Worker):  # Django empties managed tables only
            model.objects.all().delete()

    def test_it_runs_both_kinds_of_tasks(self) -> None:
        order = Order.objects.create(email="ann@example.org")
        with transaction.atomic():
            confirm.enqueue(connection, order_id=order.pk)
            results = [count.enqueue(order.pk), greet.enqueue(name="Ada")]
        self.assertEqual(project_worker().drain(), 3)
        order.refresh_from_db()
        self.assertEqual((order.confirmed, order.counted), (True, 1))
        for result, value in zip(results, (1, "hello, Ada"), strict=True):
            result.refresh()
            self.assertEqual((result.status, result.return_value), (Status.SUCCESSFUL, value))
            self.assertLessEqual(result.enqueued_at, result.started_at)
            self.assertLessEqual(result.started_at, result.finished_at)

    def test_a_failure_is_kept_and_signalled(self) -> None:
        finished: list[Any] = []

        def note(sender: Any, task_result: Any, **_: Any) -> None:
            finished.append((task_result.id, task_result.status, task_result.errors[0].exception_class))

        signals.task_finished.connect(note)
        result = fail.enqueue("no")
        project_worker().drain()
        signals.task_finished.disconnect(note)
        result.refresh()
        self.assertEqual((result.status, result.attempts), (Status.FAILED, 1))
        self.assertIs(result.errors[0].exception_class, ValueError)
        self.assertIn("ValueError: no", result.errors[0].traceback)
        self.assertEqual(finished, [(result.id, Status.FAILED, ValueError)])
        with self.assertRaises(ValueError):
            _ = result.return_value

    def test_a_rollback_leaves_no_task(self) -> None:
        with self.assertRaises(KeyError), transaction.atomic():
            count.enqueue(1)
            raise KeyError
        self.assertEqual(project_worker().drain(), 0)

    def test_async_views_enqueue_and_ask(self) -> None:
        from asgiref.sync import async_to_sync

        order = Order.objects.create(email="ann@example.org")

        async def view() -> str:
            result = await count.aenqueue(order.pk)
            found = await count.aget_result(result.id)
            return str(found.id)

        job_id = async_to_sync(view)()
        self.assertEqual(str(Job.objects.get().pk), job_id)
        self.assertEqual(json.loads(Job.objects.get().payload), {"args": [order.pk], "kwargs": {}})
