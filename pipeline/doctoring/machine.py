"""What runs here: Python, git, and the servers that a rollout here would start."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from importlib.util import find_spec

from pipeline.config import load_all
from pipeline.core.inert import quote
from pipeline.doctoring.finding import Finding, fault, ok, skipped, warning
from pipeline.doctoring.situation import Situation
from pipeline.errors import ConfigurationError
from pipeline.rolling.settings import local_provider
from pipeline.rollout_config import load_rollout_plan
from pipeline.serving_config import load_serving

OLDEST_PYTHON = (3, 11)
OLDEST_GIT = (2, 38)  # `git merge-tree --write-tree`, by which a review knows what a merge changes


def check_python(situation: Situation) -> Iterator[Finding]:
    """The oldest that the code runs on, and which of the requirements are installed."""
    version = ".".join(map(str, situation.python))
    if situation.python < OLDEST_PYTHON:
        yield fault("python", f"{version}, too old", "install Python 3.11 or newer")
        return
    kind = "training stack" if find_spec("sklearn") and find_spec("dvc") else "light install"
    yield ok("python", f"{version}, {kind}")


def check_git(situation: Situation) -> Iterator[Finding]:
    """The oldest that has every command that the code runs."""
    said = situation.git("version")
    found = re.search(r"(\d+)\.(\d+)", said)
    if found is None:
        yield fault("git", f"`git version` said {quote(said)}", "install git")
    elif tuple(map(int, found.groups())) < OLDEST_GIT:
        oldest = ".".join(map(str, OLDEST_GIT))
        yield fault("git", f"{found[0]}, too old for a review", f"install git {oldest} or newer")
    else:
        yield ok("git", found[0])


def check_git_identity(situation: Situation) -> Iterator[Finding]:
    """People's commits need a name; the pipeline's own bring theirs."""
    if not situation.git("rev-parse", "--git-dir"):
        yield fault("git", f"{situation.root} is no git repository", "clone it, or `git init`")
        return
    missing = [name for name in ("user.name", "user.email") if not situation.git("config", name)]
    if missing:
        mend = "; ".join(f"git config --global {name} ..." for name in missing)
        yield warning("git identity", f"{' and '.join(missing)} not set", mend)
    else:
        yield ok("git identity", situation.git("config", "user.name"))


def check_remote(situation: Situation) -> Iterator[Finding]:
    """Whether origin answers, and has the whole history here."""
    if not situation.has_remote:
        mend = "gh repo create --source . --push"
        yield warning("git remote", "no remote origin: everything stays on this machine", mend)
        return
    if not situation.git("ls-remote", "--heads", "origin"):
        mend = "check `git remote -v`, the network and your access"
        yield fault("git remote", "origin does not answer, or has no branch", mend)
        return
    if situation.git("rev-parse", "--is-shallow-repository") == "true":
        yield warning(
            "git remote", "a shallow clone: reverts are not seen", "git fetch --unshallow"
        )
        return
    yield ok("git remote", "origin answers")


def check_servers(situation: Situation) -> Iterator[Finding]:
    """The traffic layer that this machine would have to run."""
    serving, plan = load_all(situation.root, load_serving, load_rollout_plan)
    of_model = serving.of(situation.model)
    if of_model.traffic.reach != "local":
        yield skipped("traffic layer", "it is not on this machine: reach is git")
        return
    provider = local_provider(plan.traffic_provider, of_model, situation.root)
    try:
        (program, *_) = provider.command()
    except ConfigurationError as error:
        mend = "install requirements/serve.txt, or set traffic.reach in configs/serving.yaml"
        yield warning("traffic layer", error.faults[0], mend)
        return
    place = shutil.which(program) or program
    yield ok("traffic layer", f"{plan.traffic_provider} at {place}")
