"""What lies beside the history of main: the ledger's branch, the forge, the registry, the store.

Whatever cannot be asked is a link that is not checked, with the reason; it never ends the trace.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline.adapters.git.merges import plain_merges
from pipeline.adapters.git.trees import Tree, fetch_commit
from pipeline.adapters.package_files import find_object, package_objects
from pipeline.adapters.registry_rest import RegistryRest
from pipeline.core.trace.links import Link, not_checked
from pipeline.core.trace.outside import Stored, StoredRows, link_registry, link_store
from pipeline.core.trace.people import link_approvals, link_cause
from pipeline.core.triggers.ledger import Ledger
from pipeline.domain import Gate, Verdict
from pipeline.dvc_objects import file_md5
from pipeline.errors import ConfigurationError, PipelineError
from pipeline.forge import Forge, PullRequest, Review, pull_number
from pipeline.manifest import RolloutSpec
from pipeline.monitoring.ledger_store import LedgerStore
from pipeline.reviewing.approvals import BY_HAND, assess_reviews, ran_by_hand, why_by_hand
from pipeline.tracing.origin import Origin

NO_FORGE = "GitHub was not asked: set GITHUB_REPOSITORY and GITHUB_TOKEN"
TRIGGERS = "configs/triggers.yaml"
POLICY = ("configs/gates.yaml", "configs/approvers.yaml", TRIGGERS)
_UNASKED = Gate(
    "approvals", Verdict.FAIL, "It was merged by a pull request.", "no pull request merged it"
)


@dataclass(frozen=True)
class Asked:
    """A pull request, None where the forge has none; `why_not`: the forge could not be asked."""

    pull: PullRequest | None = None
    why_not: str = ""


@dataclass(frozen=True)
class Outside:
    """Who is asked. `forge` None is nobody; `is_local`: the ledger is in this repository."""

    root: Path
    environment: Mapping[str, str]
    forge: Forge | None = None
    is_local: bool = False

    def cause(self, spec: RolloutSpec, merged: datetime) -> Link:
        """The events of the trigger ledger that asked for the retrain."""
        try:
            return link_cause(self._ledger, spec, merged)
        except PipelineError as error:
            return not_checked("cause", _first_line(error), spec.retrain)

    def pull(self, origin: Origin) -> Asked:
        """The pull request that merged this commit, as the forge has it.

        The number in the subject is its maker's word: where the forge does not have that one, all
        that it has are looked through.
        """
        if self.forge is None:
            return Asked(why_not=NO_FORGE)
        number = pull_number(origin.made.subject)
        if number is not None:
            with suppress(PipelineError):
                return Asked(self.forge.pull(number))
        try:
            merged = (p for p in self.forge.pulls("") if p.merge_commit == origin.made.commit)
            return Asked(next(merged, None))
        except PipelineError as error:
            return Asked(why_not=_first_line(error))

    def approvals(self, origin: Origin, asked: Asked) -> Link:
        """The reviews of the pull request, against the policy that main had before the merge."""
        merged_by = origin.made.author
        if self.forge is None or asked.why_not:
            return link_approvals(None, (), merged_by, asked.why_not)
        if asked.pull is None:
            return link_approvals(_UNASKED, (), merged_by, "")
        try:
            reviews = self.forge.reviews(asked.pull.number)
            makers = self.forge.makers(asked.pull, _merges(origin, asked.pull.head))
            gate = _assess(origin, asked.pull, reviews, makers, self._why_by_hand(origin))
        except PipelineError as error:
            return link_approvals(None, (), merged_by, _first_line(error))
        who = tuple(dict.fromkeys(r.author for r in reviews if r.state == "APPROVED"))
        return link_approvals(gate, who, merged_by, "")

    def registry(self, model: str, digest: str, *, is_champion: bool) -> Link:
        """The registry's version, and its alias where this model is the champion now."""
        url = self.environment.get("MLFLOW_TRACKING_URI", "")
        if not url.startswith(("http://", "https://")):
            return not_checked("registry", "MLFLOW_TRACKING_URI names no server")
        try:
            registry = RegistryRest(url, self.environment.get("MLFLOW_TRACKING_TOKEN"))
            versions, alias = registry.versions(model, digest), registry.champion(model)
        except PipelineError as error:
            return not_checked("registry", _first_line(error))
        return link_registry(versions, alias, digest, is_champion=is_champion)

    def store(self, digest: str, package_md5: str, rows_md5: str | None) -> Link:
        """Every byte of the package and of the rows, where DVC keeps them on this disk."""
        try:
            rows = find_object(self.root, rows_md5) if rows_md5 else None
            stored_rows = StoredRows(rows[0], str(rows_md5), file_md5(rows[1])) if rows else None
            found = package_objects(self.root, package_md5)
            stored = _stored(*found) if found else None
        except (OSError, ValueError, KeyError, TypeError) as error:
            return not_checked("store", f"{package_md5} cannot be read: {error}")
        if stored is None:
            why = f"{package_md5} is not on this disk: `dvc fetch` brings it from the remote"
            return not_checked("store", why)
        return link_store(stored, stored_rows, digest, package_md5)

    def _why_by_hand(self, origin: Origin) -> str | None:
        """As the judge asks, of the time of the merge. Without a ledger the branch's own word."""
        head = Tree(origin.past.root, origin.proposed)
        retrain = origin.manifest.spec.retrain if origin.manifest else ""
        try:
            ledger = self._ledger
        except PipelineError:  # the link `cause` says so
            return BY_HAND if ran_by_hand(head) else None
        return why_by_hand(head, ledger, origin.past.model, retrain, merged=origin.made.at)

    @cached_property
    def _ledger(self) -> Ledger:
        return LedgerStore(self.root, is_local=self.is_local).read()


def _assess(
    origin: Origin,
    pull: PullRequest,
    reviews: Iterable[Review],
    makers: Iterable[str],
    why: str | None,
) -> Gate:
    """As the judge of the pull request does, by the policy of the commit before the merge."""
    base = Tree(origin.past.root, origin.main)
    has_rule = base.text(TRIGGERS) is not None
    with _policy_at(base) as policy:
        return assess_reviews(policy, pull, reviews, makers, why_by_hand=why if has_rule else None)


def _merges(origin: Origin, head: str) -> dict[str, str]:
    """The merges of main in the pull request; none where its commits cannot be had.

    One that was squashed left them out of main.
    """
    root = origin.past.root
    fetch_commit(root, head)
    is_here = origin.past.git.commit_of(head) is not None
    return plain_merges(root, origin.main, head) if is_here else {}


@contextmanager
def _policy_at(tree: Tree) -> Iterator[Path]:
    """The policy of a commit as files of their own, for the parsers that read files."""
    with TemporaryDirectory(prefix="perennial-policy-") as name:
        folder = Path(name)
        for path in POLICY:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(tree.text(path) or "", encoding="utf-8")
        yield folder


def _stored(place: str, objects: Mapping[str, Path]) -> Stored | None:
    """The SHA-256 of every object that is there, beside what the package's manifest names."""
    found = {name: _sha256(path) for name, path in objects.items() if path.is_file()}
    raw = objects["manifest.json"].read_bytes() if "manifest.json" in found else b"{}"
    files: dict[str, Any] = json.loads(raw).get("files", {})
    return Stored(
        place=place,
        digest=found.pop("manifest.json", "missing"),
        found=found,
        expected={str(name): str(entry["sha256"]) for name, entry in files.items()},
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _first_line(error: PipelineError) -> str:
    if isinstance(error, ConfigurationError):
        return f"{error.where}: {error.faults[0]}"
    return str(error).partition("\n")[0]
