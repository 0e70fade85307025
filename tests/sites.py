"""A repository with a life: champions, retrains, rollouts, rollbacks, each committed in its time.

Everything that the reconciler and the ledger write is written by themselves; only what was seen of
production (samples, health) is made up.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.champion import champion_path, load_champion, render_champion
from pipeline.core.evidence import Subject, build_evidence, package_digest
from pipeline.core.rollout.observation import Health, Observation, Routing
from pipeline.core.rollout.reconcile import reconcile
from pipeline.core.triggers.ledger import Event, Ledger, RetrainState, record
from pipeline.core.triggers.retrains import claim_run, mark_dispatched, plan_retrain, settle
from pipeline.manifest import EvidenceRef, RolloutSpec, render_rollout, rollout_path
from pipeline.monitoring.ledger_store import LedgerStore
from pipeline.rolling.effects import Hands, apply_step
from pipeline.rolling.model_state import ModelState, load_model
from pipeline.rolling.repository import RolloutRepository
from pipeline.rollout_commands import Command, render_command
from pipeline.rollout_status import Kind, Record
from pipeline.trigger_config import Pacing
from tests.repository import git
from tests.rollouts import BAD, GOOD, MODEL, champion_of, commands_path, identity, plan, samples

BEGAN = datetime(2013, 3, 4, 9, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DATA = f"sha256:{'da' * 32}"
HOLDOUT = f"sha256:{'40' * 32}"
CONFIGS = {
    "configs/usecase.yaml": (
        f"model: {MODEL}\nquestion: Late?\npositive: late\nnegative: on time\n"
        "decision_threshold: 0.5\n"
    ),
    "configs/triggers.yaml": (
        "retraining_triggers:\n"
        "  scheduled_retrain: {frequency: monthly, day_of_month: 2, time: '02:00', timezone: UTC}\n"
        "pacing: {cooldown: 1h, max_per_month: 3}\n"
    ),
}
GATES = "comparison:\n  primary_metric: f1_weighted\n"


class Site:
    """The repository at `root`; `now` is its clock, for commits as for records."""

    def __init__(self, root: Path, began: datetime = BEGAN) -> None:
        self.root, self.now, self.began = root, began, began
        self.repository = RolloutRepository(root, None)
        self.ledger = LedgerStore(root, is_local=True)
        self.routing = Routing(f"sha256:{'a' * 64}")
        self.alias = self.routing.champion
        self.latch = None
        git(root, "init", "--quiet", "--initial-branch=main")

    @contextmanager
    def clock(self) -> Iterator[None]:
        """Git's time is this one; so is that of what runs in this process."""
        names = ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE")
        before = {name: os.environ.get(name) for name in names}
        os.environ.update(dict.fromkeys(names, f"{self.now:%Y-%m-%dT%H:%M:%SZ}"))
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.update({name: value})

    # ------------------------------------------------------------ what people do

    def git(self, *arguments: str) -> str:
        with self.clock():
            return git(self.root, "-c", "user.name=Ada", *arguments)

    def commit(self, subject: str, files: dict[str, str | None]) -> str:
        """A person's commit; None takes a file away."""
        for path, text in files.items():
            place = self.root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink() if text is None else place.write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", f"--message={subject}")
        return self.git("rev-parse", "HEAD").strip()

    def begin(self) -> None:
        """The first champion, by hand."""
        path = champion_path(Path(), MODEL).as_posix()
        text = render_champion(champion_of("a").model_copy(update={"as_of": BEGAN - 9 * DAY}))
        self.commit("The first champion", {**CONFIGS, path: text})

    def spec(self, letter: str, retrain: str, improvement: float | None = 0.02) -> RolloutSpec:
        """What would be merged, with its evidence written into the checkout."""
        champion, model = load_champion(self.root, MODEL), identity(letter, self.now - 2 * DAY)
        folder = f"evidence/protocol-24-retraining/{MODEL}/{model.version}"
        package = evidence_of(model.digest, model.version, champion.digest, improvement)
        for path, raw in package.items():
            place = self.root / folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(raw)
        return RolloutSpec(
            model=MODEL,
            version=model.version,
            retrain=retrain,
            challenger=model,
            champion=champion,
            evidence=EvidenceRef(path=folder, digest=package_digest(package)),
            plan=plan(),
        )

    def merge(self, spec: RolloutSpec, pull: int, reviewers: tuple[str, ...] = ()) -> str:
        """The pull request of a retrain is merged, as GitHub does it."""
        self.git("checkout", "--quiet", "-b", f"proposal-{pull}")
        registration = {
            "schema": 1,
            "version": pull,
            "run_id": f"run-{pull}",
            "digest": spec.challenger.digest,
        }
        self.commit(
            f"Propose {spec.version}",
            {
                rollout_path(Path(), MODEL).as_posix(): render_rollout(spec),
                "dvc.lock": f"schema: '2.0' # {spec.version}\n",
                "artifacts/register/registration.json": json.dumps(registration),
            },
        )
        self.git("checkout", "--quiet", "main")
        trailers = "".join(f"Reviewed-by: {who}\n" for who in reviewers)
        message = f"Merge pull request #{pull} from perennial/retrain\n\n{trailers}"
        self.git("merge", "--quiet", "--no-ff", f"--message={message}", f"proposal-{pull}")
        return self.git("rev-parse", "HEAD").strip()

    def revert(self, sha: str) -> str:
        parents = self.git("rev-list", "--parents", "-n", "1", sha).split()
        mainline = ["--mainline=1"] if len(parents) > 2 else []
        self.git("revert", "--no-edit", *mainline, sha)
        return self.git("rev-parse", "HEAD").strip()

    def tell(self, command: Command) -> str:
        path = commands_path(Path(), MODEL) / command.name
        return self.commit(f"Say {command.verb}", {path.as_posix(): render_command(command)})

    # ------------------------------------------------------------ what the machine does

    def state(self) -> ModelState:
        snapshot = self.repository.snapshot()
        return load_model(snapshot, snapshot.models[MODEL])

    def reconcile(self, challenger=GOOD, *, seen_ago=timedelta(0), **health: bool) -> Record | None:
        """One look, applied; `seen_ago` is how old the figures are."""
        state = self.state()
        observation = Observation(
            champion=state.champion.digest,
            routing=self.routing,
            samples=samples(state.spec, self.now - seen_ago, challenger) if state.spec else (),
            champion_health=Health(health.get("champion", True)),
            challenger_health=Health(True),
            alias=self.alias,
            stop=self.latch,
            commands=state.commands,
        )
        step = reconcile(state.spec, state.status, observation, self.now)
        with self.clock():
            apply_step(state, step, self._hands(), lambda _: None)
        return step.record

    def _hands(self) -> Hands:
        def set_weights(effect, _attempt) -> None:
            self.routing, self.latch = effect.routing, effect.stop

        def move_alias(digest: str) -> None:
            self.alias = digest

        def commit(state, files, message) -> bool:
            return self.repository.commit(state.snapshot, MODEL, files, message)

        return Hands(set_weights, move_alias, lambda _: None, commit)

    def roll(self, until: Kind, every: timedelta = HOUR, **found) -> Record:
        """Looks as time goes by, until a record of that kind."""
        for _ in range(60):
            written = self.reconcile(**found)
            if written is not None and written.kind is until:
                return written
            self.now += every
        raise AssertionError(f"never {until}")

    def retrain(self, trigger: str, reason: str, priority: str = "high") -> str:
        """An event, and the retrain that answers it and trains now. Returns its id."""
        champion = load_champion(self.root, MODEL).digest
        window = f"{self.now:%Y-%m-%dT%H:%M:%SZ}"
        event = Event(MODEL, champion, trigger, window, priority, reason, self.now)

        def step(before: Ledger) -> tuple[Ledger, str]:
            found = plan_retrain(
                record(before, [event]),
                Pacing(cooldown=HOUR),
                model=MODEL,
                champion=champion,
                at=self.now,
            )
            name = found.dispatch.id
            after = mark_dispatched(found.ledger, name, self.now)
            return claim_run(after, name, "1", self.now)[0], name

        with self.clock():
            return self.ledger.update(step, f"{trigger} fired")

    def settle(self, retrain: str, state: RetrainState, note: str = "") -> None:
        def step(before: Ledger) -> tuple[Ledger, None]:
            return settle(before, retrain, state, self.now, note=note), None

        with self.clock():
            self.ledger.update(step, f"{retrain} {state}")


