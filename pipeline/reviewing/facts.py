"""Everything about a retrain pull request that main can look up or work out, as gates.

The checkout is main's; of the pull request only git objects are read, as data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.adapters.git.merges import below_merges, merge_changes, plain_merges
from pipeline.adapters.git.proposal_branch import TRAILER
from pipeline.adapters.git.proposal_files import path_fault
from pipeline.adapters.git.trees import (
    Tree,
    changed_paths,
    former_blobs,
    merge_base,
    trailer_of,
)
from pipeline.champion import load_champion
from pipeline.config import load_usecase, parse_utc
from pipeline.core.evidence import MANIFEST, package_faults, parse_manifest
from pipeline.core.proposal.evidence import evidence_digest, is_evidence
from pipeline.core.proposal.marker import parse_marker
from pipeline.core.quality.as_json import QUALITY_GATES, parse_assessment
from pipeline.core.quality.facts import COLLECT, COMPARISON
from pipeline.core.review import gates as review
from pipeline.core.review.ab_test import assess_ab_test
from pipeline.core.review.kind import Change
from pipeline.core.review.proposal import Proposed, assess_proposal, assess_quality
from pipeline.domain import Gate
from pipeline.dvclock import Lock, parse_lock
from pipeline.errors import ConfigurationError, OutsideError
from pipeline.gates_config import load_quality_policy
from pipeline.manifest import RolloutSpec, parse_rollout
from pipeline.reviewing.ab_test import answer_of
from pipeline.reviewing.attested import attested_gates
from pipeline.reviewing.restored import leads_back
from pipeline.rollout_config import load_rollout_plan
from pipeline.strict_yaml import load_yaml, parse_yaml

LOCK = "dvc.lock"
PARAMS = "params.yaml"
_RECORD = re.compile(r"rollouts/[^/]+/(status|experiments)/")


@dataclass(frozen=True)
class Commits:
    """The pull request's newest commit, where it left main, and main (what is checked out)."""

    root: Path
    head: Tree
    base: Tree
    main: Tree

    @cached_property
    def merges(self) -> dict[str, str]:
        """The merges of main that bring nothing else, each with its first parent."""
        return plain_merges(self.root, self.main.commit, self.head.commit)

    @property
    def proposed(self) -> str:
        """The newest commit but for those merges: a run's own, where it is a retrain's."""
        return below_merges(self.head.commit, self.merges)

    @cached_property
    def ran_on(self) -> Tree:
        """Where that commit left main, and what its run found there: merges came later."""
        return Tree(self.root, merge_base(self.root, self.main.commit, self.proposed))

    @cached_property
    def merged(self) -> dict[str, str | None]:
        """What a merge changes on main: the id of each new content, None where a file goes."""
        return merge_changes(self.root, self.main.commit, self.head.commit)

    @cached_property
    def changed(self) -> tuple[str, ...]:
        """The paths that a merge would change, and those that the branch did since it left main.

        Where main was merged into it, more than one commit is where it left: next to one of them
        the branch may look like main though a merge would bring back what main has left behind.
        """
        ours = changed_paths(self.root, self.base.commit, self.head.commit)
        return tuple(sorted({*ours, *self.merged}))

    @cached_property
    def mixed(self) -> frozenset[str]:
        """Those paths at which a merge would put something else than the branch has there."""
        return frozenset(p for p, blob in self.merged.items() if blob != self.head.blob(p))

    @property
    def changes(self) -> tuple[Change, ...]:
        """What a merge would change, and whether it only brings back what main had."""
        paths = self.changed
        former = former_blobs(self.root, self.main.commit, paths)
        known = {path for path in paths if self.head.blob(path) in former.get(path, ())}
        return tuple(Change(p, p in known - self.mixed and self._is_free(p)) for p in paths)

    def _is_free(self, path: str) -> bool:
        """No link is: what is gone from its place came back to nothing, and leads elsewhere."""
        is_link = path in self.head.links
        return not is_link and leads_back(self.root, self.head, self.main, path)


def commits_of(root: Path, head: str) -> Commits:
    """The three commits. Raises OutsideError where `head` was not fetched."""
    main = Tree(root, "HEAD")
    tip = Tree(root, head)
    return Commits(root, tip, Tree(root, merge_base(root, main.commit, tip.commit)), main)


