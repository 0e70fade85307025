"""A finished run as a proposal: its files, its evidence, its text, and who is told."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from pipeline.adapters.git.proposal_branch import ProposalBranch
from pipeline.config import load_params, load_usecase
from pipeline.core.proposal.evidence import evidence_digest
from pipeline.core.proposal.identity import BASE, branch_of, is_retrain_of
from pipeline.core.proposal.state import Wanted
from pipeline.core.pull.body import PullText, build_pull_text
from pipeline.core.pull.facts import ManifestChange, Places, PullFacts
from pipeline.core.triggers.ledger import Event
from pipeline.errors import ConfigurationError
from pipeline.forge import Forge
from pipeline.manifest import RolloutSpec, render_rollout, rollout_path
from pipeline.proposing.loop import Proposal
from pipeline.proposing.manifest import build_spec
from pipeline.proposing.people import asked_roles, people_for
from pipeline.proposing.run_files import load_pull_facts, rollout_summary

TEMPLATE = Path(__file__).parent.parent / "templates" / "pull_request.md.j2"


def load_proposal(
    root: Path,
    forge: Forge,
    *,
    retrain: str | None,
    causes: tuple[Event, ...],
    remote: str | None,
) -> tuple[Proposal, PullFacts]:
    """The run in the checkout at `root` as it would be proposed, and the facts of its text.

    Raises ConfigurationError for configuration and for files that must not be proposed,
    OutsideError where the run is not complete.
    """
    model = load_usecase(root).model
    retrain = retrain or by_hand(root, model)
    if not is_retrain_of(retrain, model):
        fault = f"found {retrain!r:.80}, expected one of {model}, as the trigger ledger has it"
        raise ConfigurationError("retrain", [fault])
    branch = ProposalBranch(root, branch_of(retrain), model, remote=remote, base=BASE)
    spec, main = build_spec(root, model, retrain), branch.main()
    manifest = _manifest(root, branch, main, spec)
    present = {**branch.present_files(), manifest.path: manifest.after.encode()}
    facts = load_pull_facts(
        root,
        retrain=retrain,
        causes=causes,
        commit=branch.head(),
        rollout=rollout_summary(spec),
        manifest=manifest,
        asked=asked_roles(root),
    )
    wanted = Wanted(
        model=model,
        retrain=retrain,
        evidence=evidence_digest(present),
        champion=facts.inputs.comparison["champion"],
        text=text_of(facts, spec.evidence.path),
        people=people_for(root, model, forge.login()),
        base=BASE,
    )
    files = branch.changed_files(main, present)
    return Proposal(wanted, files, branch, forge), facts


def by_hand(root: Path, model: str) -> str:
    """The id of a retrain that no ledger knows: its day."""
    return f"{model}-{load_params(root).collect.as_of:%Y-%m-%d}"


def text_of(facts: PullFacts, evidence: str) -> Callable[[str], PullText]:
    """What makes the title and the body for a head commit, which the pictures are linked by."""
    template = TEMPLATE.read_text(encoding="utf-8")

    @cache
    def text(head: str) -> PullText:
        places = Places(base=files_url(head), evidence=evidence)
        return build_pull_text(replace(facts, places=places), template)

    return text


def files_url(commit: str, environment: Mapping[str, str] = os.environ) -> str:
    """Where the files of a commit are seen; "" outside a job, where there is no such place."""
    server, repository = environment.get("GITHUB_SERVER_URL"), environment.get("GITHUB_REPOSITORY")
    return f"{server}/{repository}/blob/{commit}" if server and repository else ""


def _manifest(root: Path, branch: ProposalBranch, main: str, spec: RolloutSpec) -> ManifestChange:
    path = rollout_path(root, spec.model).relative_to(root).as_posix()
    before = branch.file_at(main, path) or b""
    return ManifestChange(path, before.decode("utf-8", "replace"), render_rollout(spec))
