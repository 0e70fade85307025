"""`git revert` of any commit of a whole rollout, in a real repository: never a conflict."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import Phase as Phases
from hypothesis import strategies as st

from pipeline.champion import Champion, champion_path, load_champion, render_champion
from pipeline.core.rollout.effects import Commit, MoveAlias, SetWeights, WriteChampion, WriteRecord
from pipeline.core.rollout.observation import Health, Observation, Routing
from pipeline.core.rollout.reconcile import reconcile
from pipeline.manifest import load_rollout, render_rollout, rollout_path
from pipeline.rollout_commands import Command, Verb, parse_command, render_command
from pipeline.rollout_status import (
    Phase,
    RolloutStatus,
    load_status,
    parse_record,
    render_record,
    status_path,
)
from tests.repository import git
from tests.rollouts import (
    BAD,
    GOOD,
    HOUR,
    MINUTE,
    MODEL,
    START,
    champion_of,
    commands_path,
    samples,
    spec_of,
)

OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'c' * 64}"
TWO_STAGES = [
    {"traffic_percentage": w, "duration": "1h", "success_criteria": {"error_rate_max": 0.02}}
    for w in (5, 100)
]


class Repository:
    """A repository, and the traffic and registry that its reconciler moves."""

    def __init__(self, root: Path) -> None:
        self.root, self.now = root, START
        self.routing, self.alias, self.stop = Routing(OLD), OLD, None

    def commit(self, message: str) -> str:
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "-m", message)
        return self.head

    @property
    def head(self) -> str:
        return git(self.root, "rev-parse", "HEAD").strip()

    @property
    def status(self) -> RolloutStatus:
        """The records that are there, and those that some commit added."""
        added = git(
            self.root, "log", "--diff-filter=A", "--format=@%H", "--name-only", "--",
            str(status_path(Path(), MODEL)),
        )  # fmt: skip
        found, sha = {}, ""
        for line in added.splitlines():
            if line.startswith("@"):
                sha = line[1:]
            elif line:
                found.setdefault(line, sha)
        gone = [
            parse_record(git(self.root, "show", f"{sha}:{path}"), path)
            for path, sha in found.items()
            if not (self.root / path).exists()
        ]
        return load_status(self.root, MODEL, tuple(gone))

    @property
    def commands(self) -> frozenset[Command]:
        paths = commands_path(self.root, MODEL).glob("*")
        return frozenset(parse_command(path.read_text(), path.name) for path in paths)

    @property
    def champion(self) -> Champion:
        return load_champion(self.root, MODEL)

    def tick(self, wait: timedelta = MINUTE, challenger=GOOD):
        self.now += wait
        spec = load_rollout(self.root, MODEL)
        observation = Observation(
            champion=self.champion.digest,
            routing=self.routing,
            samples=samples(spec, self.now, challenger) if spec else (),
            champion_health=Health(True),
            challenger_health=Health(True),
            alias=self.alias,
            stop=self.stop,
            commands=self.commands,
        )
        step = reconcile(spec, self.status, observation, self.now)
        for effect in step.effects:
            self._apply(effect)
        return step

    def _apply(self, effect) -> None:
        match effect:
            case SetWeights(routing, stop):
                self.routing, self.stop = routing, stop
            case MoveAlias(digest):
                self.alias = digest
            case WriteChampion():
                self._write_champion(effect)
            case WriteRecord(record):
                path = status_path(self.root, MODEL) / record.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(render_record(record), encoding="utf-8")
            case Commit(message):
                self.commit(message)

    def _write_champion(self, effect: WriteChampion) -> None:
        champion = effect.champion or Champion(
            model=MODEL,
            digest=effect.challenger.digest,
            package_md5=effect.challenger.package_md5,
            as_of=effect.challenger.as_of,
            approved_by="the rollout",
            reason="passed every stage",
            previous=effect.before.digest,
        )
        champion_path(self.root, MODEL).write_text(render_champion(champion), encoding="utf-8")

    def agrees(self) -> bool:
        """Routing, alias and pointer name one champion, which has all that no challenger has."""
        champion = self.champion.digest
        return self.routing.champion == champion == self.alias


def revert(repository: Repository, sha: str) -> None:
    """`git revert`, which fails on a conflict; one that changes nothing is fine as well."""
    git(repository.root, "revert", "--no-commit", sha)
    git(repository.root, "commit", "-q", "--allow-empty", "-m", f"Revert {sha[:8]}")


def begin(root: Path) -> Repository:
    git(root, "init", "-q", "-b", "main", "--template=")
    git(root, "config", "user.name", "Ada")
    git(root, "config", "user.email", "ada@example.org")
    path = champion_path(root, MODEL)
    path.parent.mkdir(parents=True)
    path.write_text(render_champion(champion_of("a")), encoding="utf-8")
    repository = Repository(root)
    repository.commit("the first champion")
    rollout_path(root, MODEL).write_text(render_rollout(spec_of(canary_stages=TWO_STAGES)))
    repository.commit("merge of the retrain")
    return repository


def whole_rollout(root: Path) -> list[tuple[str, Repository]]:
    """The repository after each commit of a rollout, a pause in the middle of it and all."""
    repository, history = begin(root / "0"), []

    def keep() -> None:
        copy = root / str(len(history) + 1)
        shutil.copytree(repository.root, copy)
        snapshot = Repository(copy)
        snapshot.__dict__.update({**vars(repository), "root": copy})
        history.append((repository.head, snapshot))

    keep()
    pause = Command(Verb.PAUSE, spec_of().version)
    path = commands_path(repository.root, MODEL) / pause.name
    for number in range(14):
        if number == 2:
            path.parent.mkdir(parents=True)
            path.write_text(render_command(pause))
            repository.commit("pause")
            keep()
        if number == 4:
            path.unlink()
            repository.commit("go on")
            keep()
        if repository.tick(20 * MINUTE).record is not None:
            keep()
    assert repository.status.records[-1].phase is Phase.PROMOTED
    return history


def copied(snapshot: Repository, to: Path) -> Repository:
    shutil.copytree(snapshot.root, to)
    repository = Repository(to)
    repository.__dict__.update({**vars(snapshot), "root": to})
    return repository


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Repository]]:
    root = tmp_path_factory.mktemp("rollout")
    (root / "0").mkdir()
    return whole_rollout(root)


def test_the_history_is_one_that_a_person_can_read(history) -> None:
    subjects = git(history[-1][1].root, "log", "--format=%s").splitlines()[::-1]
    version = spec_of().version
    assert subjects == [
        "the first champion",
        "merge of the retrain",
        f"flight-delay: 5 % to {version}, stage 1 of 2",
        "pause",
        f"flight-delay: pause {version} at 5 %",
        "go on",
        f"flight-delay: go on with {version} at 5 %",
        f"flight-delay: 100 % to {version}, stage 2 of 2",
        f"flight-delay: {version} is the champion",
        f"flight-delay: {version} has settled in",
    ]


def test_any_commit_can_be_reverted_at_any_later_moment(history, tmp_path: Path) -> None:
    """Never a conflict; and after one reconcile routing, alias and pointer agree."""
    for later, (_, snapshot) in enumerate(history):
        for earlier, (sha, _) in enumerate(history[: later + 1]):
            repository = copied(snapshot, tmp_path / f"{later}-{earlier}")
            revert(repository, sha)
            step = repository.tick()
            assert repository.agrees(), (later, earlier, str(step))
            before = repository.routing
            repository.tick()
            assert repository.routing == before


def test_the_revert_of_the_promotion_is_undone_everywhere(history, tmp_path: Path) -> None:
    promotion = next(i for i, (_, s) in enumerate(history) if s.champion.digest == NEW)
    repository = copied(history[-1][1], tmp_path / "x")
    revert(repository, history[promotion][0])
    repository.tick()
    assert repository.champion == champion_of("a")
    assert (repository.alias, repository.routing.champion) == (OLD, OLD)


def test_a_rollback_after_the_promotion_restores_the_pointer_byte_for_byte(
    history, tmp_path: Path
) -> None:
    promoted = next(s for _, s in history if s.champion.digest == NEW)
    repository = copied(promoted, tmp_path / "x")
    repository.tick(challenger=BAD)
    found = champion_path(repository.root, MODEL).read_bytes()
    assert found == render_champion(champion_of("a")).encode()
    revert(repository, "HEAD")
    assert repository.champion.digest == NEW
    repository.tick()
    assert repository.agrees()
    assert champion_path(repository.root, MODEL).read_bytes() == found


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phases.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_reverts_in_any_order_never_conflict(history, tmp_path_factory, data) -> None:
    """Each commit once, the reverts among them. What is reverted already is not there to revert
    again: git may then take a newer record for the old one renamed, and call that a conflict.
    """
    snapshot = data.draw(st.sampled_from(history))[1]
    repository = copied(snapshot, tmp_path_factory.mktemp("any") / "x")
    first, done = history[0][0], set()
    for _ in range(6):
        shas = git(repository.root, "rev-list", f"{first}^..HEAD").split()
        left = [sha for sha in shas if sha not in done]
        done.add(sha := data.draw(st.sampled_from(left)))
        revert(repository, sha)
        repository.tick(data.draw(st.sampled_from([MINUTE, HOUR])))
        assert repository.agrees()
