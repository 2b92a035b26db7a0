"""An application to test: a few tasks, and what they have done."""

from __future__ import annotations

from proletarian import Job, Retry, Snooze, Tasks


class Application:
    """Its tasks write down what they do."""

    def __init__(self, tasks: Tasks) -> None:
        self.tasks = tasks
        self.done: list[str] = []

        @tasks.task(queue="mail")
        def send_welcome(email: str, *, copies: int = 1) -> None:
            self.done.append(f"welcome, {email}" + ", again" * (copies - 1))

        @tasks.task
        async def greet(name: str) -> None:
            self.done.append(f"hello, {name}")

        @tasks.task(retry=Retry(1, delays=[60]))
        def fail(job: Job, why: str) -> None:
            self.done.append(f"failed at attempt {job.attempts}")
            raise ValueError(why)

        @tasks.task
        def snooze(job: Job) -> None:
            raise Snooze(60)

        self.send_welcome, self.greet, self.fail, self.snooze = send_welcome, greet, fail, snooze
