"""What tests do with GitHub Actions: events happen, runs run, people approve, machines die."""

from __future__ import annotations

import json
import secrets as random_words
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.actions.advancing import Advancer
from tests.actions.attestations import folder_of
from tests.actions.kills import Kill, Kills
from tests.actions.one_job import Host
from tests.actions.pages import site_of
from tests.actions.rerunning import prepare
from tests.actions.runs import Approval, Run
from tests.actions.settings import Settings
from tests.actions.shown import show_job, show_run
from tests.actions.starting import Starter, cancel
from tests.actions.steps import name_of
from tests.servers.github_standin.events import Event, note_on_default
from tests.servers.github_standin.standin import GitHubStandIn

_MOST_JOBS = 200  # a test that needs more is in a loop


class Actions:
    """GitHub Actions for one stand-in that serves; files of runs go below `folder`.

    `environment` is what the runner's machine has set for every step. `app` is the id of a GitHub
    App that is installed: the variable PERENNIAL_APP_ID and the secret PERENNIAL_APP_KEY are set.
    """

    def __init__(
        self,
        github: GitHubStandIn,
        folder: Path,
        *,
        variables: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        disabled: Iterable[str] = (),
        app: str = "",
        minute_seconds: float = 60,
    ) -> None:
        self.github = github
        world = github.world
        self.settings = Settings(world)
        self.settings.variables.update(variables or {})
        self.settings.add_secrets(dict(secrets or {}))
        world.settings.workflow_states |= dict.fromkeys(disabled, "disabled_manually")
        if app:
            self._install(app)
        self.site, self._attestations = site_of(folder), folder_of(folder)
        self._kills = Kills()
        host = Host(world, self.settings, folder, environment or {}, self._kills, minute_seconds)
        self._starter = Starter(world, self.settings, folder / "runs")
        self._advancer = Advancer(host)
        self._events: deque[Event] = deque()
        github.look()
        world.listeners.append(self._events.append)

    @property
    def runs(self) -> list[Run]:
        """Every run there was, oldest first."""
        return self._starter.runs

    def last(self, file: str) -> Run | None:
        """The newest run of a workflow."""
        return next((run for run in reversed(self.runs) if run.workflow.file == file), None)

    @property
    def attestations(self) -> list[Any]:
        """The statements that were kept, oldest first."""
        found = sorted(self._attestations.glob("*.json"))
        return [json.loads(path.read_text(encoding="utf-8")) for path in found]

    def set_environment(
        self,
        name: str,
        *,
        reviewers: Iterable[str] = (),
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        """Set an environment up: any one of `reviewers` lets its jobs go on."""
        asked = list(reviewers)
        unknown = [login for login in asked if self.github.world.people.find(login) is None]
        assert not unknown, f"add_person() them first: {unknown}"
        self.settings.environment(name).reviewers = asked
        self.settings.add_secrets(dict(secrets or {}), name)

    # What happens.

    def schedule(self, file: str, cron: str = "") -> None:
        """A workflow's cron fires: `cron`, or its first one. Raises where main's file has none."""
        world = self.github.world
        workflow = self._starter.library.one(f"refs/heads/{world.default_branch}", file)
        assert workflow is not None, f"no workflow {file}"
        lines = [each["cron"] for each in workflow.events["schedule"]]
        assert cron in ("", *lines), f"{file} has no cron {cron}"
        body = {"schedule": cron or lines[0], "workflow": workflow.path}
        note_on_default(world, "schedule", world.owner, body)

    def dispatch(self, file: str, *, by: str, ref: str = "main", **inputs: str) -> None:
        """Somebody starts a workflow by hand. Raises HTTPError where GitHub refuses."""
        body = {"ref": ref, "inputs": inputs}
        self.github.act(by, "POST", f"/actions/workflows/{file}/dispatches", body)

    def repository_dispatch(self, kind: str, *, by: str, payload: Any = None) -> None:
        """Somebody's system sends an event. Raises HTTPError where GitHub refuses."""
        body = {"event_type": kind, "client_payload": payload or {}}
        self.github.act(by, "POST", "/dispatches", body)

    def settle(self) -> list[Run]:
        """Run all that is queued, and all that comes of it; the runs that wait for reviewers."""
        for _ in range(_MOST_JOBS):
            self._take_events()
            run = next((run for run in self.runs if run.status in ("queued", "in_progress")), None)
            if run is None:
                return [run for run in self.runs if run.status == "waiting"]
            self._advance(run)
        raise AssertionError(f"no end after {_MOST_JOBS} jobs: {[str(run) for run in self.runs]}")

    # What people do with runs.

    def approve(self, run: Run, *, by: str, comment: str = "") -> None:
        """A reviewer lets all waiting jobs of `run` go on; `settle` runs them."""
        self._review(run, by, "approved", comment)

    def reject(self, run: Run, *, by: str, comment: str = "") -> None:
        """A reviewer refuses: the waiting jobs fail."""
        self._review(run, by, "rejected", comment)

    def cancel(self, run: Run) -> None:
        """Somebody cancels a run."""
        cancel(run)
        run.status = "completed" if run.is_done else "queued"
        self._show(run)

    def rerun(self, run: Run, *, by: str, failed_only: bool = False) -> None:
        """All jobs once more, or those that failed and what depends on them."""
        prepare(run, by, failed_only=failed_only)
        self._starter.enter(run)
        self._show(run)

    # What goes wrong.

    def kill(self, file: str, job: str, step: str, when: str, *, seconds: float = 0) -> None:
        """The job's machine is lost before, after or during a step, `seconds` after its start.

        `step` is its name or id, or as GitHub shows it: "Run actions/checkout".
        """
        assert when in ("before", "during", "after"), when
        self._kills.waiting.append(Kill(file, job, step, when, seconds))

    def kill_now(self) -> None:
        """The machine of the job that runs now is lost: for `github.meanwhile`."""
        self._advancer.processes.kill()

    @property
    def unused_kills(self) -> list[Kill]:
        """Those whose step did not come."""
        return list(self._kills.waiting)

    def steps(self, file: str) -> list[tuple[str, str]]:
        """Each job and step of main's file, by the names that `kill` knows."""
        main = f"refs/heads/{self.github.world.default_branch}"
        workflow = self._starter.library.one(main, file)
        assert workflow is not None, f"no workflow {file}"
        jobs = workflow.jobs.items()
        return [(job, name_of(step)) for job, tree in jobs for step in tree["steps"]]

    def _install(self, app: str) -> None:
        key = f"private key of the App {app}: {random_words.token_hex(16)}"
        self.settings.apps[app] = key
        self.settings.variables["PERENNIAL_APP_ID"] = app
        self.settings.add_secrets({"PERENNIAL_APP_KEY": key})

    def _take_events(self) -> None:
        self.github.look()
        while self._events:
            self._starter.start(self._events.popleft())
        for run in self.runs:
            self._show(run)

    def _advance(self, run: Run) -> None:
        run.status = "in_progress"
        self._show(run)
        job = self._advancer.advance(run)
        if job is not None and job.state == "completed":
            show_job(self.github.world, run, job)
        if run.is_done:
            self._starter.leave(run)
        self._show(run)

    def _review(self, run: Run, by: str, state: str, comment: str) -> None:
        waiting = [job for job in run.jobs.values() if job.state == "waiting"]
        for job in waiting:
            environment = self.settings.environment(job.environment)
            assert by in environment.reviewers, f"{by} does not review {job.environment}"
            is_own = environment.prevents_self_review and by == run.triggering_actor
            assert not is_own, f"{by} may not review a run of their own"
            job.state = "queued" if state == "approved" else "completed"
            job.result = "" if state == "approved" else "failure"
        assert waiting, f"nothing waits: {run}"
        names = dict.fromkeys(job.environment for job in waiting)
        run.approvals += [Approval(name, by, state, comment, run.attempt) for name in names]
        run.status = "queued"
        self._show(run)

    def _show(self, run: Run) -> None:
        show_run(self.github, run)
