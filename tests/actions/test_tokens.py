"""A job's token may do what the job asked for, for as long as the job lasts."""

import pytest
import requests

from tests.actions.texts import CALL, job
from tests.servers.github_standin import Clone


@pytest.mark.parametrize(
    ("permissions", "answers"),
    [
        ("{}", "403 403"),
        ("{actions: read}", "200 403"),
        ("{actions: read, issues: read}", "200 403"),
        ("{actions: read, issues: write}", "200 201"),
        ("write-all", "200 201"),
        ("read-all", "200 403"),
    ],
)
def test_a_token_may_do_what_the_job_asked_for_and_nothing_else(dispatched, permissions, answers):
    actions = dispatched(job("a", [f"permissions: {permissions}"], f"run: {CALL}"))
    actions.settle()
    assert answers.replace(" ", "\n") in actions.runs[0].log


def test_a_token_ends_with_its_job(dispatched, github, tmp_path):
    actions = dispatched(
        job("a", ["permissions: read-all"], f"run: echo ${{{{ github.token }}}} > {tmp_path}/t")
    )
    actions.settle()
    answer = requests.get(
        f"{github.world.api}/issues",
        headers={"Authorization": f"Bearer {(tmp_path / 't').read_text().strip()}"},
        timeout=30,
    )
    assert answer.status_code == 401


def test_a_forks_pull_request_gets_no_secret_and_may_only_read(attach, github, tmp_path):
    text = "on: pull_request\npermissions: write-all\njobs:\n" + job(
        "a",
        [],
        "uses: actions/checkout@v5",
        "run: git log -1 --format=%s; echo 'secret:${{ secrets.KEY }}.'",
        f"run: {CALL}",
    )
    actions = attach({"w.yml": text}, secrets={"KEY": "hunter22"})
    github.add_person("mallory", "read")
    fork = github.add_fork("mallory", tmp_path / "fork.git")
    Clone(fork, tmp_path / "theirs").push("b", {"x": "1"})
    body = {"title": "x", "head": "mallory:b", "base": "main", "body": "x"}
    github.act("mallory", "POST", "/pulls", body)
    actions.settle()
    [run] = actions.runs
    assert run.conclusion == "success", run.log
    assert "Merge " in run.log
    assert "secret:.\n" in run.log
    assert "200\n403\n" in run.log
