"""The admin, with the rights that its user has; the router, the checks, the migrations."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from importlib import import_module
from pkgutil import iter_modules
from typing import Any
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.checks import run_checks
from django.db import connection, transaction
from django.test import TestCase, TransactionTestCase, override_settings

from proletarian.contrib.django import moves
from proletarian.contrib.django.compat import signals
from proletarian.contrib.django.models import ArchivedJob, Job, RunningJob, Worker
from proletarian.contrib.django.router import ProletarianRouter
from proletarian.contrib.django.running import project_tasks, project_worker
from proletarian.migration import migrations
from proletarian.testing import drain
from shop.jobs import tasks
from shop.models import Order
from shop.tasks import count, fail, give_up


class InTheAdmin(TestCase):  # type: ignore[misc]
    """Nobody adds, edits or deletes; who has the right for it cancels and retries."""

    def log_in(self, *rights: str) -> None:
        user = User.objects.create_user("ann", is_staff=True)
        views = Permission.objects.filter(content_type__app_label="proletarian", codename__startswith="view_")
        user.user_permissions.set([*views, *Permission.objects.filter(codename__in=rights)])
        self.client.force_login(user)

    def act(self, page: str, action: str, *jobs: Any) -> Any:
        form = {"action": action, "_selected_action": [str(job.pk) for job in jobs]}
        return self.client.post(f"/admin/proletarian/{page}/", form, follow=True)

    def archived(self) -> ArchivedJob:
        fail.enqueue("no")
        drain(connection, project_tasks(), raise_errors=False)
        return ArchivedJob.objects.get(job_type="shop.tasks.fail")

    def test_a_superuser_looks_and_changes_nothing(self) -> None:
        user = User.objects.create_superuser("ann")
        self.client.force_login(user)
        count.enqueue(1)
        job = Job.objects.get()
        for page in ("", "?queue=default", "?q=count", f"{job.pk}/change/"):
            self.assertContains(self.client.get(f"/admin/proletarian/job/{page}"), "shop.tasks.count")
        for model in ("runningjob", "archivedjob", "worker"):
            self.assertEqual(self.client.get(f"/admin/proletarian/{model}/").status_code, 200)
        self.assertEqual(self.client.get("/admin/proletarian/job/add/").status_code, 403)
        self.assertEqual(self.client.post(f"/admin/proletarian/job/{job.pk}/delete/").status_code, 403)
        self.assertEqual(self.client.post(f"/admin/proletarian/job/{job.pk}/change/", {"queue": "x"}).status_code, 403)

    def test_there_are_no_rights_but_to_look_to_cancel_and_to_retry(self) -> None:
        rights = Permission.objects.filter(content_type__app_label="proletarian").values_list("codename", flat=True)
        self.assertEqual(
            set(rights),
            {"view_job", "view_runningjob", "view_archivedjob", "view_worker", "cancel_job", "retry_job"},
        )

    def test_who_may_look_only_is_offered_nothing_and_can_do_nothing(self) -> None:
        self.log_in()
        failed = self.archived()
        count.enqueue(1)
        for page, action, job in (("job", "cancel", Job.objects.get()), ("archivedjob", "retry", failed)):
            self.assertNotContains(self.client.get(f"/admin/proletarian/{page}/"), "_selected_action")
            self.act(page, action, job)
        self.assertEqual((Job.objects.count(), ArchivedJob.objects.count()), (1, 1))

    def test_cancel(self) -> None:
        self.log_in("cancel_job")
        results = [count.enqueue(n) for n in (1, 2)]
        jobs = list(Job.objects.order_by("pk"))
        self.assertContains(self.client.get("/admin/proletarian/job/"), "Cancel the selected jobs")
        finished: list[Any] = []

        def note(sender: Any, task_result: Any, **_: Any) -> None:
            finished.append((task_result.id, task_result.status.name))

        signals.task_finished.connect(note)
        page = self.act("job", "cancel", jobs[0])
        signals.task_finished.disconnect(note)
        self.assertEqual(finished, [(results[0].id, "FAILED")])
        self.assertContains(page, "1 of 1 jobs: cancelled.")
        self.assertEqual(list(Job.objects.all()), [jobs[1]])
        archived = ArchivedJob.objects.get()
        self.assertEqual((archived.pk, archived.status, archived.attempts), (jobs[0].pk, "cancelled", 0))
        self.assertEqual((archived.started_at, archived.worker), (None, "ann in the admin"))
        self.assertEqual(archived.payload, jobs[0].payload)
        self.assertEqual(archived.process_at, jobs[0].process_at)
        self.assertLessEqual(archived.enqueued_at, archived.finished_at)
        self.assertContains(self.client.get(f"/admin/proletarian/archivedjob/{archived.pk}/change/"), "by ann in the")
        self.assertEqual(LogEntry.objects.get().object_id, str(archived.pk))
        found = count.get_result(results[0].id)
        self.assertEqual((found.status.name, found.attempts, found.errors[0].exception_class.__name__),
                         ("FAILED", 0, "Cancel"))  # fmt: skip

    def test_retry(self) -> None:
        self.log_in("retry_job")
        failed = self.archived()
        count.enqueue(Order.objects.create(email="ann@example.org").pk)
        drain(connection, project_tasks())
        good = ArchivedJob.objects.get(status="success")
        self.assertContains(self.client.get("/admin/proletarian/archivedjob/"), "Run the selected jobs again")
        page = self.act("archivedjob", "retry", failed, good)
        self.assertContains(page, "1 of 2 jobs: waiting to run again.")
        self.assertContains(page, "1 of 2 jobs: succeeded, or gone meanwhile")
        self.assertEqual(list(ArchivedJob.objects.all()), [good])
        waiting = Job.objects.get()
        self.assertEqual((waiting.pk, waiting.attempts, waiting.lost), (failed.pk, 1, 0))
        self.assertEqual((waiting.errors, waiting.payload), (failed.errors, failed.payload))
        self.assertGreaterEqual(waiting.process_at, failed.finished_at.replace(microsecond=0))
        [run] = drain(connection, project_tasks(), raise_errors=False)
        self.assertEqual((run.job_id, run.attempt, run.outcome), (failed.pk, 2, "given_up"))
        self.assertEqual(fail.get_result(str(failed.pk)).attempts, 2)

    def test_the_errors_of_a_job_can_be_read(self) -> None:
        self.log_in()
        page = self.client.get(f"/admin/proletarian/archivedjob/{self.archived().pk}/change/")
        self.assertContains(page, "<b>ValueError</b>: no")
        self.assertContains(page, "Traceback (most recent call last)")


class ByTwoAtTheSameTime(TransactionTestCase):  # type: ignore[misc]
    """A job is moved once, whoever moves it."""

    def setUp(self) -> None:
        for model in (Job, RunningJob, ArchivedJob, Worker):
            model.objects.all().delete()

    def second(self, move: Callable[[], set[Any]]) -> Any:
        """Somebody else does the same, on a connection of their own, and has to wait."""

        def do() -> set[Any]:
            try:
                return move()
            finally:
                connection.close()

        coming = self.enterContext(ThreadPoolExecutor(1)).submit(do)
        wait([coming], timeout=0.5)
        return coming

    def test_retry(self) -> None:
        job_id = UUID(fail.enqueue("no").id)
        project_worker().drain()
        with transaction.atomic():
            first = moves.retry([job_id])
            second = self.second(lambda: moves.retry([job_id]))
        self.assertEqual((first, second.result(60)), ({job_id}, set()))
        self.assertEqual((Job.objects.count(), ArchivedJob.objects.count()), (1, 0))

    def test_cancel(self) -> None:
        job_id = UUID(count.enqueue(1).id)
        with transaction.atomic():
            first = moves.cancel([job_id], "ann")
            second = self.second(lambda: moves.cancel([job_id], "bob"))
        self.assertEqual((first, second.result(60)), ({job_id}, set()))
        self.assertEqual((Job.objects.count(), ArchivedJob.objects.get().worker), (0, "ann"))

    def test_one_that_a_worker_has_taken_is_not_cancelled(self) -> None:
        job_id = UUID(give_up.enqueue().id)
        project_worker().drain()
        self.assertEqual(moves.cancel([job_id], "ann"), set())
        self.assertEqual(moves.retry([job_id]), {job_id})


class AsAProject(TestCase):  # type: ignore[misc]
    """What holds it together."""

    def complaints(self, **settings: Any) -> set[str]:
        with override_settings(**settings):
            return {str(found.id) for found in run_checks()}

    def test_the_checks_find_what_would_not_work(self) -> None:
        ours = {"BACKEND": "proletarian.contrib.django.TaskBackend"}
        self.assertEqual(self.complaints(), set())
        for wrong, number in (
            ({"NONSENSE": 1}, "E001"),
            ({"TASKS": "shop.jobs.confirm"}, "E001"),
            ({"DATABASE": "nowhere"}, "E002"),
            ({"TASKS": "shop.jobs.tasks", "PREFIX": "other_"}, "E004"),
            ({"QUEUES": {"default": 0, "mail": 1}}, "E007"),
            ({"QUEUES": "mail"}, "E007"),
            ({"WORKER": {"keep_suceeded": 1}}, "E007"),
            ({"WORKER": {"heartbeat": -1}}, "E007"),
            ({"QUEUES": {"default": 4}}, "W003"),
        ):
            self.assertEqual(self.complaints(PROLETARIAN=wrong), {f"proletarian.{number}"}, wrong)
        self.assertEqual(self.complaints(TASKS={"default": {**ours, "OPTIONS": {"RETRY": 3}}}), {"proletarian.E006"})

    def test_the_router_keeps_our_tables_together(self) -> None:
        router = ProletarianRouter()
        self.assertEqual(router.db_for_read(Job), "default")
        self.assertIsNone(router.db_for_write(Order))
        self.assertTrue(router.allow_migrate("default", "proletarian"))
        self.assertFalse(router.allow_migrate("other", "proletarian"))
        self.assertIsNone(router.allow_migrate("other", "shop"))

    def test_every_sql_migration_has_its_twin(self) -> None:
        package = import_module("proletarian.contrib.django.migrations")
        twins = {int(module.name[:4]) for module in iter_modules(package.__path__)}
        dialect = tasks.queue.dialect(connection.vendor)
        self.assertEqual(twins, {migration.number for migration in migrations(dialect)})
