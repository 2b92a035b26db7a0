"""The show: sets the stage, kills a worker halfway, counts at the end."""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from proletarian.demo.books import Books
from proletarian.demo.crew import Crewman
from proletarian.demo.screen import Screen, screen_for
from proletarian.demo.signup import COMMITTED, TABLE, SignUps
from proletarian.demo.tasks import MAIL_SERVER, QUEUE
from proletarian.demo.verdict import Verdict
from proletarian.drivers.registry import redacted
from proletarian.errors import ConfigurationError
from proletarian.migration import migrate

WORKERS = 2
SLOTS = 10
KILL_AT = 300  # mails delivered
IN_HANDS = 3  # jobs that the victim must hold, so that something is at stake
LONGEST = 120.0  # seconds for any part of the show
FRAME = 0.05  # seconds

STORY = (
    f"{COMMITTED:,} people sign up. Each account is committed together with the job that sends its email; two "
    f"workers deliver the emails, and one of them is killed."
)
NEXT = (
    "What next: write a task, enqueue it in your own transaction, and start `proletarian worker module:tasks`. The "
    "tutorial shows how, in ten minutes"
    " (docs/start/tutorial.md)."
)


def run(url: str | None) -> bool:
    """Run it on the database at `url`, or on its own SQLite file; returns whether the promise was kept."""
    try:
        import aiosmtpd  # noqa: F401 (only to see that they are there)
        import rich  # noqa: F401
    except ImportError as error:
        raise ConfigurationError(f"the demo needs {error.name}: pip install 'proletarian[demo]'") from error
    with ExitStack() as stage, tempfile.TemporaryDirectory(prefix="proletarian-demo-") as folder:
        stage.enter_context(ending_on_sigterm())
        return Show(url or f"sqlite:///{folder}/demo.db", Path(folder), brought=url is not None).play()


class Show:
    """One run; everything that it starts has ended when `play` returns or raises."""

    def __init__(self, url: str, folder: Path, *, brought: bool) -> None:
        self.url = url
        self.brought = brought  # the database is not ours
        self.folder = folder
        self.books = Books(url)
        self.crew: list[Crewman] = []

    def play(self) -> bool:
        """Run all of it."""
        from proletarian.demo.post_office import PostOffice

        migrate(self.url)
        self.books.prepare()
        with ExitStack() as stage:
            self.office = stage.enter_context(PostOffice())
            self.sign_ups = SignUps(self.url)
            stage.callback(self._close_crew)
            self.screen: Screen = stage.enter_context(screen_for(COMMITTED, COMMITTED))
            self.screen.say(STORY)
            self.screen.say(f"on {redacted(self.url)}")
            self._hire()
            self.sign_ups.start()
            stage.callback(self.sign_ups.close)
            killed_at = self._kill_one()
            self._until("another worker takes over", lambda: self.office.restarted_at is not None or self._is_done())
            if self.office.restarted_at is not None:
                survivors = ", ".join(str(man.process.pid) for man in self.crew if not man.killed)
                after = self.office.restarted_at - killed_at
                self.screen.say(
                    f"worker {survivors} has taken over: the first of its jobs runs again after {after:.2f} s"
                )
            self._until("every email has been delivered", self._is_done)
        verdict = self._verdict(killed_at)
        for line in ["", *verdict.lines(), "", *self._left(), NEXT]:
            self.screen.say(line)
        return verdict.kept

    def _left(self) -> list[str]:
        """Say what stays behind in a database that is not ours."""
        if not self.brought:
            return []
        return [
            f"Left in {redacted(self.url)}: the tables of the library, the {len(self.books.accounts()):,} accounts in "
            f"{TABLE}, and their jobs in the archive (queue {QUEUE}). The next demo clears accounts and jobs first."
        ]

    def _hire(self) -> None:
        for number in range(1, WORKERS + 1):
            man = Crewman(
                number, database=self.url, folder=self.folder, target="proletarian.demo.tasks:tasks",
                queues={QUEUE: SLOTS}, **{MAIL_SERVER: self.office.address},
            )  # fmt: skip
            self.crew.append(man)
        pids = ", ".join(str(man.process.pid) for man in self.crew)
        self.screen.say(f"{WORKERS} workers started, processes {pids}")

    def _kill_one(self) -> float:
        victim = self.crew[0]
        self._until(
            "the first worker is in the middle of its work",
            lambda: self.office.deliveries.total() >= KILL_AT and self.books.held_by(victim.process.pid) >= IN_HANDS,
        )
        killed_at = time.monotonic()
        victim.kill()
        self.screen.say(f"worker {victim.process.pid} killed with SIGKILL, while it was running jobs")
        return killed_at

    def _is_done(self) -> bool:
        return not self.sign_ups.is_alive() and len(self.office.deliveries) >= COMMITTED and self.books.open() == 0

    def _until(self, what: str, condition: Callable[[], bool]) -> None:
        """Wait, and show progress in the meantime."""
        deadline = time.monotonic() + LONGEST
        while not condition():
            if self.sign_ups.error is not None:
                raise self.sign_ups.error
            for man in self.crew:
                man.check()
            if time.monotonic() > deadline:
                self.screen.say(f"waited {LONGEST:.0f} s in vain until {what}")
                return
            self._show()
            time.sleep(FRAME)
        self._show()

    def _show(self) -> None:
        self.screen.show(self.sign_ups.tried - self.sign_ups.rolled_back, len(self.office.deliveries))

    def _close_crew(self) -> None:
        for man in self.crew:
            man.close()

    def _verdict(self, killed_at: float) -> Verdict:
        restarted_at = self.office.restarted_at
        return Verdict(
            accounts=self.books.accounts(),
            rolled_back=self.sign_ups.rolled_back,
            deliveries=self.office.deliveries,
            refused=len(self.office.refused),
            jobs=self.books.finished(),
            recovery=None if restarted_at is None else restarted_at - killed_at,
        )


@contextmanager
def ending_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end the program like an exception, so that everything it started is stopped."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
