"""The admin with the permissions of its user; the router, the checks, the migrations."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from importlib import import_module
from pkgutil import iter_modules
from typing import Any
from unittest.mock import patch
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.checks import run_checks
from django.db import connection, transaction
from django.test import Client, TestCase, TransactionTestCase, override_settings
from django.utils import timezone

from proletarian import JobFilter
from proletarian.contrib.django import configuration
from proletarian.contrib.django.compat import signals
from proletarian.contrib.django.models import ArchivedJob, Job, RunningJob, Worker
from proletarian.contrib.django.router import ProletarianRouter
from proletarian.contrib.django.running import project_tasks, project_worker
from proletarian.migration import migrations
from proletarian.testing import drain
from shop.jobs import tasks
from shop.models import Order
from shop.tasks import count, fail, give_up, tell


class InTheAdmin(TestCase):  # type: ignore[misc]
    """Nobody can add, edit or delete; users with the permission can cancel and retry."""

    def log_in(self, *rights: str) -> None:
        user = User.objects.create_user("ann", is_staff=True)
        views = Permission.objects.filter(content_type__app_label="proletarian", codename__startswith="view_")
        user.user_permissions.set([*views, *Permission.objects.filter(codename__in=rights)])
        self.client.force_login(user)

    def act(self, page: str, action: str, *jobs: Any, **more: str) -> Any:
        form = {"action": action, "_selected_action": [str(job.pk) for job in jobs], **more}
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
            {
                "view_job",
                "view_runningjob",
                "view_archivedjob",
                "view_heldjob",
                "view_worker",
                "cancel_job",
                "retry_job",
                "pause_queue",
            },
        )

    def test_who_may_look_only_is_offered_nothing_and_can_do_nothing(self) -> None:
        self.log_in()
        failed = self.archived()
        count.enqueue(1)
        for page, action, job in (("job", "cancel", Job.objects.get()), ("archivedjob", "retry", failed)):
            self.assertNotContains(self.client.get(f"/admin/proletarian/{page}/"), "_selected_action")
            self.act(page, action, job)
        self.assertEqual((Job.objects.count(), ArchivedJob.objects.count()), (1, 1))

    def test_the_search_box_takes_the_filter_language(self) -> None:
        self.log_in()
        failed = self.archived()
        count.enqueue(1)
        count.enqueue(2)

        def found(page: str, text: str) -> Any:
            return self.client.get(f"/admin/proletarian/{page}/", {"q": text})

        self.assertEqual(found("job", "type:shop.tasks.count").context["cl"].result_count, 2)
        self.assertEqual(found("job", "queue:nobody*").context["cl"].result_count, 0)
        self.assertEqual(found("archivedjob", f"state:failed id:{failed.pk}").context["cl"].result_count, 1)
        self.assertEqual(found("archivedjob", "error:nonsense").context["cl"].result_count, 0)
        self.assertEqual(found("job", "count").context["cl"].result_count, 2)
        self.assertContains(found("job", "state:failed"), "Jobs of this page are scheduled or waiting or held")
        self.assertContains(found("job", "colour:red"), "colour")

    def test_a_queue_is_paused_and_its_jobs_say_why_they_wait(self) -> None:
        self.log_in("pause_queue")
        tell.enqueue()
        job = Job.objects.get()
        self.assertContains(self.client.get(f"/admin/proletarian/job/{job.pk}/change/"), "no live worker serves")
        page = self.act("job", "pause", job)
        self.assertContains(page, f"Paused: {job.queue}.")
        self.assertContains(self.client.get(f"/admin/proletarian/job/{job.pk}/change/"), "by ann in the admin")
        self.assertEqual(drain(connection, project_tasks()), [])
        self.assertContains(self.act("job", "resume", job), f"Resumed: {job.queue}.")
        self.assertEqual(len(drain(connection, project_tasks())), 1)

    def test_who_has_no_right_to_pause_is_offered_none(self) -> None:
        self.log_in("cancel_job")
        tell.enqueue()
        self.assertNotContains(self.client.get("/admin/proletarian/job/"), "Pause the queues")
        self.act("job", "pause", Job.objects.get())
        self.assertEqual(len(drain(connection, project_tasks())), 1)

    def test_cancel(self) -> None:
        self.log_in("cancel_job")
        results = [count.enqueue(n) for n in (1, 2)]
        jobs = list(Job.objects.order_by("pk"))
        self.assertContains(self.client.get("/admin/proletarian/job/"), "Cancel")
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
        self.assertEqual((archived.started_at, archived.worker), (None, None))
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
        self.assertContains(self.client.get("/admin/proletarian/archivedjob/"), "Run again")
        page = self.act("archivedjob", "retry", failed, good)
        self.assertContains(page, "Run 2 jobs again (those that did not succeed)?")
        self.assertEqual(Job.objects.count(), 0)
        page = self.act("archivedjob", "retry", failed, good, confirmed="yes")
        self.assertContains(page, "1 of 2 jobs: waiting to run again.")
        self.assertContains(page, "1 of 2 jobs: had succeeded, or are gone")
        self.assertEqual(list(ArchivedJob.objects.all()), [good])
        waiting = Job.objects.get()
        self.assertEqual((waiting.pk, waiting.attempts, waiting.lost), (failed.pk, 1, 0))
        self.assertEqual((waiting.errors, waiting.payload), (failed.errors, failed.payload))
        self.assertGreaterEqual(waiting.process_at, failed.finished_at.replace(microsecond=0))
        [run] = drain(connection, project_tasks(), raise_errors=False)
        self.assertEqual((run.job_id, run.attempt, run.outcome), (failed.pk, 2, "given_up"))
        self.assertEqual(fail.get_result(str(failed.pk)).attempts, 2)

    def test_the_errors_of_a_job_come_first_on_its_page(self) -> None:
        self.log_in()
        page = self.client.get(f"/admin/proletarian/archivedjob/{self.archived().pk}/change/")
        self.assertContains(page, "<b>ValueError</b>: no")
        self.assertContains(page, "Traceback (most recent call last)")
        text = page.content.decode()
        self.assertLess(text.index("Traceback"), text.index("field-payload"))
        self.assertLess(text.index("field-result"), text.index("field-payload"))
        self.assertNotContains(page, "formaction")

    def test_a_button_on_the_page_of_a_job(self) -> None:
        self.log_in("retry_job", "cancel_job")
        for model, act, button, job in (
            (ArchivedJob, "retry", "Run again", self.archived()),
            (Job, "cancel", "Cancel", None),
        ):
            job = job or Job.objects.get()
            page = f"/admin/proletarian/{model._meta.model_name}/{job.pk}"
            self.assertContains(
                self.client.get(f"{page}/change/"), f'<button class="button" formaction="../{act}/">{button}</button>'
            )
            self.assertEqual(self.client.get(f"{page}/{act}/").status_code, 405)
            self.assertContains(self.client.post(f"{page}/{act}/", follow=True), "1 of 1 jobs")
            self.assertFalse(model.objects.filter(pk=job.pk).exists())
            self.assertContains(self.client.post(f"{page}/{act}/", follow=True), "is no longer here")
        self.assertEqual(LogEntry.objects.count(), 2)

    def test_the_button_does_nothing_for_who_may_look_only(self) -> None:
        self.log_in()
        failed = self.archived()
        answer = self.client.post(f"/admin/proletarian/archivedjob/{failed.pk}/retry/")
        self.assertEqual((answer.status_code, Job.objects.count()), (403, 0))
        forged = Client(enforce_csrf_checks=True)
        forged.force_login(User.objects.create_superuser("eve"))
        answer = forged.post(f"/admin/proletarian/archivedjob/{failed.pk}/retry/")
        self.assertEqual((answer.status_code, Job.objects.count()), (403, 0))

    def test_all_jobs_of_a_filter_are_changed_after_a_question(self) -> None:
        self.log_in("cancel_job")
        for n in range(12):
            count.using(queue_name="mail").enqueue(n)
        count.enqueue(99)
        where, one = "job/?queue=mail", Job.objects.filter(queue="mail").first()
        page = self.client.post(
            f"/admin/proletarian/{where}",
            {"action": "cancel", "select_across": "1", "index": "0", "_selected_action": str(one.pk)},
        )
        self.assertContains(page, "Cancel 12 jobs?")
        self.assertContains(page, "and 2 more")
        self.assertEqual(page.content.decode().count("_selected_action"), 1)
        self.client.post(
            f"/admin/proletarian/{where}",
            {"action": "cancel", "select_across": "1", "confirmed": "yes", "_selected_action": str(one.pk)},
        )
        self.assertEqual([job.queue for job in Job.objects.all()], ["default"])
        self.assertEqual(ArchivedJob.objects.filter(status="cancelled").count(), 12)

    def test_the_lists_show_state_and_arguments_and_filter_by_date(self) -> None:
        self.log_in()
        self.archived()
        count.enqueue(41, two="<b>")
        tell.using(run_after=timezone.now() + timedelta(days=1)).enqueue("Ann")
        page = self.client.get("/admin/proletarian/job/?enqueued_at__gte=2020-01-01")
        for text in ("41, two=&#x27;&lt;b&gt;&#x27;", ">due<", ">for later<", "white-space: nowrap"):
            self.assertContains(page, text)
        self.assertContains(
            self.client.get("/admin/proletarian/archivedjob/?finished_at__gte=2020-01-01"), 'field-status">failure<'
        )
        self.assertNotContains(
            self.client.get("/admin/proletarian/archivedjob/?finished_at__gte=2999-01-01"), 'field-status">failure<'
        )

    def test_a_running_job_shows_its_worker(self) -> None:
        self.log_in()
        page: list[Any] = []

        def look(sender: Any, **_: Any) -> None:
            running = RunningJob.objects.get()
            page.append(self.client.get("/admin/proletarian/runningjob/"))
            page.append(self.client.get(f"/admin/proletarian/runningjob/{running.pk}/change/"))

        signals.task_started.connect(look)
        tell.enqueue("Ann")
        drain(connection, project_tasks())
        signals.task_started.disconnect(look)
        worker = f"{socket.gethostname()}:{os.getpid()}"
        self.assertEqual(len(page), 2)
        for shown in page:
            self.assertContains(shown, worker)

    def test_a_running_job_is_asked_to_end(self) -> None:
        self.log_in("cancel_job")
        page: list[Any] = []

        def act(sender: Any, **_: Any) -> None:
            page.append(self.act("runningjob", "cancel", RunningJob.objects.get()))

        signals.task_started.connect(act)
        tell.enqueue("Ann")
        drain(connection, project_tasks())
        signals.task_started.disconnect(act)
        self.assertContains(page[0], "1 of 1 jobs: asked to end.")


class ByTwoAtTheSameTime(TransactionTestCase):  # type: ignore[misc]
    """A job is moved only once if two users move it."""

    def setUp(self) -> None:
        for model in (Job, RunningJob, ArchivedJob, Worker):
            model.objects.all().delete()

    def second(self, move: Callable[[], Any]) -> Any:
        """Another user does the same on another connection, and must wait."""

        def do() -> Any:
            try:
                return move()
            finally:
                connection.close()

        coming = self.enterContext(ThreadPoolExecutor(1)).submit(do)
        wait([coming], timeout=0.5)
        return coming

    def test_retry(self) -> None:
        queue = configuration.queue()
        job_id = UUID(fail.enqueue("no").id)
        project_worker().drain()
        with transaction.atomic():
            first = queue.retry(connection, JobFilter(job_id=job_id))
            second = self.second(lambda: queue.retry(connection, JobFilter(job_id=job_id)))
        self.assertEqual((first, second.result(60)), (1, 0))
        self.assertEqual((Job.objects.count(), ArchivedJob.objects.count()), (1, 0))

    def test_cancel(self) -> None:
        queue = configuration.queue()
        job_id = UUID(count.enqueue(1).id)
        with transaction.atomic():
            first = queue.cancel(connection, job_id, by="ann")
            second = self.second(lambda: queue.cancel(connection, job_id, by="bob"))
        self.assertEqual((first.waiting, second.result(60).ended), (1, 1))
        self.assertEqual(Job.objects.count(), 0)
        self.assertIn("by ann", ArchivedJob.objects.get().errors)

    def test_one_that_a_worker_has_taken_is_not_cancelled(self) -> None:
        queue = configuration.queue()
        job_id = UUID(give_up.enqueue().id)
        project_worker().drain()
        self.assertEqual(queue.cancel(connection, job_id).ended, 1)
        self.assertEqual(queue.retry(connection, job_id), 1)


class AsAProject(TestCase):  # type: ignore[misc]
    """What holds the project together."""

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
        for said, number in (
            ({"OPTIONS": {"RETRY": 3}}, "E006"),
            ({"OPTIONS": {"RETRYS": 3}}, "E008"),
            ({"QUEUES": "default"}, "E009"),
            ({"QUEUES": None}, "E009"),
            ({"QUEUES": ["default", ""]}, "E009"),
        ):
            wrong = {**ours, "QUEUES": ["default", "mail"], **said}
            self.assertEqual(
                self.complaints(TASKS={"default": wrong}, PROLETARIAN={}), {f"proletarian.{number}"}, wrong
            )

    def test_a_sqlite_file_without_a_transaction_mode_is_warned_of(self) -> None:
        if connection.vendor != "sqlite":
            return
        with patch.dict(connection.settings_dict["OPTIONS"]):
            del connection.settings_dict["OPTIONS"]["transaction_mode"]
            self.assertEqual(self.complaints(), {"proletarian.W002"})

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
