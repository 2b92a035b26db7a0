"""What the backend for `django.tasks` promises, point by point, like other database backends."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.test import TestCase, TransactionTestCase, override_settings
from django.utils import timezone

from proletarian import Cancel, Retry
from proletarian.contrib.django import configuration
from proletarian.contrib.django.compat import PACKAGE, InvalidTask, base, exceptions, signals, task_backends
from proletarian.contrib.django.models import ArchivedJob, Job, RunningJob, Worker
from proletarian.contrib.django.results import task_of
from proletarian.contrib.django.running import failed, project_tasks, project_worker
from proletarian.testing import drain
from shop import tasks as shop_tasks
from shop.models import Order
from shop.tasks import again, count, fail, give_up, greet, tell, work

Status = base.TaskResultStatus
OURS = "proletarian.contrib.django.TaskBackend"
DERIVED = "shop.backends.OurBackend"


@contextmanager
def heard(signal: Any) -> Iterator[list[Any]]:
    """What a signal sends while the block runs: (sender, result) of each."""
    said: list[Any] = []

    def note(sender: Any, task_result: Any, **_: Any) -> None:
        said.append((sender, task_result))

    signal.connect(note)
    try:
        yield said
    finally:
        signal.disconnect(note)


class Enqueueing(TestCase):  # type: ignore[misc]
    """A task is enqueued and can be seen."""

    def test_a_new_result_is_ready(self) -> None:
        with heard(signals.task_enqueued) as said, self.assertNumQueries(1):
            result = count.enqueue(1, two=3)
        self.assertEqual(UUID(result.id).version, 7)
        self.assertEqual((result.status, result.is_finished, result.attempts), (Status.READY, False, 0))
        self.assertEqual((result.started_at, result.last_attempted_at, result.finished_at), (None, None, None))
        self.assertEqual((result.task, result.args, result.kwargs), (count, [1], {"two": 3}))
        self.assertEqual(said, [(type(count.get_backend()), result)])
        with self.assertRaisesMessage(ValueError, "Task has not finished yet"):
            _ = result.return_value

    def test_it_can_be_looked_up(self) -> None:
        result = count.using(priority=7, queue_name="mail").enqueue(3)
        found = count.get_result(result.id)
        self.assertEqual((found.status, found.args, found.kwargs, found.attempts), (Status.READY, [3], {}, 0))
        self.assertEqual((found.task.priority, found.task.queue_name), (7, "mail"))
        self.assertLess(abs(found.enqueued_at - result.enqueued_at), timedelta(minutes=1))
        self.assertEqual(Job.objects.get().priority, 7)

    def test_what_is_no_result_is_not_found(self) -> None:
        for unknown in ("123", "nonsense", "01a20e62-253c-7000-8000-36a7e0c2252d"):
            with self.assertRaises(exceptions.TaskResultDoesNotExist):
                count.get_result(unknown)
        other = count.enqueue(1)
        with self.assertRaises(exceptions.TaskResultMismatch):
            fail.get_result(other.id)

    def test_what_cannot_be_run_is_refused(self) -> None:
        with self.assertRaises(InvalidTask):
            count.using(queue_name="nowhere")
        with self.assertRaises(InvalidTask):
            count.using(priority=101)
        with self.assertRaises(InvalidTask):
            count.using(run_after=timezone.now().replace(tzinfo=None))
        with self.assertRaises(TypeError):
            count.enqueue(object())

    def test_what_equals_a_whole_number_is_a_priority(self) -> None:
        for priority in (3.0, True):
            result = count.using(priority=priority).enqueue(1)
            self.assertEqual(count.get_result(result.id).task.priority, int(priority))

    def test_a_backend_may_have_no_options(self) -> None:
        with override_settings(TASKS={"default": {"BACKEND": OURS, "OPTIONS": None}}):
            count.using(queue_name="default").enqueue(1)

    def test_what_could_be_run_once_is_looked_at_again_when_it_is_enqueued(self) -> None:
        task = count.using(queue_name="mail")
        only = {"default": {"BACKEND": OURS, "QUEUES": ["default"]}}
        with override_settings(TASKS=only), self.assertRaises(InvalidTask):
            task.enqueue(1)

    def test_the_enqueue_is_logged(self) -> None:
        with self.assertLogs(PACKAGE, level="DEBUG") as logged:
            result = count.enqueue(1)
        self.assertIn(result.id, logged.output[0])

    def test_two_backends_are_told_apart(self) -> None:
        both = {name: {"BACKEND": OURS, "OPTIONS": {}} for name in ("default", "slow")}
        with override_settings(TASKS=both):
            result = count.using(backend="slow").enqueue(Order.objects.create(email="a@example.org").pk)
            self.assertEqual(count.get_result(result.id).backend, "slow")
            with heard(signals.task_finished) as said:
                drain(connection, project_tasks())
            self.assertEqual([done.backend for _, done in said], ["slow"])
            self.assertEqual(task_backends["slow"].get_result(result.id).backend, "slow")

    def test_async_views_enqueue_and_ask(self) -> None:
        order = Order.objects.create(email="ann@example.org")

        async def view() -> tuple[Any, Any]:
            result = await count.aenqueue(order.pk)
            return result, await count.aget_result(result.id)

        result, found = async_to_sync(view)()
        self.assertEqual((result.id, found.id), (str(Job.objects.get().pk),) * 2)
        self.assertEqual(json.loads(Job.objects.get().payload), {"args": [order.pk], "kwargs": {}})

    def test_a_time_in_the_past_is_what_was_asked_for(self) -> None:
        before = timezone.now() - timedelta(days=1)
        result = count.using(run_after=before).enqueue(Order.objects.create(email="a@example.org").pk)
        self.assertEqual(result.task.run_after, before)
        self.assertEqual(count.get_result(result.id).task.run_after, before)
        drain(connection, project_tasks())
        self.assertEqual(count.get_result(result.id).task.run_after, before)

    def test_options_that_there_are_none_of_are_refused(self) -> None:
        for wrong, said in (
            ({"OPTIONS": {"RETRYS": 3}}, "OPTIONS has no 'RETRYS'; it has: RETRY"),
            ({"OPTIONS": {"RETRY": 3}}, "OPTIONS['RETRY'] is a Retry, not 3"),
            ({"QUEUES": "default"}, "QUEUES is a list of names, not the text 'default'"),
            ({"QUEUES": None}, "QUEUES is a list of names, not None"),
            ({"QUEUES": ["default", "mail "]}, "QUEUES has 'mail ', but a queue has a name of 1 to 191 characters"),
        ):
            with (
                override_settings(TASKS={"default": {"BACKEND": OURS, "QUEUES": [], **wrong}}),
                self.assertRaisesMessage(ImproperlyConfigured, f"TASKS['default']: {said}"),
            ):
                count.using(queue_name="default").enqueue(1)
        self.assertEqual(Job.objects.count(), 0)

    def test_queues_of_a_backend_derived_from_ours_are_served(self) -> None:
        with override_settings(PROLETARIAN={}, TASKS={"default": {"BACKEND": DERIVED, "QUEUES": ["slow", "mail"]}}):
            self.assertEqual(project_worker().queues, {"default": 10, "mail": 10, "slow": 10})

    def test_where_any_queue_is_allowed_those_that_tasks_name_are_served(self) -> None:
        with override_settings(PROLETARIAN={}, TASKS={"default": {"BACKEND": DERIVED, "QUEUES": []}}):
            self.assertEqual(project_worker().queues, {"default": 10, "mail": 10})


class WithoutTimeZones(TestCase):  # type: ignore[misc]
    """USE_TZ = False, in a time zone far from UTC: Django's times are naive, and ours are right."""

    def test_times_are_those_of_the_project(self) -> None:
        with override_settings(USE_TZ=False, TIME_ZONE="Asia/Kathmandu"):
            before = timezone.now()
            self.assertIsNone(before.tzinfo)
            result = count.using(run_after=before + timedelta(hours=1)).enqueue(1)
            job, found = Job.objects.get(), count.get_result(result.id)
            self.assertLess(abs(job.enqueued_at - before), timedelta(minutes=1))
            self.assertEqual(job.process_at, before + timedelta(hours=1))
            self.assertEqual(found.task.run_after, before + timedelta(hours=1))
            self.assertEqual(Job.objects.filter(process_at=before + timedelta(hours=1)).count(), 1)
            self.assertEqual(Job.objects.filter(enqueued_at__gt=before + timedelta(minutes=2)).count(), 0)
        with override_settings(USE_TZ=True, TIME_ZONE="Asia/Kathmandu"):
            self.assertLess(abs(Job.objects.get().enqueued_at - timezone.now()), timedelta(minutes=2))

    def test_a_run_has_them_too(self) -> None:
        with override_settings(USE_TZ=False, TIME_ZONE="Asia/Kathmandu"):
            result = fail.enqueue("no")
            drain(connection, project_tasks(), raise_errors=False)
            result.refresh()
            for moment in (result.started_at, result.last_attempted_at, result.finished_at, result.enqueued_at):
                self.assertLess(abs(moment - timezone.now()), timedelta(minutes=1))

    def test_a_time_zone_of_the_database_changes_nothing(self) -> None:
        if connection.vendor == "postgresql":  # which stores moments, whatever the connection's time zone
            return
        with patch.dict(connection.settings_dict, TIME_ZONE="Asia/Tokyo"):
            self.forget_the_time_zone()
            count.enqueue(1)
            self.assertLess(abs(Job.objects.get().enqueued_at - timezone.now()), timedelta(minutes=1))
        self.forget_the_time_zone()

    def forget_the_time_zone(self) -> None:
        for name in ("timezone", "timezone_name"):
            connection.__dict__.pop(name, None)


