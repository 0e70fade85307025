"""Rollouts of models that nobody trained: a challenger is a digest, and its retrain a few files.

Real: the workflow files, all that they run, git over HTTP, Envoy and the answers that its users
get. Simulated: the model servers, which only say who they are; what they count; the registry's
alias; and the retrain itself, which is merged with the judge away.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.adapters.traffic import Backend, Weights
from pipeline.adapters.traffic.envoy import Envoy
from pipeline.champion import Champion, champion_path, render_champion
from pipeline.core.proposal.identity import branch_of
from pipeline.manifest import ModelIdentity, RolloutSpec, render_rollout, version_of
from pipeline.rollout_config import load_rollout_plan
from tests.repository import commit, copy_repository, git
from tests.rolling.rolled import Health, Registry
from tests.rollouts import champion_of, spec_of
from tests.servers.github_standin import ACTIONS_BOT, APP_BOT
from tests.servers.proxy import serving
from tests.stories.base import Base
from tests.stories.production import Production
from tests.stories.world import MODEL, World, a_world

EVIDENCE = f"evidence/protocol-24-retraining/{MODEL}"
ON = {"PERENNIAL_ROLLOUT": "on", "PERENNIAL_MONITOR": "on"}


@dataclass
class Digests(Production):
    """A traffic layer whose servers answer with the digest that they serve."""

    health: Health = field(default_factory=Health)
    registry: Registry = field(default_factory=Registry)
    flight = b"{}"  # what users ask about: these servers do not look at it

    def start(self, model: ModelIdentity | Champion) -> str:
        version = version_of(model.digest, model.as_of)
        self.servers[version] = Backend(version, "127.0.0.1", self.health.start(model.digest))
        self.registry.digests.append(model.digest)
        lines = (f"{name}: {each.host}:{each.port}\n" for name, each in self.servers.items())
        (self.world.production / "addresses.yaml").write_text("".join(lines))
        return version

    @property
    def spec(self) -> RolloutSpec:
        """The manifest of an untrained challenger, with the plan of main."""
        spec = spec_of("c", "a")
        evidence = spec.evidence.model_copy(update={"path": f"{EVIDENCE}/{spec.version}"})
        plan = load_rollout_plan(self.world.folder / "checkout")
        return spec.model_copy(update={"plan": plan, "evidence": evidence})

    def tip(self) -> str:
        """The newest commit of main."""
        return self.world.github.world.git.refs()["refs/heads/main"]

    def close(self) -> None:
        for digest in list(self.health.servers):
            self.health.stop(digest)
        self.registry.server.shutdown()
        self.registry.server.server_close()


@contextmanager
def digests(world: World) -> Iterator[Digests]:
    """The champion of main serves everybody, for as long as the block lasts."""
    with ExitStack() as stack:
        world.production.mkdir()
        place = Digests(world, Envoy(world.production / "traffic", *world.ports), stack)
        stack.callback(place.close)
        champion = place.start(world.champion())
        stack.enter_context(serving(place.envoy, Weights(place.servers[champion])))
        yield place


@contextmanager
def untrained(folder: Path, *, has_app: bool) -> Iterator[Digests]:
    """A challenger that nobody trained is up, and nothing of it is on main yet."""
    base = _base(folder / "base")
    with (
        a_world(base, folder, has_app=has_app, variables=ON) as world,
        digests(world) as place,
    ):
        world.actions.settings.add_secrets({"MLFLOW_TRACKING_URI": place.registry.url})
        place.start(place.spec.challenger)
        yield place


def merge_retrain(place: Digests) -> str:
    """The bot opens the pull request of a retrain, both roles approve, linus merges it.

    The judge would refuse what nobody trained, so it is away meanwhile: its word is put there.
    Returns the merge commit.
    """
    world = place.world
    bot = APP_BOT if world.has_app else ACTIONS_BOT
    states = world.github.world.settings.workflow_states
    states["review.yml"] = "disabled_manually"
    files = {
        f"rollouts/{MODEL}/rollout.yaml": render_rollout(place.spec),
        f"{place.spec.evidence.path}/artifacts/reference.json": '{"metrics": {}}\n',
    }
    branch = branch_of(place.spec.retrain)
    head = push(world, bot, branch, files)
    open_pull(world, bot, branch, f"Retrain {MODEL}")
    passed = {"state": "success", "context": "perennial/verify"}
    world.github.act(ACTIONS_BOT, "POST", f"/statuses/{head}", passed)
    for login in ("ada", "linus"):
        world.github.approve(1, login)
    world.settle()
    del states["review.yml"]
    return str(world.github.merge(1, "linus")["sha"])


def push(world: World, login: str, branch: str, files: dict[str, str]) -> str:
    """Somebody commits `files` on top of main and pushes them as `branch`; returns the commit."""
    clone = clone_of(world, login)
    for name, text in files.items():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text(text)
    commit(clone, f"Propose {branch}")
    git(clone, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
    return git(clone, "rev-parse", "HEAD").strip()


def clone_of(world: World, login: str) -> Path:
    """A fresh clone of main over HTTP, with somebody's token."""
    token, address = world.github.token_for(login), world.github.url.removeprefix("http://")
    clone = world.folder / f"clone-{len(list(world.folder.iterdir()))}"
    url = f"http://x:{token}@{address}/{world.github.world.full_name}.git"
    git(world.folder, "clone", "--quiet", url, clone.name)
    return clone


def open_pull(world: World, login: str, branch: str, title: str) -> int:
    """Somebody opens a pull request of a branch that was pushed; returns its number."""
    body = {"title": title, "head": branch, "base": "main"}
    return int(world.github.act(login, "POST", "/pulls", body)["number"])


def _base(folder: Path) -> Base:
    """This repository with the pointer of a champion that nobody trained, and an empty registry."""
    folder.mkdir(parents=True)
    base = Base(folder)
    root = copy_repository(base.repository)
    path = champion_path(root, MODEL)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_champion(champion_of("a")))
    (path.parent / "reference.json").write_text('{"champion": "that of a"}\n')
    commit(root, "The first champion")
    base.registry.touch()
    return base
