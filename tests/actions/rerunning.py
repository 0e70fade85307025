"""Another attempt of a run: with the same event, at the same commit, by somebody else."""

from __future__ import annotations

from tests.actions.runs import Job, Run
from tests.actions.starting import new_jobs


def prepare(run: Run, by: str, *, failed_only: bool) -> None:
    """Make the next attempt's jobs: all of them, or what failed with all that depends on it."""
    assert run.is_done, f"it still runs: {run}"
    again = _failed(run) if failed_only else set(run.workflow.jobs)
    assert again, f"nothing failed: {run}"
    run.earlier.append(run.jobs)
    fresh = new_jobs(run.workflow)
    jobs: dict[str, Job] = {}
    for name in run.workflow.jobs:
        kept = {} if name in again else {each.key: each for each in run.of(name)}
        jobs |= kept or {name: fresh[name]}
    run.jobs = jobs
    run.attempt += 1
    run.triggering_actor, run.conclusion, run.is_cancelled = by, "", False


def _failed(run: Run) -> set[str]:
    bad = {name for name in run.workflow.jobs if run.result_of(name) in ("failure", "cancelled")}
    return {name for name in run.workflow.jobs if bad & {name, *run.workflow.ancestors(name)}}
