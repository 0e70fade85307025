"""Jobs: what they wait for, what they hand on, and who agrees to them."""

import pytest

from tests.actions.texts import job


def results(run):
    return {key: each.result for key, each in run.jobs.items()}


def test_a_job_follows_a_skipped_one_only_if_it_says_so(dispatched):
    actions = dispatched(
        job("a", ["if: vars.ON == 'yes'"], "run: echo"),
        job("b", ["needs: a"], "run: echo"),
        job("c", ["needs: a", "if: ${{ !cancelled() }}"], "run: echo"),
        job("d", ["needs: c"], "run: echo"),
        job("e", ["needs: [c]", "if: always() && needs.c.result == 'success'"], "run: echo"),
    )
    actions.settle()
    run = actions.runs[0]
    expected = {"a": "skipped", "b": "skipped", "c": "success", "d": "skipped", "e": "success"}
    assert results(run) == expected
    assert run.conclusion == "success"
    assert [each.minutes for each in run.jobs.values()] == [0, 0, 1, 0, 1]


def test_outputs_reach_the_jobs_that_need_them(dispatched):
    actions = dispatched(
        job(
            "a",
            ["outputs: {x: '${{ steps.s.outputs.x }}'}"],
            "{id: s, run: 'echo x=1 >> $GITHUB_OUTPUT'}",
        ),
        job("b", ["needs: a", "env: {X: '${{ needs.a.outputs.x }}'}"], "run: test $X = 1"),
    )
    actions.settle()
    assert actions.runs[0].conclusion == "success"


def test_a_matrix_is_a_job_each_and_its_first_failure_stops_the_rest(dispatched):
    rows = "strategy: {matrix: {n: [1, 2, 3]}}"
    actions = dispatched(
        job("a", [rows], "{env: {N: '${{ matrix.n }}'}, run: 'test $N != 2'}"),
        job(
            "b",
            [rows.replace("{matrix", "{fail-fast: false, matrix")],
            "run: test ${{ matrix.n }} != 2",
        ),
        job("c", ["needs: [a, b]", "if: always()"], "run: test ${{ needs.a.result }} = failure"),
    )
    actions.settle()
    found = results(actions.runs[0])
    assert [found[f"a ({n})"] for n in (1, 2, 3)] == ["success", "failure", "cancelled"]
    assert [found[f"b ({n})"] for n in (1, 2, 3)] == ["success", "failure", "success"]
    assert found["c"] == "success"


def test_an_environment_waits_for_one_of_its_reviewers(dispatched, github):
    wait = job("a", ["environment: {name: prod}"], "run: test ${{ secrets.KEY }} = own")
    actions = dispatched(wait, job("b", [], "run: echo"), secrets={"KEY": "repository"})
    actions.set_environment("prod", reviewers=["rita", "ralf"], secrets={"KEY": "own"})
    [run] = actions.settle()
    assert results(run) == {"a": "", "b": "success"}
    path = f"/actions/runs/{run.id}"
    assert github.act("alice", "GET", path)["status"] == "waiting"
    with pytest.raises(AssertionError, match="alice does not review prod"):
        actions.approve(run, by="alice")
    actions.approve(run, by="rita", comment="go on")
    assert actions.settle() == []
    assert run.conclusion == "success"
    [approval] = github.act("alice", "GET", f"{path}/approvals")
    assert (approval["user"]["login"], approval["state"]) == ("rita", "approved")
    assert approval["environments"][0]["name"] == "prod"


def test_a_refusal_fails_the_job(dispatched):
    actions = dispatched(job("a", ["environment: prod"], "run: echo"))
    actions.set_environment("prod", reviewers=["rita"])
    [run] = actions.settle()
    actions.reject(run, by="rita")
    actions.settle()
    assert (results(run), run.conclusion) == ({"a": "failure"}, "failure")


def test_a_branch_that_an_environment_does_not_let_in_fails(dispatched, github):
    actions = dispatched(job("a", ["environment: prod"], "run: echo"))
    actions.settings.environment("prod").branches = {"releases/*": 1}
    actions.settle()
    assert "not allowed to deploy to prod" in actions.runs[0].log


def test_jobs_show_as_checks_of_their_commit(dispatched, github):
    actions = dispatched(job("a", ["name: all green"], "run: echo"))
    actions.settle()
    sha = actions.runs[0].event.head_sha
    checks = github.act("alice", "GET", f"/commits/{sha}/check-runs")["check_runs"]
    assert [(check["name"], check["conclusion"]) for check in checks] == [("all green", "success")]
