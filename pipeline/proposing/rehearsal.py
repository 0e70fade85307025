"""A rollback gone through before it is needed: the proposal merged and reverted, in a clone.

Reverting the merge is how a rollout is undone, so what must hold is that what serves is then the
same again, byte for byte; also where a stage has been committed in between; and that the champion
that would serve again can still be had.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.adapters.package_files import find_package, read_manifest
from pipeline.adapters.store import tracked_md5
from pipeline.champion import Champion, champion_path, load_champion, parse_champion
from pipeline.config import load_params, load_usecase
from pipeline.core.rollout.rehearsal import rehearse_controller
from pipeline.domain import Verdict, worst
from pipeline.errors import ConfigurationError, OutsideError
from pipeline.manifest import (
    EvidenceRef,
    ModelIdentity,
    RolloutSpec,
    load_rollout,
    parse_rollout,
    render_rollout,
    rollout_path,
    version_of,
)
from pipeline.paths import PACKAGE
from pipeline.proposing.quality_facts import EVIDENCE, LOCK
from pipeline.proposing.scratch_clone import Git, scratch_clone
from pipeline.rollout_config import load_rollout_plan
from pipeline.rollout_status import Record, render_record, status_path

_TO_COME = "sha256:" + "0" * 64  # the evidence names this rehearsal, so it cannot be there yet


@dataclass(frozen=True)
class Step:
    """One thing that was tried."""

    name: str
    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class Rehearsal:
    """What was tried with which models, on top of the commit `base`."""

    schema: int
    model: str
    version: str
    challenger: str
    champion: str | None
    base: str
    verdict: Verdict
    steps: tuple[Step, ...]


def rehearse(
    root: Path, *, base: str = "HEAD", branch: str | None = None, recorded: Any = None
) -> Rehearsal:
    """Merge and revert `branch`, or the proposal as its files lie in the checkout at `root`.

    `recorded` is what an earlier rehearsal saved, perhaps on another machine: where this one cannot
    look for the champion's package, what that one found counts, if it was of the same two models.

    Nothing of the checkout changes. Raises OutsideError where there is no package or git cannot
    work at all, ConfigurationError for configuration.
    """
    model = load_usecase(root).model
    champion = load_champion(root, model)
    with scratch_clone(root, base) as git:
        sha = git.run("rev-parse", "base")
        steps = [_propose(root, git, model, champion, branch)]
        digest, version = _challenger(root, git, model, branch)
        if steps[0].verdict is Verdict.PASS:
            controller, stage = _controller_step(root, git, model)
            steps += [*_there_and_back(git, model, champion, stage), controller]
    steps.append(_package_step(root, champion))
    if _is_of(recorded, digest, champion):
        steps[-1] = _or_recorded(steps[-1], recorded)
    return Rehearsal(
        schema=1,
        model=model,
        version=version,
        challenger=digest,
        champion=champion.digest if champion else None,
        base=sha,
        verdict=worst(step.verdict for step in steps),
        steps=tuple(steps),
    )


# ---------------------------------------------------------------- the proposal


def _challenger(root: Path, git: Git, model: str, branch: str | None) -> tuple[str, str]:
    """The digest and version of what is proposed: by the branch's manifest, or the package here."""
    path = rollout_path(git.root, model).relative_to(git.root).as_posix()
    if branch is not None and (text := git.text_of("proposal", path)) is not None:
        with suppress(ConfigurationError):  # a broken manifest is what the controller speaks of
            spec = parse_rollout(text, path)
            return spec.challenger.digest, spec.version
    found = read_manifest(root / PACKAGE / "manifest.json")
    return found.digest, version_of(found.digest, found.as_of)


