"""The jobs of a run, each when its turn comes."""

from __future__ import annotations

from typing import Any

from tests.actions.contexts import job_contexts, status_of
from tests.actions.engine import Faulty, engine
from tests.actions.matrix import combinations, named
from tests.actions.one_job import Host
from tests.actions.processes import Processes
from tests.actions.runs import Job, Run
from tests.actions.workflows import needs_of


class Advancer:
    """Runs one job at a time. `processes` are those of the job that runs now."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.processes = Processes()

    def advance(self, run: Run) -> Job | None:
        """Do the next thing that can be done for `run`; the job that it was done for, if any."""
        for job in list(run.jobs.values()):
            if job.state == "queued" and self._is_free(run, job):
                self._do(run, job)
                return job
        is_waiting = any(job.state == "waiting" for job in run.jobs.values())
        run.status = "waiting" if is_waiting else "completed"
        run.conclusion = "" if is_waiting else _conclusion(run)
        return None

    def _is_free(self, run: Run, job: Job) -> bool:
        return all(run.result_of(name) for name in needs_of(run.workflow.jobs[job.id]))

    def _do(self, run: Run, job: Job) -> None:
        tree = run.workflow.jobs[job.id]
        contexts = job_contexts(self._host.world, run, job, self._host.settings)
        if job.combination is None:
            if not engine().condition(tree["if"], contexts, status_of(run, job.id)):
                job.name = job.id
                _end(job, "cancelled" if run.is_cancelled else "skipped")
            else:
                _expand(run, job, contexts)
            return
        job.environment = _environment(tree, contexts)
        job.name = _name(tree, job, contexts)
        if job.environment and not self._host.settings.lets_in(job.environment, run.event.ref):
            job.log = f"{run.event.ref} is not allowed to deploy to {job.environment}\n"
            _end(job, "failure")
            return
        if self._must_wait(run, job):
            job.state = "waiting"
            return
        if not engine().resolve(tree["runs-on"], contexts):
            raise Faulty(f"{run.workflow.file}: {job.key}: runs-on is empty")
        job.attempt = run.attempt
        self.processes = Processes()
        self._host.run(run, job, self.processes)
        if job.result == "failure":
            _stop_siblings(run, job)

    def _must_wait(self, run: Run, job: Job) -> bool:
        if not job.environment:
            return False
        if not self._host.settings.environment(job.environment).reviewers:
            return False
        return not any(
            (each.environment, each.state, each.attempt)
            == (job.environment, "approved", run.attempt)
            for each in run.approvals
        )


def _expand(run: Run, job: Job, contexts: dict[str, Any]) -> None:
    """Put the job's combinations in its place."""
    strategy = engine().resolve(run.workflow.jobs[job.id].get("strategy") or {}, contexts)
    found = combinations(strategy.get("matrix"))
    made = [Job(named(job.id, each), job.id, combination=each) for each in found]
    replaced: dict[str, Job] = {}
    for key, known in run.jobs.items():
        replaced |= {each.key: each for each in made} if known is job else {key: known}
    run.jobs = replaced


def _environment(tree: dict[str, Any], contexts: dict[str, Any]) -> str:
    about = tree.get("environment") or ""
    if isinstance(about, dict):
        about = about.get("name", about)  # its url is for after the job: it may speak of steps
    return str(engine().resolve(about, contexts))


def _name(tree: dict[str, Any], job: Job, contexts: dict[str, Any]) -> str:
    """Its name as people and required checks know it."""
    given = tree.get("name", job.id)
    if isinstance(given, str):
        return named(given, job.combination or {})
    return str(engine().resolve(given, contexts))


def _stop_siblings(run: Run, failed: Job) -> None:
    """With `fail-fast`, which is the default, the rest of the matrix is cancelled."""
    strategy = run.workflow.jobs[failed.id].get("strategy") or {}
    if strategy.get("fail-fast", True) is True:
        for job in run.of(failed.id):
            if job.state != "completed":
                _end(job, "cancelled")


def _end(job: Job, result: str) -> None:
    job.state, job.result = "completed", result


def _conclusion(run: Run) -> str:
    results = {"success" if _is_forgiven(run, job) else job.result for job in run.jobs.values()}
    if "failure" in results:
        return "failure"
    if run.is_cancelled or "cancelled" in results:
        return "cancelled"
    return "skipped" if results == {"skipped"} else "success"


def _is_forgiven(run: Run, job: Job) -> bool:
    tree = run.workflow.jobs[job.id]
    return job.result == "failure" and tree.get("continue-on-error") is True
