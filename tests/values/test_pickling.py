"""What goes to another process and comes back: signals and tasks."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import pickle
from datetime import timedelta

import pytest

from proletarian import Cancel, RetryAfter, Snooze, Tasks

tasks = Tasks()


@tasks.task(queue="mail")
def square(n: int) -> int:
    """A task that a pool of processes can be given."""
    return n * n


def throttled() -> None:
    """What a child raises."""
    raise RetryAfter(30, "they said so")


@pytest.mark.parametrize(
    "signal",
    [Snooze(5), Snooze(timedelta(minutes=1)), Cancel("no"), Cancel(), RetryAfter(30), RetryAfter(30, "they said so")],
    ids=repr,
)
def test_a_signal_comes_back_as_it_was(signal: Exception) -> None:
    signal.add_note("seen in the child")
    back = pickle.loads(pickle.dumps(signal))

    assert type(back) is type(signal)
    assert (str(back), vars(back)) == (str(signal), vars(signal))


def test_a_task_is_found_by_its_name() -> None:
    assert pickle.loads(pickle.dumps(square)) is square


def test_a_task_with_other_options_keeps_them() -> None:
    back = pickle.loads(pickle.dumps(square.using(priority=3, process_in=60)))

    assert back.options == square.using(priority=3, process_in=60).options
    assert back.function is square.function


def test_a_task_that_no_name_leads_to_is_refused_as_such_a_function_is() -> None:
    local = Tasks()

    @local.task
    def hidden() -> None: ...

    named = local.task(name="other")(throttled)
    for task in (hidden, named):
        with pytest.raises((AttributeError, pickle.PicklingError), match=r"Can't (pickle|get local object)"):
            pickle.dumps(task)


def test_a_pool_of_processes_runs_a_task_and_brings_back_what_is_raised() -> None:
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as pool:
        assert pool.submit(square, 3).result(60) == 9
        with pytest.raises(RetryAfter, match="they said so") as raised:
            pool.submit(throttled).result(60)
        assert raised.value.seconds == 30
        assert pool.submit(square, 4).result(60) == 16, "the pool has outlived it"
