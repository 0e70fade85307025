"""Jobs that die, are cancelled, and are run again."""

import pytest

from tests.actions.texts import CALL, job
from tests.servers.github_standin import ACTIONS_BOT


def results(run):
    return {key: each.result for key, each in run.jobs.items()}


def test_failed_jobs_are_run_again_with_what_depends_on_them(dispatched, tmp_path):
    once = f"run: test -e {tmp_path}/done || {{ touch {tmp_path}/done; exit 1; }}"
    actions = dispatched(
        job(
            "a",
            ["outputs: {n: '${{ steps.s.outputs.n }}'}"],
            "{id: s, run: 'echo n=$GITHUB_RUN_ATTEMPT >> $GITHUB_OUTPUT'}",
        ),
        job("b", ["needs: a"], once),
        job(
            "c",
            ["needs: [a, b]"],
            "run: echo ${{ needs.a.outputs.n }} $GITHUB_RUN_ATTEMPT ${{ github.triggering_actor }}",
        ),
    )
    actions.settle()
    run = actions.runs[0]
    assert results(run) == {"a": "success", "b": "failure", "c": "skipped"}
    actions.rerun(run, by="rita", failed_only=True)
    actions.settle()
    assert (run.conclusion, run.attempt) == ("success", 2)
    assert "1 2 rita\n" in run.jobs["c"].log
    assert run.earlier[0]["b"].result == "failure"
    actions.rerun(run, by="rita")
    actions.settle()
    assert run.jobs["a"].outputs == {"n": "3"}


STEPS = (
    "{name: One, run: echo one}",
    "{name: Two, run: sleep 20}",
    "{if: always(), run: echo end}",
)


@pytest.mark.parametrize(("when", "ended"), [("before", 1), ("during", 2), ("after", 1)])
def test_a_lost_machine_runs_no_further_step_but_jobs_after_it_do(dispatched, when, ended):
    actions = dispatched(job("a", [], *STEPS), job("b", ["needs: a", "if: failure()"], "run: echo"))
    actions.kill("w.yml", "a", "One" if when == "after" else "Two", when, seconds=0.3)
    actions.settle()
    run = actions.runs[0]
    assert results(run) == {"a": "failure", "b": "success"}
    assert len(run.jobs["a"].steps) == ended
    assert "## Run echo end" not in run.log
    assert actions.unused_kills == []


def test_a_machine_may_be_lost_at_a_request(dispatched, github):
    actions = dispatched(
        job("a", ["permissions: {actions: read, issues: write}"], f"run: {CALL}", "run: echo next")
    )
    github.meanwhile("POST", "/repos/{owner}/{repo}/issues", actions.kill_now, login=ACTIONS_BOT)
    actions.settle()
    assert actions.runs[0].conclusion == "failure"
    assert "## Run echo next" not in actions.runs[0].log


def test_a_cancelled_run_still_tidies_up(dispatched):
    actions = dispatched(
        job("a", ["environment: prod"], "run: echo"),
        job("b", [], "run: echo"),
        job("c", ["needs: [a, b]", "if: always()"], "run: echo"),
        job("d", ["needs: [a, b]"], "run: echo"),
    )
    actions.set_environment("prod", reviewers=["rita"])
    [run] = actions.settle()
    actions.cancel(run)
    actions.settle()
    expected = {"a": "cancelled", "b": "success", "c": "success", "d": "cancelled"}
    assert (results(run), run.conclusion) == (expected, "cancelled")
