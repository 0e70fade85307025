"""The files of the checkout: every configuration, who speaks for which role, and DVC's lock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.ab_config import load_ab_test
from pipeline.approvers import load_approvers
from pipeline.config import load_all, load_params, load_schema, load_usecase
from pipeline.doctoring.finding import Finding, fault, ok, skipped, warning
from pipeline.doctoring.situation import Situation
from pipeline.dvc_objects import file_md5
from pipeline.dvclock import Lock, parse_lock
from pipeline.errors import ConfigurationError
from pipeline.gates_config import check_data_age, load_quality_policy
from pipeline.repository_config import load_repository_config
from pipeline.rollout_config import load_rollout_plan
from pipeline.serving_config import load_serving
from pipeline.strict_yaml import load_yaml
from pipeline.trigger_config import load_triggers

LOADERS = (
    load_params,
    load_usecase,
    load_schema,
    load_quality_policy,  # the whole of gates.yaml
    load_triggers,
    load_approvers,
    load_rollout_plan,
    load_serving,
    load_ab_test,
    load_repository_config,
)


def check_configurations(situation: Situation) -> Iterator[Finding]:
    """Every fault of every file at once, and of two that do not go together."""
    try:
        load_all(situation.root, *LOADERS, check_data_age)
    except ConfigurationError as error:
        for each in error.faults:
            where, _, text = each.partition(": ")
            yield fault(where, text, f"edit {where}")
        return
    yield ok("configuration", f"{len(LOADERS)} files are valid")


def check_roles(situation: Situation) -> Iterator[Finding]:
    """Each role that something waits for has somebody who may speak for it."""
    try:
        approvers, policy, triggers = load_all(
            situation.root, load_approvers, load_quality_policy, load_triggers
        )
    except ConfigurationError:
        yield skipped("approvers", "a file has faults, told under its own name")
        return
    manual = triggers.retraining_triggers.manual_retrain
    asked = {*policy.deployment_safety.approving_roles}
    asked |= {*manual.approvers} if manual is not None and manual.enabled else set()
    empty = sorted(role for role in asked if not approvers.roles.get(role))
    for role in empty:
        text = f"nobody has the role {role}, which gates or triggers wait for"
        yield fault("approvers", text, "name people in configs/approvers.yaml")
    if not empty:
        yield ok("approvers", "each role has somebody")


def check_lock(situation: Situation) -> Iterator[Finding]:
    """dvc.lock against dvc.yaml and against the files that the stages read."""
    path = situation.root / "dvc.lock"
    if not path.is_file():
        mend = "python -m scripts.retrain --accept-loss --apply"
        yield warning("dvc.lock", "not there: nothing was trained yet", mend)
        return
    lock = parse_lock(path.read_text(encoding="utf-8"), "dvc.lock")
    stages = set(load_yaml(situation.root / "dvc.yaml")["stages"])
    locked = set(load_yaml(path)["stages"])
    for name in sorted(stages ^ locked):
        missing = "dvc.lock" if name in stages else "dvc.yaml"
        yield fault("dvc.lock", f"stage {name} is not in {missing}", "dvc repro")
    for name in lock.conflicts:
        text = f"{name}: two stages recorded it differently (merged by hand?)"
        yield fault("dvc.lock", text, "dvc repro")
    changed = _changed(situation.root, lock)
    if changed:
        told = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if changed[3:] else "")
        yield warning("dvc.lock", f"changed since the last run: {told}", "dvc repro")
    elif stages == locked and not lock.conflicts:
        yield ok("dvc.lock", f"{len(stages)} stages, as in dvc.yaml")


def _changed(root: Path, lock: Lock) -> list[str]:
    """The files that the run read and that are different now, or gone."""
    files = {name: root / name for name in lock.deps if not lock.deps[name].endswith(".dir")}
    return sorted(n for n, p in files.items() if not p.is_file() or file_md5(p) != lock.deps[n])
