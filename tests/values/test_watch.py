"""Who is taken for dead: by two witnesses that are gone, or by a heartbeat that is silent while we watch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proletarian.sql.rows import Judged, Peer
from proletarian.worker.keeping.watch import GRACE, HELD_UP, Process, Watch

SETTLING, PATIENCE, LOST_AFTER = 15.0, 5.0, 60.0
HELD, ONE_GONE, GONE = (False, False), (True, False), (True, True)


class Scene:
    """A watch, and Ann, who is looked at every half second."""

    STEP = 0.5

    def __init__(self, settling: float = SETTLING, **ann: object) -> None:
        self.watch = Watch(settling, PATIENCE)
        self.now = 0.0
        self.ann = Peer("ann", "host", 1, seen_at=0, silent=0.0, lost_after=LOST_AFTER, locks=(1, 2), free=HELD)
        self.ann = self.ann._replace(**ann)  # type: ignore[arg-type]

    def look(self, free: tuple[bool, ...] | None = None, *, process: Process = Process.ELSEWHERE) -> list[Judged]:
        """What one look says."""
        free = self.ann.free if free is None else free
        return self.watch.dead(
            [self.ann], free=lambda _: free, now=self.now, pause=self.STEP, process=lambda _: process
        )

    def dead_after(
        self, free: tuple[bool, ...] | None = None, *, most: float = 400.0, process: Process = Process.ELSEWHERE
    ) -> float | None:
        """After how many seconds of looks she is taken for dead; None if not in so many."""
        start = self.now
        while self.now - start <= most:
            if self.look(free, process=process):
                return self.now - start
            self.now += self.STEP
        return None

    def beat(self) -> None:
        """She is alive."""
        self.ann = self.ann._replace(seen_at=self.ann.seen_at + 1, silent=0.0)


def test_both_witnesses_gone_for_a_second_mean_death() -> None:
    scene = Scene()
    scene.look(HELD)

    assert scene.dead_after(GONE) == GRACE
    assert scene.look(GONE) == [Judged("ann", 0)]


def test_one_witness_gone_means_nothing_until_the_heartbeat_is_late() -> None:
    scene = Scene()
    scene.look(HELD)

    assert scene.dead_after(ONE_GONE) == LOST_AFTER


def test_a_witness_that_comes_back_starts_anew() -> None:
    scene = Scene()
    scene.look(HELD)
    for free in (GONE, GONE, ONE_GONE) * 10:
        assert scene.look(free) == []
        scene.now += scene.STEP


@pytest.mark.parametrize(
    ("locks", "settling", "expected"),
    [
        ((1, 2), SETTLING, SETTLING),  # two that were never seen held: their owner may be coming back
        ((1,), SETTLING, SETTLING),  # one: its session may be lost alone
        ((1,), 0.0, 0.0),  # a file is a proof by itself
        ((), SETTLING, LOST_AFTER),  # none: only the heartbeat counts
    ],
)
def test_how_long_locks_must_be_free(locks: tuple[int, ...], settling: float, expected: float) -> None:
    scene = Scene(settling, locks=locks, free=(True,) * len(locks))

    assert scene.dead_after() == expected


def test_one_witness_alone_gets_longer_though_it_was_seen_held() -> None:
    scene = Scene(locks=(1,))
    scene.look((False,))

    assert scene.dead_after((True,)) == SETTLING


@pytest.mark.parametrize(
    ("free", "process", "expected"),
    [
        (HELD, Process.ELSEWHERE, PATIENCE * LOST_AFTER),  # it may hold its own interpreter
        (HELD, Process.THERE, PATIENCE * LOST_AFTER),
        (HELD, Process.FROZEN, LOST_AFTER),  # the operating system says better
        (HELD, Process.GONE, LOST_AFTER),  # the server still believes in sessions of a process that is not there
        ((), Process.ELSEWHERE, LOST_AFTER),
        ((), Process.THERE, LOST_AFTER),
    ],
)
def test_how_long_a_heartbeat_may_be_silent(free: tuple[bool, ...], process: Process, expected: float) -> None:
    assert Scene(locks=(1, 2)[: len(free)]).dead_after(free, process=process) == expected


@pytest.mark.parametrize("free", [GONE, (True,), ()])
def test_a_process_that_is_seen_to_be_gone_is_dead_at_the_first_look(free: tuple[bool, ...]) -> None:
    assert Scene(locks=(1, 2)[: len(free)]).dead_after(free, process=Process.GONE) == 0.0


@pytest.mark.parametrize("free", [HELD, ONE_GONE, (False,)])
def test_as_long_as_the_database_keeps_a_session_of_it_that_one_may_be_at_its_last_statement(
    free: tuple[bool, ...],
) -> None:
    scene = Scene(locks=(1, 2)[: len(free)])

    assert scene.dead_after(free, process=Process.GONE, most=LOST_AFTER - 1) is None


def test_a_process_that_is_seen_to_be_there_has_longer_to_bring_both_sessions_back() -> None:
    scene = Scene()
    scene.look(HELD)

    assert scene.dead_after(GONE, process=Process.THERE) == SETTLING


def test_a_worker_with_a_heartbeat_is_not_silent() -> None:
    scene = Scene(locks=(), free=())
    for _ in range(20):
        assert scene.dead_after(most=LOST_AFTER - 1) is None
        scene.beat()


@pytest.mark.parametrize("jump", [120.0, -120.0])
def test_a_jump_of_the_databases_clock_makes_nobody_late(jump: float) -> None:
    scene = Scene(locks=(), free=())
    scene.look()
    scene.ann = scene.ann._replace(silent=jump)

    assert scene.dead_after(most=LOST_AFTER - 1) is None


def test_a_newcomer_believes_the_databases_clock_when_a_beat_was_missed_before_its_eyes_too() -> None:
    assert Scene(locks=(), free=(), silent=500.0).dead_after() == LOST_AFTER / 2
    assert Scene(locks=(), free=(), silent=20.0).dead_after() == LOST_AFTER - 20


def test_a_newcomer_does_not_count_what_it_was_told_after_the_next_beat() -> None:
    scene = Scene(locks=(), free=(), silent=500.0)
    scene.look()
    scene.beat()

    assert scene.dead_after() == LOST_AFTER


def test_what_was_seen_of_free_locks_adds_up_over_our_own_reconnections() -> None:
    scene = Scene()
    cuts = 0
    while not scene.dead_after(GONE, most=4.0):
        scene.watch.reconnected()
        scene.now += 1.0  # and nothing was seen
        cuts += 1

    assert cuts == 3


def test_a_new_connection_gives_everybody_time_to_come_back() -> None:
    scene = Scene()
    scene.look(HELD)
    scene.watch.reconnected()
    scene.now += 100.0

    assert scene.dead_after(GONE, most=SETTLING - 1) is None


def test_the_time_in_which_we_were_frozen_counts_for_nobody() -> None:
    scene = Scene(locks=(), free=())
    scene.look()
    scene.now += 1000.0

    assert scene.look() == []
    assert scene.dead_after() == LOST_AFTER - scene.STEP - HELD_UP


def test_whose_row_was_locked_gets_its_time_again() -> None:
    scene = Scene(locks=(), free=())
    assert scene.dead_after() == LOST_AFTER
    scene.watch.spare(["ann", "bob"])

    assert scene.dead_after() == LOST_AFTER


def test_one_that_is_gone_is_forgotten() -> None:
    scene = Scene()
    scene.look(HELD)
    scene.look(GONE)
    scene.watch.dead([], free=lambda _: (), now=scene.now)

    assert scene.dead_after(GONE) == SETTLING


@given(st.lists(st.tuples(st.floats(0.01, 2.0), st.sampled_from([HELD, ONE_GONE, GONE])), max_size=40))
def test_nobody_is_dead_without_a_second_of_silence(looks: list[tuple[float, tuple[bool, ...]]]) -> None:
    scene, free_since = Scene(), None
    for passed, free in looks:
        scene.now += passed
        free_since = (scene.now if free_since is None else free_since) if all(free) else None
        if scene.look(free):
            assert free_since is not None
            assert scene.now - free_since >= GRACE
