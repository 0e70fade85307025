"""The workflow files of a commit, as GitHub's own parser reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.actions.engine import Faulty, engine
from tests.servers.github_standin.git_backend import BareRepository

FOLDER = ".github/workflows"


@dataclass(frozen=True)
class Workflow:
    """`tree` is the file, its expressions as {"$": ...}; `events` is its `on`, in one form."""

    file: str
    tree: dict[str, Any]
    events: dict[str, Any]

    @property
    def path(self) -> str:
        return f"{FOLDER}/{self.file}"

    @property
    def name(self) -> str:
        return str(self.tree.get("name") or self.path)

    @property
    def jobs(self) -> dict[str, Any]:
        return self.tree["jobs"]

    @property
    def inputs(self) -> dict[str, Any]:
        """What `workflow_dispatch` may be told: each input's description."""
        started_by = self.tree["on"]
        about = started_by.get("workflow_dispatch") if isinstance(started_by, dict) else None
        return {name: each or {} for name, each in ((about or {}).get("inputs") or {}).items()}

    def ancestors(self, job: str) -> set[str]:
        """All jobs that `job` waits for, and those that they wait for."""
        near = needs_of(self.jobs[job])
        return set(near).union(*(self.ancestors(name) for name in near))


def needs_of(job: dict[str, Any]) -> list[str]:
    """`needs` as a list."""
    needs = job.get("needs") or []
    return [needs] if isinstance(needs, str) else needs


class Library:
    """Workflows by their blob: a file that did not change is parsed once."""

    def __init__(self, git: BareRepository) -> None:
        self._git = git
        self._known: dict[tuple[str, str], Workflow] = {}

    def at(self, commit: str) -> list[Workflow]:
        """The workflows of a commit, by name of file. Raises Faulty."""
        rows = self._git.run("ls-tree", "-z", commit, f"{FOLDER}/").split("\0")
        found = []
        for row in filter(None, rows):
            about, _, path = row.partition("\t")
            if path.endswith((".yml", ".yaml")):
                found.append(self._read(path.rpartition("/")[2], about.split()[2]))
        return found

    def one(self, commit: str, file: str) -> Workflow | None:
        """The workflow of one file, None where the commit has none."""
        return next((each for each in self.at(commit) if each.file == file), None)

    def _read(self, file: str, blob: str) -> Workflow:
        if (file, blob) not in self._known:
            read = engine().workflow(file, self._git.blob(blob).decode())
            self._known[file, blob] = Workflow(file, read["tree"], read["events"])
            refuse_unsupported(self._known[file, blob])
        return self._known[file, blob]


def refuse_unsupported(workflow: Workflow) -> None:
    """Raises Faulty for what GitHub can do and this engine cannot: nothing is passed over."""
    for name, job in workflow.jobs.items():
        bad = {"uses", "container", "services", "concurrency", "snapshot"} & set(job)
        bad |= {f"strategy.{key}" for key in set(job.get("strategy") or ()) & {"max-parallel"}}
        if bad:
            raise Faulty(f"{workflow.file}: {name}: not supported by tests/actions: {sorted(bad)}")