def _propose(
    root: Path, git: Git, model: str, champion: Champion | None, branch: str | None
) -> Step:
    """Commit the proposal on the clone's branch `proposal`."""
    name = "the proposal is a commit"
    git.run("checkout", "--quiet", "-B", "proposal", "base")
    if branch is not None:
        tip = Git(root).run("rev-parse", "--verify", f"{branch}^{{commit}}")
        if links := _links(git, tip):
            return Step(name, Verdict.FAIL, f"{links[0]} is a link or a submodule: no rehearsal.")
        git.run("reset", "--quiet", "--hard", tip)
    else:
        _copy_files(root, git, model)
        manifest = rollout_path(git.root, model).relative_to(git.root).as_posix()
        if champion is not None and git.id_of("base", manifest) == _blob(git, manifest):
            draft = _draft(root, model, champion)
            rollout_path(git.root, model).write_text(render_rollout(draft), encoding="utf-8")
        git.run("add", "--all")
        git.run("commit", "--quiet", "--allow-empty", "--message=Propose")
    changed = git.names("diff", "--name-only", "-z", "base", "proposal")
    rollouts = [path for path in changed if path.startswith(f"rollouts/{model}/")]
    if not rollouts:
        return Step(name, Verdict.INCONCLUSIVE, "It changes nothing that serves: no rehearsal.")
    return Step(name, Verdict.PASS, f"{', '.join(rollouts)} and what belongs to it.")


def _links(git: Git, tip: str) -> list[str]:
    """What a stranger's commit would have us write through, to a place outside the clone."""
    cells = git.names("diff", "--raw", "-z", "--no-renames", "base", tip)
    pairs = zip(cells[::2], cells[1::2], strict=True)
    return [path for about, path in pairs if about.split()[1] in ("120000", "160000")]


def _copy_files(root: Path, git: Git, model: str) -> None:
    """What a retrain writes, as it lies in the checkout and git would take it."""
    places = ("--", "artifacts", "evidence", LOCK, "params.yaml", f"rollouts/{model}")
    here = Git(root)
    names = here.names("diff", "--name-only", "-z", "HEAD", *places)
    names += here.names("ls-files", "-z", "--others", "--exclude-standard", *places)
    for name in names:
        source, target = root / name, git.root / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        else:
            target.unlink(missing_ok=True)


def _blob(git: Git, path: str) -> str | None:
    """The object that the clone's file would be; None where there is no file."""
    file = git.root / path
    return git.run("hash-object", path) if file.is_file() else None


def _draft(root: Path, model: str, champion: Champion) -> RolloutSpec:
    """The manifest that the pull request will commit, but for the digest of its evidence."""
    challenger = read_manifest(root / PACKAGE / "manifest.json")
    version = version_of(challenger.digest, challenger.as_of)
    identity = ModelIdentity(
        digest=challenger.digest,
        package_md5=tracked_md5(root, PACKAGE),
        as_of=challenger.as_of,
    )
    return RolloutSpec(
        model=model,
        version=version,
        retrain=f"{model}-{load_params(root).collect.as_of:%Y-%m-%d}",
        challenger=identity,
        champion=champion,
        evidence=EvidenceRef(path=f"{EVIDENCE}/{model}/{version}", digest=_TO_COME),
        plan=load_rollout_plan(root),
    )


# ---------------------------------------------------------------- merge and revert


def _controller_step(root: Path, git: Git, model: str) -> tuple[Step, Record | None]:
    """The proposal's manifest through the real controller; and the record of its first stage."""
    name = "the controller goes back"
    try:
        spec = load_rollout(git.root, model)
    except ConfigurationError as error:
        return Step(name, Verdict.FAIL, f"rollout.yaml: {'; '.join(error.faults)}."), None
    if spec is None:
        return Step(name, Verdict.FAIL, "The proposal has no rollout.yaml."), None
    found = rehearse_controller(spec, load_params(root).collect.as_of)
    return Step(name, found.verdict, found.reason), found.stage


