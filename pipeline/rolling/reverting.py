"""The revert of the merge that brought a challenger: what one click on a rollback makes.

Git's own revert of the whole merge where that is no conflict, so that what DVC keeps goes back with
it; else of the manifest alone, which is all that a rollout needs, and which never conflicts. So too
where the merge changed a workflow: GitHub takes an old one from no token that the jobs have.

Where no revert of a merge brings the champion of before back, the promotion is reverted with it:
while what bakes has a newer merge waiting behind it, where the rollout of what serves is over, and
where a person names what serves as what must not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.adapters.git.plumbing import Git
from pipeline.adapters.git.trees import changed_blobs
from pipeline.core.inert import printable
from pipeline.core.rollout.effects import SetWeights
from pipeline.core.rollout.observation import Stop
from pipeline.core.rollout.state import current_rollout
from pipeline.errors import ConfigurationError
from pipeline.manifest import version_of
from pipeline.rolling.champion_files import REFERENCE
from pipeline.rolling.effects import Hands
from pipeline.rolling.history import Touch
from pipeline.rolling.latch import Decided
from pipeline.rolling.model_state import CHAMPION, SPEC, STATUS, ModelState, load_model
from pipeline.rolling.snapshot import FOLDER, ModelTree, Snapshot
from pipeline.rollout_status import Kind
from pipeline.strict_yaml import parse_yaml

MAX_REASON = 1_000
WORKFLOWS = ".github/workflows/"
_ABSENT = ""  # in place of a version, where there is no manifest
_QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "commit.gpgsign=false")


@dataclass(frozen=True)
class Revert:
    """A commit to make: `blobs` by path, None for a file that goes.

    `of` are the commits that it reverts; `version` is the one that must not serve afterwards, where
    it can be told.
    """

    of: tuple[str, ...]
    version: str | None
    blobs: dict[str, str | None]
    is_whole: bool
    message: str


def plan_revert(
    snapshot: Snapshot, tree: ModelTree, reason: str, by: str, unwanted: str = ""
) -> Revert | None:
    """The revert of the newest merge of a challenger; None where it is reverted already.

    `unwanted` is a version that must not serve, whatever was merged after it: None where it neither
    serves nor came with the newest merge.
    """
    merged = merge_to_revert(snapshot, tree)
    if unwanted:
        promotion = promotion_of_version(snapshot, tree, unwanted)
    else:
        promotion = promotion_to_revert(snapshot, tree)
    version = _version_in(_manifest_of(snapshot, merged)) if merged is not None else None
    if unwanted and promotion is None and version != unwanted:
        return None
    blobs: dict[str, str | None] = {}
    whole = None
    if merged is not None:
        path = f"{FOLDER}/{tree.name}/{SPEC}"
        whole = _reverted_whole(snapshot, merged)
        blobs = whole if whole is not None else {path: _blob_before(snapshot, merged, path)}
    if promotion is not None:
        blobs = {**blobs, **promotion.blobs}
        version = promotion.version
    commits = tuple(found.commit for found in (merged, promotion) if found is not None)
    if not commits:
        return None
    is_whole = merged is None or whole is not None
    return Revert(commits, version, blobs, is_whole, _message(tree.name, commits, reason, by))


@dataclass(frozen=True)
class Promotion:
    """The commit that made `version` champion; `blobs` undo it, by path."""

    commit: str
    version: str
    blobs: dict[str, str | None]


def promotion_to_revert(snapshot: Snapshot, tree: ModelTree) -> Promotion | None:
    """The promotion of what serves, where taking its merge away would leave it serving."""
    state = _loaded(snapshot, tree)
    rollout = current_rollout(state.status) if state is not None else None
    if state is None or rollout is None:
        return None
    if not (rollout.state.phase.is_ended or state.waiting is not None):
        return None
    serves = state.champion.digest if state.champion else ""
    return promotion_of(state) if serves == rollout.state.challenger else None


def promotion_of_version(snapshot: Snapshot, tree: ModelTree, version: str) -> Promotion | None:
    """The promotion of `version` where that one serves by git, however long ago it was."""
    state = _loaded(snapshot, tree)
    champion = state.champion if state is not None else None
    if state is None or champion is None or version_of(champion.digest, champion.as_of) != version:
        return None
    return promotion_of(state)


def _loaded(snapshot: Snapshot, tree: ModelTree) -> ModelState | None:
    """None where the files are refused: the manifest alone can be reverted then."""
    try:
        return load_model(snapshot, tree)
    except ConfigurationError:
        return None


def promotion_of(state: ModelState) -> Promotion | None:
    """The newest promotion of the model in champion.yaml; None where a person put it there."""
    serves = state.champion.digest if state.champion else ""
    mine = [r for r in state.status.records if r.kind is Kind.PROMOTED and r.challenger == serves]
    touch = state.tree.history.added(f"{STATUS}{mine[-1].name}") if mine else None
    if touch is None:
        return None
    names = [name for name in touch.blobs if name in (CHAMPION, REFERENCE)]
    paths = [f"{FOLDER}/{state.model}/{name}" for name in (*names, f"{STATUS}{mine[-1].name}")]
    before = {path: _blob_before(state.snapshot, touch, path) for path in paths}
    return Promotion(touch.commit, mine[-1].version, before)


def merge_to_revert(snapshot: Snapshot, tree: ModelTree) -> Touch | None:
    """The commit that brought the challenger whose manifest is there.

    It is the version that counts: a manifest whose comments or plan were edited since, or that is
    broken now, came with the merge all the same. None where there is no manifest, or where going
    back to an earlier one brought it: then the newest merge was reverted already, and one more
    revert would undo an older one.
    """
    touches = [touch for touch in reversed(tree.history.touches) if SPEC in touch.blobs]
    texts = snapshot.read(blob for touch in touches if (blob := touch.blobs[SPEC]) is not None)
    levels = [_ABSENT]
    brought: Touch | None = None
    for touch in touches:
        blob = touch.blobs[SPEC]
        version = _ABSENT if blob is None else _version_in(texts[blob])
        if version is None or version == levels[-1]:
            continue
        if version in levels:
            del levels[levels.index(version) + 1 :]
            brought = None
        else:
            levels.append(version)
            brought = touch
    return brought


def _manifest_of(snapshot: Snapshot, merged: Touch) -> bytes | None:
    blob = merged.blobs[SPEC] or ""
    return snapshot.read([blob])[blob]


def _version_in(content: bytes | None) -> str | None:
    """The version that a manifest names, valid otherwise or not; None where it cannot be told."""
    try:
        values = parse_yaml((content or b"").decode("utf-8", "replace"), SPEC)
    except ConfigurationError:
        return None
    version = values.get("version") if isinstance(values, dict) else None
    return version if isinstance(version, str) and version else None


def latching(hands: Hands, state: ModelState, reason: str, at: datetime) -> Hands:
    """`hands` that latch who is stopped, or the newest challenger, where they take its traffic.

    For a revert that the server does not have yet: a watchdog that follows the server would give
    the traffic back, and so it reports the stop instead, once the server answers.
    """
    rollout = current_rollout(state.status)
    if rollout is None:
        return hands
    why = printable(reason, MAX_REASON) or "no reason given"
    newest = Stop(rollout.state.version, rollout.state.attempt, "", at)

    def set_weights(effect: SetWeights, decided: Decided) -> None:
        is_away = not effect.routing.reaches_challenger
        stop = replace(effect.stop or newest, reason=f"rolled back here: {why}", at=at)
        hands.set_weights(replace(effect, stop=stop) if is_away else effect, decided)

    return replace(hands, set_weights=set_weights)


def _reverted_whole(snapshot: Snapshot, merged: Touch) -> dict[str, str | None] | None:
    """What `git revert` of a commit changes on top of the snapshot.

    None where it is a conflict, or would change a workflow.
    """
    with _scratch(snapshot) as git:
        parents = git.run("rev-list", "--parents", "-n", "1", merged.commit).stdout.split()[1:]
        if not parents:
            return None
        main = parents.index(merged.before) + 1
        mainline = (f"--mainline={main}",) if len(parents) > 1 else ()
        revert = (*_QUIET, "revert", "--no-commit", *mainline, merged.commit)
        if git.run(*revert, may_fail=True).exit_code != 0:
            return None
        tree = git.run("write-tree").stdout.strip()
        found = changed_blobs(git, snapshot.commit, tree)
        if any(path.startswith(WORKFLOWS) for path in found):
            return None
        for blob in filter(None, found.values()):
            content = git.run("cat-file", "blob", blob).stdout
            snapshot.git.write_blob(content.encode("utf-8", "surrogateescape"))
        return found or None


@contextmanager
def _scratch(snapshot: Snapshot) -> Iterator[Git]:
    """A throwaway clone with the snapshot checked out: the checkout is not touched."""
    with TemporaryDirectory(prefix="perennial-revert-") as folder:
        place = Path(folder) / "it"
        root = snapshot.git.root.resolve()
        clone = ("clone", "--quiet", "--shared", "--no-checkout", str(root), str(place))
        snapshot.git.run(*clone)
        git = Git(place, snapshot.git.where)
        git.run(*_QUIET, "checkout", "--quiet", "--detach", snapshot.commit)
        yield git


def _blob_before(snapshot: Snapshot, touch: Touch, path: str) -> str | None:
    if not touch.before:
        return None
    asked = ("rev-parse", "--verify", "--quiet", f"{touch.before}:{path}")
    return snapshot.git.run(*asked, may_fail=True).stdout.strip() or None


def _message(model: str, commits: tuple[str, ...], reason: str, by: str) -> str:
    why = printable(reason, MAX_REASON) or "no reason given"
    reverts = "\n".join(f"This reverts commit {commit}." for commit in commits)
    return (
        f"{model}: roll back\n\n{reverts}\n\n{why}\n\nSaid by {printable(by, 100) or 'somebody'}.\n"
    )
