"""Where a model version came from: the commit that brought it, and what that commit holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from pipeline.adapters.git.merges import below_merges, plain_merges
from pipeline.adapters.git.proposal_branch import TRAILER
from pipeline.adapters.git.proposal_files import path_fault
from pipeline.adapters.git.trees import Tree, trailer_of
from pipeline.core.proposal.evidence import evidence_digest, is_evidence
from pipeline.core.trace.data import Locked
from pipeline.core.trace.origin import Package
from pipeline.core.trace.serving import Made, Manifest, Pointer
from pipeline.dvclock import parse_lock
from pipeline.errors import ConfigurationError, GateRefused, OutsideError
from pipeline.manifest import version_of
from pipeline.proposing.quality_facts import EVIDENCE, LOCK
from pipeline.tracing.past import Kept, Past


@dataclass(frozen=True)
class Origin:
    """A model version, the manifest that proposed it (None: a person put it there), its commit."""

    past: Past
    digest: str
    package_md5: str
    as_of: datetime
    manifest: Manifest | None
    pointers: tuple[Pointer, ...]  # those that name it, newest first; none: no champion ever
    made: Made

    @property
    def version(self) -> str:
        """The version's name."""
        return version_of(self.digest, self.as_of)

    @property
    def where(self) -> str:
        """The commit, for people."""
        return self.made.commit[:12]

    @property
    def main(self) -> str:
        """Main as it was before."""
        return next(iter(self.made.parents), self.made.commit)

    @cached_property
    def proposed(self) -> str:
        """The proposal's own commit: what was merged, but for merges of main; or the commit."""
        if len(self.made.parents) < 2:
            return self.made.commit
        head = self.made.parents[1]
        return below_merges(head, plain_merges(self.past.root, self.main, head))

    @cached_property
    def tree(self) -> Tree:
        """The files as they were merged."""
        return Tree(self.past.root, self.made.commit)

    @cached_property
    def evidence(self) -> Package:
        """The evidence package as it was merged."""
        return self._package(self.tree, f"commit {self.where}")

    @cached_property
    def evidence_now(self) -> Package:
        """The evidence package as it is in the newest commit."""
        return self._package(Tree(self.past.root, self.past.ref), f"commit {self.past.ref[:12]}")

    @property
    def ran(self) -> str | None:
        """The commit that ran, as the evidence says; None where it says none."""
        manifest = self.evidence.manifest
        return manifest.subject.commit if manifest else None

    @cached_property
    def is_ran_known(self) -> bool | None:
        """Whether the commit that ran leads to the merged one; None where none is named."""
        return self.past.git.is_ancestor(self.ran, self.made.commit) if self.ran else None

    @cached_property
    def locked(self) -> Locked | None:
        """dvc.lock of the merge, beside what git has of the files that it names."""
        text = self.tree.text(LOCK)
        try:
            lock = parse_lock(text or "", LOCK)
        except ConfigurationError:
            return None
        return Locked(
            deps=lock.deps,
            outs=lock.outs,
            params=lock.params,
            conflicts=lock.conflicts,
            inputs=self._code().md5s(lock.deps),
            outputs=self.tree.md5s(lock.outs),
        )

    @cached_property
    def claimed_evidence(self) -> tuple[str | None, str]:
        """The trailer of the proposal's commit, and the digest of what it really holds."""
        tree = Tree(self.past.root, self.proposed)
        paths = (path for path in tree.paths if is_evidence(path))
        mine = [path for path in paths if path_fault(path, self.past.model) is None]
        trailer = trailer_of(self.past.root, tree.commit, TRAILER)
        return trailer, evidence_digest({path: tree.read(path) or b"" for path in mine})

    @property
    def code(self) -> str:
        """The commit that ran: what the evidence names, else what was there before this one."""
        return self.ran or self.main

    def _code(self) -> Tree:
        try:
            return Tree(self.past.root, self.code)
        except OutsideError:  # a clone without it: the files of the merge are the next best
            return self.tree

    def _package(self, tree: Tree, where: str) -> Package:
        named = self.manifest.spec.evidence.folder if self.manifest else None
        folder = named or f"{EVIDENCE}/{self.past.model}/{self.version}"
        return Package(where, folder, tree.files_below(f"{folder}/"))


def origin_of(past: Past, digest: str, kept: Kept | None = None) -> Origin:
    """Where the model `digest` came from; `kept` is the record of the rollout that is asked about.

    Raises GateRefused for a model that no commit names.
    """
    manifest = _manifest_of(past, digest, kept)
    pointers = tuple(p for p in past.pointers if p.champion.digest == digest)
    if manifest is not None:
        model, made = manifest.spec.challenger, manifest.made
        return Origin(past, digest, model.package_md5, model.as_of, manifest, pointers, made)
    if not pointers:
        raise GateRefused(f"{digest[:80]}: no commit of {past.model} names this model.")
    champion, made = pointers[-1].champion, pointers[-1].made
    return Origin(past, digest, champion.package_md5, champion.as_of, None, pointers, made)


def _manifest_of(past: Past, digest: str, kept: Kept | None) -> Manifest | None:
    """The oldest that proposed the model; of those, the one that the record acted on."""
    found = [m for m in past.manifests if m.spec.challenger.digest == digest]
    if kept is not None and kept.record.challenger == digest:
        same = [manifest for manifest in found if manifest.spec.digest == kept.record.spec]
        found = same or found
    return found[-1] if found else None
