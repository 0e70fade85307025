"""Proposals for tests: a bare repository with a main branch, checkouts of it, and finished runs."""

from __future__ import annotations

import subprocess
from pathlib import Path

from pipeline.adapters.git.proposal_branch import ProposalBranch
from pipeline.adapters.github import Patience
from pipeline.champion import Champion, render_champion
from pipeline.core.proposal.evidence import evidence_digest
from pipeline.core.proposal.identity import branch_of
from pipeline.core.proposal.state import Wanted
from pipeline.core.proposal.steps import People
from pipeline.core.pull.body import PullText
from pipeline.forge import Forge
from pipeline.proposing.loop import Proposal
from tests.repository import git

HASTY = Patience(
    attempts=3,
    first_wait_seconds=0.01,
    longest_wait_seconds=2,
    timeout_seconds=1,
    seconds_between_requests=0,
    seconds_between_writes=0,
)
REVIEW_WORKFLOW = """
on:
  workflow_dispatch:
    inputs:
      pull_request: {required: true}
"""
MODEL = "flight-delay"
RETRAIN = f"{MODEL}-0001"
PEOPLE = People(labels=("retrain",), reviewers=("ada",), assignees=("ben",))
CHAMPION_PATH = f"rollouts/{MODEL}/champion.yaml"
COMPARISON = "artifacts/compare/comparison.json"


def digest(mark: str) -> str:
    return "sha256:" + mark * 64


def champion(mark: str) -> str:
    return render_champion(
        Champion(
            schema=1,
            model=MODEL,
            digest=digest(mark),
            package_md5=mark * 32 + ".dir",
            as_of="2013-04-02T00:00:00Z",
            approved_by="ada",
            reason="a test",
        )
    )


def make_remote(folder: Path) -> Path:
    """A bare repository whose main has a champion, "c", and an ignore file."""
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", folder], check=True)
    start = clone(folder, folder.parent / f"{folder.stem}-start")
    git(start, "checkout", "--quiet", "-B", "main")
    write(start, {".gitignore": "/artifacts/package/\n", CHAMPION_PATH: champion("c")})
    write(start, {"params.yaml": "collect: {}\n", "code.py": "pass\n"})
    write(start, {".github/workflows/review.yml": REVIEW_WORKFLOW})
    commit_and_push(start, "Start")
    return folder


def clone(remote: Path, folder: Path) -> Path:
    subprocess.run(["git", "clone", "--quiet", remote, folder], check=True, capture_output=True)
    return folder


def write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def commit_and_push(root: Path, subject: str, branch: str = "main") -> str:
    """Commit everything as a person, and push; returns the commit."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", f"--message={subject}")
    git(root, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
    return git(root, "rev-parse", "HEAD").strip()


def finish_run(root: Path, result: str) -> None:
    """What a training run leaves in a checkout; equal results are equal evidence."""
    write(
        root,
        {
            COMPARISON: f'{{"verdict": "PASS", "result": "{result}"}}\n',
            "artifacts/evaluate/latency.json": f'{{"seconds": "{result} took long"}}\n',
            "artifacts/report/report.md": f"# {result}\n",
            "artifacts/report/plots/roc.png": "\x89PNG picture",
            "dvc.lock": f"{result}\n",
            "artifacts/package/model": "a model's bytes\n",
        },
    )


def proposal_of(
    root: Path,
    forge: Forge,
    retrain: str = RETRAIN,
    *,
    judged_against: str = "c",
    remote: str | None = "origin",
) -> Proposal:
    """The run in the checkout at `root`, as it would be proposed."""
    branch = ProposalBranch(root, branch_of(retrain), MODEL, remote=remote, base="main")
    present = branch.present_files()
    evidence = evidence_digest(present)
    return Proposal(
        wanted=wanted(evidence, retrain, judged_against),
        files=branch.changed_files(branch.main(), present),
        branch=branch,
        forge=forge,
    )


def wanted(evidence: str, retrain: str = RETRAIN, judged_against: str = "c") -> Wanted:
    return Wanted(
        model=MODEL,
        retrain=retrain,
        evidence=evidence,
        champion=digest(judged_against),
        text=lambda head: PullText(f"Retrain {retrain}", f"Found {evidence} at {head}."),
        people=PEOPLE,
    )