class Running(TestCase):  # type: ignore[misc]
    """A task runs on the test's connection."""

    def test_a_success_with_what_it_returned(self) -> None:
        result = count.enqueue(Order.objects.create(email="ann@example.org").pk)
        with heard(signals.task_started) as started, heard(signals.task_finished) as finished:
            drain(connection, project_tasks())
        result.refresh()
        self.assertEqual((result.status, result.return_value, result.attempts), (Status.SUCCESSFUL, 1, 1))
        self.assertTrue(result.is_finished)
        self.assertEqual([(sender, done.id) for sender, done in started], [(type(count.get_backend()), result.id)])
        self.assertEqual([(done.status, done.return_value) for _, done in finished], [(Status.SUCCESSFUL, 1)])

    def test_a_coroutine_with_its_context(self) -> None:
        result = greet.enqueue(name="Ada")
        drain(connection, project_tasks())
        result.refresh()
        self.assertEqual(result.return_value, "hello, Ada")
        result = tell.enqueue()
        drain(connection, project_tasks())
        result.refresh()
        self.assertEqual(
            result.return_value, {"id": result.id, "attempt": 1, "status": "RUNNING", "backend": "default"}
        )

    def test_a_deferred_task_waits(self) -> None:
        later = timezone.now() + timedelta(hours=1)
        result = count.using(run_after=later).enqueue(3)
        self.assertEqual(count.get_result(result.id).task.run_after, later)
        self.assertIsNone(count.get_result(count.enqueue(Order.objects.create(email="a@b.org").pk).id).task.run_after)
        self.assertEqual(len(drain(connection, project_tasks())), 1)

    def test_higher_priorities_come_first_then_what_is_due_first(self) -> None:
        for priority, name in ((0, "b"), (10, "a"), (-10, "c"), (0, "b again")):
            tell.using(priority=priority).enqueue(name)
        ids = [str(job.pk) for job in Job.objects.order_by("-priority", "process_at", "pk")]
        self.assertEqual([str(run.job_id) for run in drain(connection, project_tasks())], ids)

    def test_a_failure_is_kept_and_signalled(self) -> None:
        result = fail.enqueue("no")
        with heard(signals.task_finished) as said:
            drain(connection, project_tasks(), raise_errors=False, failed_job=failed)
        result.refresh()
        self.assertEqual((result.status, result.attempts, result.is_finished), (Status.FAILED, 1, True))
        self.assertIs(result.errors[0].exception_class, ValueError)
        self.assertIn("ValueError: no", result.errors[0].traceback)
        self.assertEqual([(done.id, done.status) for _, done in said], [(result.id, Status.FAILED)])
        self.assertIs(said[0][1].errors[0].exception_class, ValueError)
        with self.assertRaisesMessage(ValueError, "Task failed"):
            _ = result.return_value

    def test_the_class_of_an_error_is_known_whatever_its_message_looks_like(self) -> None:
        for why in ("child failed:\nother.ValueError: no", "x" * 10_000):
            result = fail.enqueue(why)
            drain(connection, project_tasks(), raise_errors=False)
            result.refresh()
            self.assertIs(result.errors[0].exception_class, ValueError)

    def test_receivers_are_told_what_a_lookup_finds(self) -> None:
        who = f"{socket.gethostname()}:{os.getpid()}"
        before = timezone.now() - timedelta(days=1)
        running: list[Any] = []

        def look(sender: Any, task_result: Any, **_: Any) -> None:
            running.append(fail.get_result(task_result.id))
            time.sleep(0.05)

        signals.task_started.connect(look)
        self.addCleanup(signals.task_started.disconnect, look)
        with (
            override_settings(TASKS={"default": {"BACKEND": OURS, "OPTIONS": {"RETRY": Retry(1, delays=[0])}}}),
            heard(signals.task_started) as started, heard(signals.task_finished) as finished,
        ):  # fmt: skip
            result = fail.using(priority=7, run_after=before).enqueue("no")
            drain(connection, project_tasks(), raise_errors=False, failed_job=failed)
            found = fail.get_result(result.id)

        self.assertEqual((found.task.priority, found.task.run_after, found.worker_ids), (7, before, [who, who]))
        second = started[1][1]
        for told in (second, running[1]):
            self.assertEqual((told.task, told.errors), (found.task, found.errors[:1]))
            self.assertEqual((told.attempts, told.worker_ids), (2, [who, who]))
        [(_, done)] = finished
        self.assertEqual((done.task, done.errors, done.worker_ids), (found.task, found.errors, found.worker_ids))
        self.assertGreaterEqual(done.finished_at - done.started_at, timedelta(seconds=0.05))

    def test_a_receiver_that_raises_harms_no_task(self) -> None:
        def broken(**_: Any) -> None:
            raise KeyError("the dashboard is away")

        for signal in (signals.task_started, signals.task_finished):
            signal.connect(broken)
            self.addCleanup(signal.disconnect, broken)
        result = greet.enqueue(name="Ada")
        with self.assertLogs("django.dispatch", "ERROR") as logged:
            drain(connection, project_tasks())
        result.refresh()
        self.assertEqual(result.return_value, "hello, Ada")
        self.assertEqual(len([line for line in logged.output if "the dashboard is away" in line]), 2)

    def test_a_value_that_is_no_json_is_a_failure(self) -> None:
        result = again.enqueue("object")
        drain(connection, project_tasks(), raise_errors=False)
        result.refresh()
        self.assertEqual(result.status, Status.FAILED)
        self.assertIs(result.errors[0].exception_class, TypeError)

    def test_a_task_that_ends_the_program_fails_alone(self) -> None:
        results = [again.enqueue(why) for why in ("exit", "interrupt")]
        drain(connection, project_tasks(), raise_errors=False)
        for result, kind in zip(results, (SystemExit, KeyboardInterrupt), strict=True):
            result.refresh()
            self.assertIs(result.errors[0].exception_class, kind)

    def test_a_task_may_cancel_itself(self) -> None:
        result = give_up.enqueue()
        with heard(signals.task_finished) as said:
            drain(connection, project_tasks())
        result.refresh()
        self.assertEqual((result.status, result.attempts), (Status.FAILED, 1))
        self.assertIs(result.errors[0].exception_class, Cancel)
        self.assertEqual([done.status for _, done in said], [Status.FAILED])

    def test_a_failed_task_is_tried_again_if_the_backend_says_so(self) -> None:
        with override_settings(TASKS={"default": {"BACKEND": OURS, "OPTIONS": {"RETRY": Retry(1, delays=[0])}}}):
            result = fail.enqueue("no")
            self.assertEqual(len(drain(connection, project_tasks(), raise_errors=False)), 2)
            result.refresh()
            self.assertEqual((result.status, result.attempts, len(result.errors)), (Status.FAILED, 2, 2))

    def test_a_path_from_the_database_imports_nothing_foreign(self) -> None:
        for path in (
            "antigravity.fly",
            "subprocess.check_output",
            "shop.tasks.no_such",
            "shop.models.Order",
            "nonsense",
        ):
            self.assertIsNone(task_of(path))
        self.assertNotIn("antigravity", sys.modules)
        self.assertIs(task_of("shop.tasks.count"), shop_tasks.count)
        result = count.enqueue(1)
        Job.objects.update(job_type="subprocess.check_output")
        with self.assertRaises(exceptions.TaskResultDoesNotExist):
            count.get_result(result.id)
        [run] = drain(connection, project_tasks(), raise_errors=False)
        self.assertEqual((run.outcome, type(run.error).__name__), ("snoozed", "UnknownJobType"))