def assess_contents(commits: Commits, retrain: str, body: str, now: datetime) -> tuple[Gate, ...]:
    """Every gate that rests on the pull request's files and on its `body`.

    `retrain` is the one that its branch names, by which the trigger ledger is asked.
    Raises PipelineError where a file that must be there is not, or cannot be read.
    """
    head, root = commits.head, commits.root
    model, policy = load_usecase(root).model, load_quality_policy(root)
    lock = parse_lock(_text(head, LOCK), LOCK)
    spec = parse_rollout(_text(head, f"rollouts/{model}/rollout.yaml"), "rollout.yaml")
    files = review.Files(*(t.md5s(lock.deps) for t in (head, commits.ran_on, commits.main)))
    as_of = parse_utc(str(_json(head, COLLECT).get("as_of")), COLLECT)
    champion = load_champion(root, model)
    serving, plan = champion.digest if champion else None, load_rollout_plan(root)
    wanted = plan.ab_test if policy.deployment_safety.ab_test.required else None
    return (
        *assess_proposal(
            Proposed(
                model=spec.model,
                retrain=spec.retrain,
                champion=spec.champion.digest,
                package_md5=spec.challenger.package_md5,
                plan=spec.plan,
            ),
            _json(head, COMPARISON),
            lock.outs,
            model=model,
            retrain=retrain,
            champion=serving,
            plan=plan,
        ),
        review.assess_paths(
            commits.changed,
            model,
            package=spec.evidence.folder,
            links=head.links,
            mixed=commits.mixed - {PARAMS},  # main's comments may be in it: its values are judged
        ),
        *review.assess_inputs(lock.deps, files),
        _parameters(root, head, lock),
        review.assess_outputs(lock.outs, lock.conflicts, head.md5s(lock.outs)),
        _evidence(commits, spec, body),
        *attested_gates(root, head, spec),
        assess_quality(_assessment(head)),
        assess_ab_test(
            wanted,
            answer_of(root, model, wanted) if wanted else None,
            challenger=spec.challenger.digest,
            champion=serving,
        ),
        review.assess_age(as_of, now, policy.readiness.data_collected_and_validated.max_data_age),
    )


def judges_alike(root: Path, then: str, now: str) -> bool:
    """Whether nothing but records of rollouts and A/B tests came to main between two commits.

    They are written at any hour, and no figure of a retrain depends on one. A commit that is not
    here judges nothing, and so does a name that is not the whole id of one, such as HEAD.
    """
    try:
        is_id = Tree(root, then).commit == then
    except OutsideError:
        return False
    return is_id and all(_RECORD.match(path) for path in changed_paths(root, then, now))


def _parameters(root: Path, head: Tree, lock: Lock) -> Gate:
    proposed, main = parse_yaml(_text(head, PARAMS), PARAMS), load_yaml(root / PARAMS)
    if not isinstance(proposed, Mapping) or not isinstance(main, Mapping):
        raise ConfigurationError(PARAMS, ["found no sections, expected those of params.yaml"])
    return review.assess_parameters(lock.params, proposed, main)


def _evidence(commits: Commits, spec: RolloutSpec, body: str) -> Gate:
    """The proposal's evidence is what its commit and its body name; the package is whole."""
    head, marker = commits.head, parse_marker(body)
    found = (path for path in head.paths if is_evidence(path))
    proposed = {path: head.read(path) for path in found if path_fault(path, spec.model) is None}
    package = head.files_below(f"{spec.evidence.path}/")
    faults = list(package_faults(package, spec.evidence.digest))
    if not faults and parse_manifest(package[MANIFEST]).subject.digest != spec.challenger.digest:
        faults.append("the package is about another model than the manifest rolls out")
    return review.assess_evidence(
        faults,
        {
            "package": evidence_digest(proposed),
            "commit": trailer_of(commits.root, commits.proposed, TRAILER),
            "pull request": marker.evidence if marker else None,
        },
    )


def _assessment(tree: Tree) -> dict[str, Any]:
    """What the run says of its quality gates. Raises ConfigurationError for another file."""
    found = _json(tree, QUALITY_GATES)
    parse_assessment(found, QUALITY_GATES)
    return found


def _text(tree: Tree, path: str) -> str:
    found = tree.text(path)
    if found is None:
        raise OutsideError(f"{path}: the pull request has none. Run the retrain again.")
    return found


def _json(tree: Tree, path: str) -> dict[str, Any]:
    try:
        found = json.loads(_text(tree, path))
    except (ValueError, RecursionError) as error:
        raise OutsideError(f"{path}: not JSON ({error}). Run the retrain again.") from error
    if not isinstance(found, dict):
        raise OutsideError(f"{path}: found no object. Run the retrain again.")
    return found
