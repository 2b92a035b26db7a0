"""How a project tests its jobs: in the test's own transaction, or with a worker."""

from __future__ import annotations

from datetime import timedelta

from asgiref.sync import async_to_sync
from django.db import connection, transaction
from django.test import TestCase, TransactionTestCase

from proletarian import ConfigurationError
from proletarian.contrib.django.models import ArchivedJob, Job, RunningJob, Worker
from proletarian.contrib.django.running import project_tasks, project_worker
from proletarian.testing import assert_enqueued, drain, enqueued, inline, set_clock
from shop.jobs import confirm, tasks
from shop.models import Order
from shop.tasks import count, fail, greet


class InTheTestsOwnTransaction(TestCase):  # type: ignore[misc]
    """Nothing is committed, and nothing needs to be."""

    def test_an_order_and_its_jobs(self) -> None:
        order = self.client.post("/orders", {"email": "ann@example.org"}).json()
        assert_enqueued(connection, confirm.job(order_id=order["id"]), count=1)
        assert_enqueued(connection, "shop.tasks.count", {"args": [order["id"]], "kwargs": {}})

    def test_a_broken_order_leaves_no_job(self) -> None:
        answer = self.client.post("/orders", {"email": "ann@example.org", "regret": "1"})
        self.assertEqual(answer.status_code, 409)
        self.assertEqual((enqueued(connection), Order.objects.count()), ([], 0))

    def test_jobs_of_both_kinds_run_on_the_tests_connection(self) -> None:
        order = self.client.post("/orders", {"email": "ann@example.org"}).json()
        self.assertEqual(len(drain(connection, project_tasks())), 2)
        found = Order.objects.get(pk=order["id"])
        self.assertEqual((found.confirmed, found.counted), (True, 1))
        self.assertEqual(ArchivedJob.objects.filter(status="success").count(), 2)

    def test_jobs_run_as_soon_as_they_are_enqueued(self) -> None:
        with inline(project_tasks()) as ran:
            order = self.client.post("/orders", {"email": "ann@example.org"}).json()
        self.assertTrue(Order.objects.get(pk=order["id"]).confirmed)
        self.assertEqual([run.job_type for run in ran], ["confirm", "shop.tasks.count"])

    def test_async_views_can_be_tested_so_too(self) -> None:
        async def view() -> str:
            return str((await greet.aenqueue(name="Ada")).id)

        with inline(project_tasks()) as ran:
            result_id = async_to_sync(view)()
        self.assertEqual([str(run.job_id) for run in ran], [result_id])
        self.assertEqual(greet.get_result(result_id).return_value, "hello, Ada")

    def test_nobody_waits_for_a_job_for_later(self) -> None:
        order = Order.objects.create(email="ann@example.org")
        with set_clock(tasks) as clock:
            confirm.using(process_in=timedelta(days=7)).enqueue(connection, order_id=order.pk)
            self.assertEqual(drain(connection, project_tasks()), [])
            clock.advance(days=8)
            drain(connection, project_tasks())
        order.refresh_from_db()
        self.assertTrue(order.confirmed)

    def test_a_worker_that_would_wait_for_the_test_says_so(self) -> None:
        if connection.vendor == "sqlite":
            count.enqueue(1)
            with self.assertRaisesMessage(ConfigurationError, "this thread is inside atomic()"):
                project_worker().drain()

    def test_the_error_of_a_task_is_raised(self) -> None:
        fail.enqueue("no")
        with self.assertRaisesMessage(ValueError, "no"):
            drain(connection, project_tasks())


class WithAWorker(TransactionTestCase):  # type: ignore[misc]
    """A worker has its own connections, and sees what is committed."""

    def setUp(self) -> None:
        for model in (Job, RunningJob, ArchivedJob, Worker):  # Django empties only managed tables
            model.objects.all().delete()

    def test_it_runs_both_kinds_of_tasks(self) -> None:
        order = Order.objects.create(email="ann@example.org")
        with transaction.atomic():
            confirm.enqueue(connection, order_id=order.pk)
            count.enqueue(order.pk)
            greet.enqueue(name="Ada")
        self.assertEqual(project_worker().drain(), 3)
        order.refresh_from_db()
        self.assertEqual((order.confirmed, order.counted), (True, 1))

    def test_a_rollback_leaves_no_task(self) -> None:
        with self.assertRaises(KeyError), transaction.atomic():
            count.enqueue(1)
            raise KeyError
        self.assertEqual(project_worker().drain(), 0)