def evidence_of(
    digest: str, version: str, champion: str, improvement: float | None
) -> dict[str, bytes]:
    """A real evidence package of few files."""
    row = {"metric": "f1_weighted", "champion": 0.7, "challenger": 0.72}
    if improvement is not None:
        interval = {"low": improvement - 0.006, "high": improvement + 0.007, "confidence": 0.95}
        row |= {"improvement": improvement, "improvement_interval": interval}
    subject = Subject(
        model=MODEL,
        version=version,
        digest=digest,
        champion=champion,
        commit="c0de" * 10,
        changed=(),
        data_digest=DATA,
        holdout_digest=HOLDOUT,
    )
    files = {
        "artifacts/comparison.json": json.dumps({"metrics": [row]}).encode(),
        "configs/gates.yaml": GATES.encode(),
    }
    return build_evidence(subject, files, {})


def lived(root: Path) -> Site:
    """Four months: challengers promoted, rolled back, reverted by a person, and at 50 %."""
    site = Site(root)
    site.begin()
    site.now += 6 * DAY
    lost = site.retrain("scheduled_retrain", "The calendar asks on the 2nd of each month.", "low")
    site.now += 3 * HOUR
    site.settle(lost, RetrainState.LOST, "f1_weighted improves by 0.0021, which is not enough.")

    site.now = datetime(2013, 4, 11, 6, tzinfo=UTC)
    _merged(
        site,
        "b",
        7,
        "data_drift",
        reason="dep_delay: PSI 0.31, the limit is 0.2",
        improvement=0.041,
    )
    site.roll(Kind.SETTLED)

    site.now = datetime(2013, 5, 7, 5, tzinfo=UTC)
    _merged(
        site,
        "c",
        9,
        "performance_degradation",
        reason="accuracy fell from 0.82 to 0.77",
        improvement=0.018,
    )
    site.reconcile()
    site.now += 70 * MINUTE
    site.reconcile()
    site.now += 9 * MINUTE
    site.reconcile(BAD, seen_ago=100 * timedelta(seconds=1))

    site.now = datetime(2013, 6, 3, 4, tzinfo=UTC)
    merge = _merged(
        site, "d", 12, "scheduled_retrain", reason="The calendar asks again.", improvement=0.012
    )
    site.roll(Kind.SETTLED)
    site.now += 2 * DAY
    site.revert(merge)
    site.now += timedelta(seconds=48)
    site.reconcile()

    site.now = datetime(2013, 7, 1, 8, tzinfo=UTC)
    _merged(
        site,
        "e",
        15,
        "concept_drift",
        reason="The error rate rose from 0.18 to 0.24.",
        improvement=0.027,
    )
    site.roll(Kind.STAGE)
    site.now += 70 * MINUTE
    site.roll(Kind.STAGE)
    site.now += 25 * MINUTE
    return site


def _merged(
    site: Site, letter: str, pull: int, trigger: str, *, reason: str, improvement: float
) -> str:
    retrain = site.retrain(trigger, reason)
    site.now += 5 * HOUR
    merge = site.merge(site.spec(letter, retrain, improvement), pull, ("maria", "ben"))
    site.settle(retrain, RetrainState.WON, f"Merged as pull request {pull}.")
    site.now += 2 * MINUTE
    return merge