def _there_and_back(
    git: Git, model: str, champion: Champion | None, stage: Record | None
) -> list[Step]:
    git.run("checkout", "--quiet", "base")
    merge = ["merge", "--quiet", "--no-ff", "--message=Merge", "proposal"]
    if not git.is_done(*merge):
        return [Step("it merges", Verdict.FAIL, "Merging it into main is a conflict.")]
    git.run("branch", "merged")
    steps = [Step("it merges", Verdict.PASS, "Merged without a conflict.")]
    steps += _reverted(git, model, "the merge is reverted")
    if champion is not None:
        steps.append(_champion_step(git, model, champion))
    if stage is None:
        return steps
    git.run("reset", "--quiet", "--hard", "merged")
    _commit_a_stage(git, model, stage)
    return steps + _reverted(git, model, "it is reverted after a stage went by")


def _reverted(git: Git, model: str, name: str) -> list[Step]:
    """Revert the merge, and compare what serves with what served before."""
    if not git.is_done("revert", "--no-edit", "--mainline=1", "merged"):
        return [Step(name, Verdict.FAIL, "Reverting the merge is a conflict.")]
    own = _written_by_stages(model)
    differing = git.names("diff", "--name-only", "-z", "base", "HEAD")
    other = [path for path in differing if not path.startswith(own)]
    if other:
        return [Step(name, Verdict.FAIL, f"Not as before: {', '.join(other[:5])}.")]
    same = f"rollouts/{model}/ and dvc.lock are as before, byte for byte."
    return [Step(name, Verdict.PASS, same)]


def _champion_step(git: Git, model: str, champion: Champion) -> Step:
    name = "the champion is the same"
    path = champion_path(git.root, model).relative_to(git.root).as_posix()
    text = git.text_of("HEAD", path)
    try:
        found = parse_champion(text or "", path)
    except ConfigurationError as error:
        return Step(name, Verdict.FAIL, f"champion.yaml cannot be read: {error.faults[0]}.")
    if found != champion:
        return Step(name, Verdict.FAIL, f"It would be {found.digest}.")
    return Step(name, Verdict.PASS, f"champion.yaml names {champion.digest}.")


def _commit_a_stage(git: Git, model: str, stage: Record) -> None:
    """What the reconciler commits while a rollout runs: a record, and what traffic reads."""
    record = status_path(git.root, model) / stage.name
    traffic = git.root / "rollouts" / model / "traffic" / "rehearsal.txt"
    for path, text in ((record, render_record(stage)), (traffic, "5 %\n")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    git.run("add", "--all")
    git.run("commit", "--quiet", "--message=Stage")


def _written_by_stages(model: str) -> tuple[str, ...]:
    return (f"rollouts/{model}/status/", f"rollouts/{model}/traffic/")


# ---------------------------------------------------------------- what would serve again


def _is_of(recorded: Any, challenger: str, champion: Champion | None) -> bool:
    models = (challenger, champion.digest if champion else None)
    is_record = isinstance(recorded, dict)
    return is_record and (recorded.get("challenger"), recorded.get("champion")) == models


def _or_recorded(step: Step, recorded: Any) -> Step:
    """The step; or what was found before, where this time nobody could look."""
    before = {found["name"]: found for found in recorded["steps"]}.get(step.name)
    if step.verdict is not Verdict.INCONCLUSIVE or before is None:
        return step
    return Step(step.name, Verdict(before["verdict"]), before["reason"])


def _package_step(root: Path, champion: Champion | None) -> Step:
    name = "the champion's package can be had"
    if champion is None:
        return Step(name, Verdict.INCONCLUSIVE, "There is no champion to go back to.")
    try:
        found = find_package(root, champion.package_md5)
    except (OSError, ValueError) as error:
        raise OutsideError(
            f"the package of the champion could not be looked for: {error}"
        ) from error
    if found.place is not None:
        return Step(name, Verdict.PASS, f"{champion.package_md5} is whole in {found.place}.")
    if found.is_all_known:
        reason = f"{champion.package_md5} is neither in DVC's cache nor in its remote."
        return Step(name, Verdict.FAIL, reason)
    reason = f"{champion.package_md5} is not on this machine, and the remote is elsewhere."
    return Step(name, Verdict.INCONCLUSIVE, reason)
