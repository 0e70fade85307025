"""champion.yaml and reference.json, as a promotion writes them and the way back restores them."""

from __future__ import annotations

import json

from pipeline.adapters.git.plumbing import Git
from pipeline.champion import Champion, parse_champion, render_champion
from pipeline.core.evidence import EVIDENCE_REFERENCE
from pipeline.core.inert import printable
from pipeline.core.rollout.effects import WriteChampion
from pipeline.errors import ConfigurationError, OutsideError
from pipeline.jsonio import render_json
from pipeline.manifest import RolloutSpec
from pipeline.rolling.model_state import CHAMPION, SPEC, ModelState
from pipeline.rolling.snapshot import FOLDER, Snapshot

REFERENCE = "reference.json"


def champion_files(state: ModelState, effect: WriteChampion) -> dict[str, bytes | None]:
    """The files of `effect` by their paths in the repository. Raises ConfigurationError."""
    if effect.champion is not None:
        return _as_before(state, effect.champion)
    if effect.challenger is None or state.spec is None:
        raise ConfigurationError(state.model, ["a promotion without a manifest"])
    champion = Champion(
        model=state.model,
        digest=effect.challenger.digest,
        package_md5=effect.challenger.package_md5,
        as_of=effect.challenger.as_of,
        approved_by=_merged_by(state),
        reason=f"rollout {state.spec.version} of retrain {state.spec.retrain}, "
        f"evidence {state.spec.evidence.digest}",
        previous=effect.before.digest if effect.before else None,
    )
    text = render_champion(champion).encode()
    return {_path(state, CHAMPION): text, **_reference(state.snapshot, state.spec)}


def _as_before(state: ModelState, champion: Champion) -> dict[str, bytes | None]:
    """Byte for byte as a commit had them when this champion served; else as they are rendered."""
    for touch in state.tree.history.touches:
        content = state.snapshot.at(touch.commit, _path(state, CHAMPION))
        if content is not None and _names(content, champion):
            reference = _path(state, REFERENCE)
            before = state.snapshot.at(touch.commit, reference)
            return {_path(state, CHAMPION): content, reference: before}
    return {_path(state, CHAMPION): render_champion(champion).encode()}


def _names(content: bytes, champion: Champion) -> bool:
    try:
        return parse_champion(content.decode("utf-8", "replace"), CHAMPION) == champion
    except ConfigurationError:
        return False


def _reference(snapshot: Snapshot, spec: RolloutSpec) -> dict[str, bytes | None]:
    """What monitoring compares with, from the evidence that reviewers saw.

    Without it monitoring says so at its next check; a promotion does not wait for that.
    """
    folder = spec.evidence.folder
    content = snapshot.at(snapshot.commit, f"{folder}/{EVIDENCE_REFERENCE}")
    if content is None:
        return {}
    try:
        value = json.loads(content)
        reference = {**value, "champion": spec.challenger.digest}
    except (ValueError, TypeError) as error:
        raise OutsideError(f"{folder}/{EVIDENCE_REFERENCE}: not a reference ({error}).") from error
    ordered = {"champion": reference.pop("champion"), **reference}
    return {f"{FOLDER}/{spec.model}/{REFERENCE}": render_json(ordered).encode()}


def _merged_by(state: ModelState) -> str:
    """Who brought the manifest to main: the author of the commit that did."""
    merged = state.tree.history.touches
    commits = [touch.commit for touch in merged if touch.blobs.get(SPEC) is not None]
    if not commits:
        return "whoever merged it"
    git: Git = state.snapshot.git
    name = git.run("show", "--no-patch", "--format=%an", commits[0]).stdout
    return printable(name, 100) or "whoever merged it"


def _path(state: ModelState, name: str) -> str:
    return f"{FOLDER}/{state.model}/{name}"
