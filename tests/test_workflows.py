"""The workflows keep the house rules, and what they run exists."""

import re
import shlex
import subprocess
import sys
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.trigger_config import Recovery, load_triggers

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PINNING = [*WORKFLOWS, *(ROOT / ".github").rglob("action.y*ml")]
PIN = re.compile(r"uses: ([\w/-]+)@([0-9a-f]{40}) # v(\d+)\.\d+\.\d+$", re.MULTILINE)
# The first major of each action that is on Node 24, as its action.yml says. Node 20 leaves GitHub's
# runners: github.blog/changelog/2025-09-19-deprecation-of-node-20-on-github-actions-runners
ON_NODE_24 = {
    "actions/attest-build-provenance": 4,
    "actions/cache/restore": 5,
    "actions/cache/save": 5,
    "actions/checkout": 5,
    "actions/configure-pages": 6,
    "actions/create-github-app-token": 3,
    "actions/deploy-pages": 5,
    "actions/download-artifact": 7,
    "actions/setup-python": 6,
    "actions/upload-artifact": 6,
    "actions/upload-pages-artifact": 5,
}
COMMAND = re.compile(r"python -m (scripts\.\w+)([^\n]*)")


def load(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text())


def steps() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for path in WORKFLOWS:
        for name, job in load(path)["jobs"].items():
            found += [(f"{path.stem}.{name}", step) for step in job["steps"]]
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_nothing_is_permitted_that_a_job_does_not_ask_for(path: Path) -> None:
    workflow = load(path)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert "permissions" in job, name
        assert job["timeout-minutes"] <= 360, name


def test_the_job_that_trains_cannot_write() -> None:
    train = load(ROOT / ".github/workflows/retrain.yml")["jobs"]["train"]
    assert train["permissions"] == {"contents": "read"}
    assert "PERENNIAL_APP" not in str(train)


def test_a_claim_outlives_the_longest_wait_for_a_runner_and_all_that_follows() -> None:
    jobs = load(ROOT / ".github/workflows/retrain.yml")["jobs"]
    minutes = sum(jobs[name]["timeout-minutes"] for name in ("train", "propose", "settle"))
    needed = timedelta(hours=48, minutes=minutes)  # GitHub then cancels a job that nobody took
    assert load_triggers(ROOT).recovery.run_timeout > needed
    assert Recovery().run_timeout > needed


def test_the_apps_token_is_only_made_where_something_is_written_and_only_for_that() -> None:
    with_app = {}
    for path in WORKFLOWS:
        for name, job in load(path)["jobs"].items():
            for step in job["steps"]:
                if step.get("uses", "").startswith("actions/create-github-app-token@"):
                    with_app[f"{path.stem}.{name}"] = job, step
    assert set(with_app) == {"retrain.propose", "rollback.roll-back", "rollout.reconcile"}
    for name, (job, step) in with_app.items():
        asked = {
            key.removeprefix("permission-"): level
            for key, level in step["with"].items()
            if key.startswith("permission-")
        }
        assert asked, name
        assert asked.items() <= job["permissions"].items(), name
        assert step["if"] == "vars.PERENNIAL_APP_ID", name


def test_a_proposals_review_is_started_with_the_jobs_own_token_and_the_apps_may_not() -> None:
    propose = load(ROOT / ".github/workflows/retrain.yml")["jobs"]["propose"]
    [step] = [step for step in propose["steps"] if step.get("id") == "propose"]
    assert step["env"]["REVIEW_TOKEN"] == "${{ github.token }}"  # noqa: S105 (an expression)
    assert propose["permissions"]["actions"] == "write"
    [app] = [step for step in propose["steps"] if step.get("id") == "app"]
    assert "permission-actions" not in app["with"]


def test_the_last_job_that_writes_is_not_the_one_that_trains() -> None:
    for path in WORKFLOWS:
        for name, job in load(path)["jobs"].items():
            uses = [s for s in job["steps"] if s.get("uses") == "./.github/actions/setup"]
            if any(step["with"]["requirements"] == "train" for step in uses):
                assert set(job["permissions"].values()) == {"read"}, f"{path.stem}.{name}"


def test_no_run_line_holds_an_expression() -> None:
    for job, step in steps():
        assert "${{" not in step.get("run", ""), f"{job}: pass it through env"


def test_whoever_is_told_a_servers_address_is_told_its_token_as_well() -> None:
    secrets = load(ROOT / "configs/repository.yaml")["secrets"]
    token_of = {
        address: token
        for token in secrets
        for address in (token.replace("_TOKEN", "_URI"), token.replace("_TOKEN", "_URL"))
        if token.endswith("_TOKEN") and address in secrets
    }
    assert set(token_of) == {"MLFLOW_TRACKING_URI", "PROMETHEUS_URL"}
    for job, step in steps():
        given = set(step.get("env", {}).values())
        for address, token in token_of.items():
            if f"${{{{ secrets.{address} }}}}" in given:
                assert f"${{{{ secrets.{token} }}}}" in given, f"{job}: {address} without {token}"


def test_every_action_is_pinned_by_its_commit() -> None:
    for job, step in steps():
        uses = step.get("uses", "./")
        assert uses.startswith("./") or re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", uses), (
            f"{job}: {uses}"
        )


def test_every_pin_is_one_version_and_runs_on_a_node_that_runners_have() -> None:
    text = "".join(path.read_text() for path in PINNING)
    pins = set(PIN.findall(text))
    assert len(PIN.findall(text)) == len(re.findall(r"uses: +[\w-]+/", text))
    assert len(pins) == len({name for name, _, _ in pins}) == len(ON_NODE_24)
    for name, _, major in pins:
        assert int(major) >= ON_NODE_24[name], name


def test_dependabot_looks_into_every_folder_that_pins_an_action() -> None:
    pinning = {
        "/" if path in WORKFLOWS else f"/{path.parent.relative_to(ROOT)}"
        for path in PINNING
        if re.search(r"uses: +[\w-]+/", path.read_text())
    }
    updates = load(ROOT / ".github/dependabot.yml")["updates"]
    [actions] = [u for u in updates if u["package-ecosystem"] == "github-actions"]
    assert "/.github/actions/setup" in pinning
    assert pinning == set(actions["directories"])


@cache
def help_of(module: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", module, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_every_script_that_a_workflow_runs_exists_and_takes_its_options() -> None:
    ran = set()
    for job, step in steps():
        for module, rest in COMMAND.findall(" ".join(step.get("run", "").split())):
            words = (word.partition("=")[0] for word in shlex.split(rest))
            options = {word for word in words if word.startswith("--")}
            ran.add((module, tuple(sorted(options)), job))
    assert len(ran) >= 9
    for module, options, job in ran:
        assert {option for option in options if option not in help_of(module)} == set(), job


def test_the_outcomes_that_a_retrain_tells_are_those_that_settle_takes() -> None:
    text = (ROOT / "scripts/retrain.py").read_text()
    told = [*re.findall(r'\d: "(\w+)"', text), "failed"]
    assert len(told) == 4
    assert all(outcome in help_of("scripts.settle_retrain") for outcome in told)
