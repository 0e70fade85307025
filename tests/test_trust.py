"""Whom workflows and locks trust: no fork, no stranger's action, no package without a hash."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
OF_FORKS = {"pull_request", "pull_request_target", "pull_request_review"}
SAME_REPOSITORY = "github.event.pull_request.head.repo.full_name == github.repository"
PINNED = re.compile(r"[A-Za-z0-9._-]+(\[[a-z0-9, -]+\])?==\S+")


def load(path: Path) -> dict[Any, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def triggers(workflow: dict[Any, Any]) -> set[str]:
    return set(workflow[True])  # YAML reads `on` as a boolean


def jobs() -> Iterator[tuple[str, set[str], dict[str, Any]]]:
    for path in WORKFLOWS:
        workflow = load(path)
        for name, job in workflow["jobs"].items():
            yield f"{path.stem}.{name}", triggers(workflow), job


def test_no_job_that_a_fork_can_start_holds_a_secret() -> None:
    startable = [(name, job) for name, on, job in jobs() if on & OF_FORKS]
    assert len(startable) >= 4
    for name, job in startable:
        is_asking = SAME_REPOSITORY in " ".join(str(job.get("if", "")).split())
        assert is_asking or "secrets." not in str(job), name
    asking = [name for name, job in startable if "secrets." in str(job)]
    assert asking == ["review.recompute"]


def test_no_job_checks_out_what_a_pull_request_names() -> None:
    checkouts = 0
    for name, on, job in jobs():
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                checkouts += 1
                given = step.get("with", {})
                assert "pull_request" not in str(given.get("ref", "")), name
                assert "repository" not in given, name
                if "pull_request_target" in on:
                    assert given["ref"] == "${{ github.event.repository.default_branch }}", name
    assert checkouts >= 8


def test_no_checkout_keeps_a_token() -> None:
    for name, _, job in jobs():
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name


def test_only_githubs_own_actions_are_used() -> None:
    files = [*WORKFLOWS, *(ROOT / ".github/actions").rglob("action.yml")]
    used = [
        found
        for path in files
        for found in re.findall(r"^ *(?:- )?uses: (\S+)", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert len(used) >= 20
    assert {one for one in used if not one.startswith(("actions/", "./.github/"))} == set()


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_every_package_of_a_lock_has_a_version_and_a_hash(path: Path) -> None:
    text = re.sub(r"\\\n", " ", path.read_text(encoding="utf-8"))
    entries = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert len(entries) > 3
    for entry in entries:
        assert PINNED.match(entry), entry[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry[:80]
    assert "://" not in text


def test_what_is_installed_in_a_job_must_have_the_hash_of_its_lock() -> None:
    files = [*WORKFLOWS, *(ROOT / ".github/actions").rglob("action.yml")]
    installs = [
        line
        for path in files
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"\b(pip|uv|npm|apt-get|curl|wget)\b.*\b(install|ci|get|http)", line)
    ]
    assert installs
    unsafe = [line.strip() for line in installs if "pip" in line and "--require-hashes" not in line]
    assert unsafe == []


def test_the_job_that_signs_runs_nothing_of_ours_and_only_where_it_is_asked_for() -> None:
    attest = load(ROOT / ".github/workflows/retrain.yml")["jobs"]["attest"]
    assert attest["permissions"] == {"id-token": "write", "attestations": "write"}
    assert {step["uses"].partition("@")[0] for step in attest["steps"]} == {
        "actions/attest-build-provenance"
    }
    assert "vars.PERENNIAL_ATTEST == 'on'" in attest["if"]
    assert all(step["with"]["subject-digest"] for step in attest["steps"])
