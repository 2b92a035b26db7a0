"""What happens to a run that has ended in another process: decided here, in the same way as for every run."""

from __future__ import annotations

import json
import pickle

from proletarian.outcomes import Outcome
from proletarian.worker.hands.messages import Ended
from proletarian.worker.hands.raised import unpacked
from proletarian.worker.run import Run
from proletarian.worker.runner import Runner


def outcome_of(runner: Runner, run: Run, said: Ended) -> Outcome:
    """The outcome of a run that ended like this in the other process."""
    run.completed = said.completed
    if said.then is not None:
        run.next = pickle.loads(said.then)  # noqa: S301 (rows of ours, from a process of ours)
    if said.heard:
        runner.jobs.of(run).stopping.was_heard = True
    if said.overdue or (run.rules.time_limit is not None and run.ran >= run.rules.time_limit):
        runner.overdue(run)
    if said.error is None:
        return runner.ends.well(run, None if said.result is None else json.loads(said.result))
    error = unpacked(said.error)
    return runner.ends.failed(run, error, final=True) if said.final else runner.ends.after(run, error)
