"""Whether a file that a pull request brings back asks for nothing but what may serve for free.

Reverting a revert brings an old manifest back too, and would start its rollout again. And what
serves by champion.yaml alone has no stages: so that goes back one step, never to what was stopped.
An A/B test may give its challenger less, or end. What people said is taken back by people. Any
other file asks for nothing.
"""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.adapters.git.trees import Tree
from pipeline.champion import load_champion, parse_pointer
from pipeline.errors import ConfigurationError
from pipeline.experiment import parse_experiment
from pipeline.manifest import parse_rollout
from pipeline.rollout_status import Phase, load_status

_SERVING = re.compile(r"rollouts/([^/]+)/(rollout\.yaml|champion\.yaml|commands/.+|experiments/.+)")


def leads_back(root: Path, head: Tree, main: Tree, path: str) -> bool:
    """Whether the file at `path` of `head` asks for no more than serves, or served just before.

    `root` is a checkout of `main`. No where the file cannot be read.
    """
    found = _SERVING.fullmatch(path)
    if found is None:
        return True
    model, name = found.groups()
    text = head.text(path)
    try:
        if name.startswith("experiments/"):
            return _tests_no_more(main.text(path), text, path)
        if name.startswith("commands/"):
            return False
        if name == "rollout.yaml" and text is None:
            return True
        return _asked(name, text or "", path) in _may_serve(root, model)
    except ConfigurationError:
        return False


def _tests_no_more(before: str | None, after: str | None, path: str) -> bool:
    """Whether an A/B test gives its challenger no more than main's does.

    The looks at a test are its answer, which goes with the test or not at all.
    """
    if after is None:
        return True
    if not path.endswith(".yaml"):
        return False
    found = parse_experiment(after, path)
    if found.stopped_at is not None:
        return True
    runs = parse_experiment(before or "", path)
    is_running = runs.stopped_at is None and (runs.model_a, runs.model_b, runs.salt) == (
        found.model_a,
        found.model_b,
        found.salt,
    )
    weights = [one.weights[-1].challenger_basis_points for one in (found, runs)]
    return is_running and weights[0] <= weights[1]


def _may_serve(root: Path, model: str) -> set[str]:
    """The champion, and the one before it unless it was stopped."""
    champion = load_champion(root, model)
    if champion is None:
        return set()
    before, status = champion.previous, load_status(root, model)
    endings = status.endings_of(before) if before else ()
    is_stopped = any(r.phase in (Phase.ROLLED_BACK, Phase.ABORTED) for r in endings)
    return {champion.digest, *([before] if before and not is_stopped else [])}


def _asked(name: str, text: str, path: str) -> str | None:
    """The digest that a manifest or a champion.yaml wants to serve. Raises ConfigurationError."""
    if name == "rollout.yaml":
        return parse_rollout(text, path).challenger.digest
    champion = parse_pointer(text, path)
    return champion.digest if champion else None