class Working(TransactionTestCase):  # type: ignore[misc]
    """The same with a worker and commits."""

    def setUp(self) -> None:
        for model in (Job, RunningJob, ArchivedJob, Worker):
            model.objects.all().delete()

    def test_a_task_is_there_when_its_transaction_commits(self) -> None:
        with transaction.atomic():
            result = count.enqueue(Order.objects.create(email="ann@example.org").pk)
            self.assertEqual(Job.objects.count(), 1)
            if connection.vendor != "sqlite":  # on SQLite a worker waits for the transaction to end
                self.assertEqual(project_worker().drain(), 0)
        self.assertEqual(project_worker().drain(), 1)
        result.refresh()
        self.assertLessEqual(result.enqueued_at, result.started_at)
        self.assertLessEqual(result.started_at, result.finished_at)
        self.assertEqual(result.last_attempted_at, result.started_at)

    def test_all_queues_of_the_settings_are_served(self) -> None:
        greet.enqueue(name="Ada")  # goes to the queue "mail"
        tell.enqueue()
        self.assertEqual(project_worker(queues={"default": 1}).drain(), 1)
        with override_settings(PROLETARIAN={}):
            self.assertEqual(project_worker().queues, {"default": 10, "mail": 10})
            self.assertEqual(project_worker().drain(), 1)

    def test_a_failure_does_not_stop_the_worker(self) -> None:
        results = [fail.enqueue("no"), tell.enqueue()]
        with heard(signals.task_finished) as said:
            self.assertEqual(project_worker().drain(), 2)
        for result in results:
            result.refresh()
        self.assertEqual([result.status for result in results], [Status.FAILED, Status.SUCCESSFUL])
        self.assertEqual({done.id for _, done in said}, {result.id for result in results})

    def test_a_running_task_that_is_cancelled_has_finished(self) -> None:
        results = [work.enqueue(how) for how in ("return", "raise")]
        worker = project_worker()
        with heard(signals.task_finished) as said:
            worker.start()
            try:
                self.wait_for(RunningJob, 2)
                for result in results:
                    configuration.queue().cancel(connection, UUID(result.id))
                self.wait_for(ArchivedJob, 2)
            finally:
                worker.stop()
        self.assertEqual(set(ArchivedJob.objects.values_list("status", flat=True)), {"cancelled"})
        told = {done.id: (done.status, done.errors[-1].exception_class) for _, done in said}
        self.assertEqual([told[result.id] for result in results], [
            (Status.FAILED, Cancel), (Status.FAILED, TimeoutError),
        ])  # fmt: skip

    def wait_for(self, model: Any, count: int) -> None:
        until = time.monotonic() + 30
        while model.objects.count() < count:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)
