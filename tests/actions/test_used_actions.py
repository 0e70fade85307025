"""checkout, artifacts, setup-python, the App's token and composite actions do the real thing."""

import pytest

from tests.servers.github_standin import APP_BOT

CHECKOUT = "uses: actions/checkout@v5"
APP = """- uses: actions/create-github-app-token@v3
  id: app
  if: vars.PERENNIAL_APP_ID
  with: {client-id: "${{ vars.PERENNIAL_APP_ID }}", private-key: "${{ secrets.PERENNIAL_APP_KEY }}"}
"""
PUSH = f"""- {CHECKOUT}
  with: {{persist-credentials: false}}
{APP}- if: github.event_name == 'workflow_dispatch'
  env: {{T: "${{{{ steps.app.outputs.token || github.token }}}}"}}
  run: |
    basic="$(printf 'x-access-token:%s' "$T" | base64 -w0)"
    git -c user.name=x -c user.email=x commit --quiet --allow-empty --message=Again
    git -c "http.extraheader=AUTHORIZATION: basic $basic" push --quiet origin HEAD:refs/heads/new
"""


def test_a_checkout_is_a_clone_of_one_commit_with_the_jobs_token(ran, clone):
    clone.push("main", {"README.md": "second\n"})
    actions = ran(f"""
- {CHECKOUT}
- run: |
    git rev-list --count HEAD; git branch --show-current; git branch --remotes
    git config --get-regexp 'http.*extraheader' | wc -l
    git fetch --quiet origin main && echo fetched
""")
    assert "1\nmain\n  origin/main\n1\nfetched\n" in actions.runs[0].log


def test_a_checkout_may_have_the_whole_history_and_keep_no_credentials(ran, clone):
    clone.push("main", {"README.md": "second\n"})
    clone.push("other", {"README.md": "third\n"})
    actions = ran(f"""
- {CHECKOUT}
  with: {{fetch-depth: 0, persist-credentials: false}}
- run: |
    git rev-list --count HEAD; git branch --remotes
    git config --get-regexp 'http.*extraheader' | wc -l
    git fetch --quiet origin main || echo refused
""")
    log = actions.runs[0].log
    assert "3\n  origin/main\n  origin/other\n0\n" in log
    assert "refused\n" in log


@pytest.mark.parametrize(
    ("given", "head"),
    [("ref: other", "third"), ("ref: refs/heads/other", "third"), ("path: below", "start")],
)
def test_a_checkout_is_of_the_ref_and_the_place_that_are_asked_for(ran, clone, given, head):
    clone.push("other", {"README.md": "third\n"})
    actions = ran(f"- {CHECKOUT}\n  with: {{{given}}}\n- run: cat README.md || cat below/README.md")
    assert f"{head}\n" in actions.runs[0].log


def test_a_checkout_needs_the_grant_to_read(ran):
    actions = ran(f"- {CHECKOUT}", permissions="{issues: write}")
    assert actions.runs[0].conclusion == "failure"
    assert "denied to github-actions[bot]" in actions.runs[0].log


def test_a_jobs_own_push_starts_nothing_and_needs_the_grant(ran, github):
    refused = ran(PUSH)
    assert "Permission to octo/model.git denied to github-actions[bot]" in refused.runs[0].log
    assert "refs/heads/new" not in github.world.git.refs()


def test_a_push_with_the_grant_starts_nothing_as_the_job_and_a_run_as_the_app(ran, github):
    actions = ran(PUSH, permissions="{contents: write}")
    assert "refs/heads/new" in github.world.git.refs()
    assert [run.conclusion for run in actions.runs] == ["success"]


def test_a_push_of_the_app_starts_workflows_whatever_the_job_may(ran):
    actions = ran(PUSH, app="1234")
    first, second = actions.runs
    assert (first.conclusion, second.event.name, second.actor) == ("success", "push", APP_BOT)


def test_an_app_with_another_key_gets_no_token(ran):
    actions = ran(APP.replace("secrets.PERENNIAL_APP_KEY", "'wrong'"), app="1234")
    assert actions.runs[0].conclusion == "failure"
    assert "could not be decoded" in actions.runs[0].log


def test_an_apps_token_has_the_permissions_asked_for_and_ends_with_the_job(ran, github, tmp_path):
    asked = APP.replace("client-id", "permission-issues: read, client-id", 1)
    ran(f"{asked}- run: echo ${{{{ steps.app.outputs.token }}}} > {tmp_path}/t", app="1")
    header = f"Bearer {(tmp_path / 't').read_text().strip()}"
    assert github.world.people.viewer(header) is None
    assert github.world.people.owner(header).grants == {"issues": "read"}


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (
            "- uses: actions/upload-artifact@v4\n  with: {path: none, if-no-files-found: error}",
            "No files",
        ),
        ("- uses: actions/download-artifact@v5\n  with: {name: none}", "Artifact not found"),
        (f"- {CHECKOUT}\n  with: {{submodules: true}}", "does not know these inputs"),
        (f"- {CHECKOUT}\n  with: {{path: ../out}}", "not below the workspace"),
        (f"- {CHECKOUT}\n  with: {{ref: none}}", "'none' could not be found"),
        ("- uses: ./.github/actions/none", "Did you forget a checkout?"),
    ],
)
def test_what_an_action_cannot_do_fails_its_step(ran, steps, words):
    actions = ran(steps)
    assert actions.runs[0].conclusion == "failure"
    assert words in actions.runs[0].log


COMPOSITE = """
name: x
description: x
inputs:
  word: {description: x, required: true}
  other: {description: x, default: "${{ github.actor }}"}
outputs:
  said: {description: x, value: "${{ steps.s.outputs.said }}"}
runs:
  using: composite
  steps:
    - uses: actions/setup-python@v6
      with: {python-version: "3.12"}
    - id: s
      shell: bash
      env: {WORD: "${{ inputs.word }}"}
      run: |
        printf 'numpy==1 --hash=sha256:0\\n' > r.txt
        python -m pip install --quiet --require-hashes -r r.txt
        echo "said=$WORD by ${{ inputs.other }}" >> "$GITHUB_OUTPUT"
"""


def test_a_composite_action_runs_its_own_steps(ran, clone):
    clone.push("main", {"act/action.yml": COMPOSITE})
    actions = ran(f"""
- {CHECKOUT}
- uses: ./act
  id: c
  with: {{word: hello}}
- run: echo "${{{{ steps.c.outputs.said }}}}, ${{{{ steps.s.outputs.said }}}}."
- run: python -c "import numpy"
""")
    assert actions.runs[0].conclusion == "success", actions.runs[0].log
    assert "hello by alice, .\n" in actions.runs[0].log


def test_requirements_that_are_not_here_fail_the_step(ran, clone):
    steps = COMPOSITE.replace("numpy==1 --hash=sha256:0", "no-such-package==1 --hash=sha256:0")
    clone.push("main", {"act/action.yml": steps})
    actions = ran(f"- {CHECKOUT}\n- uses: ./act\n  with: {{word: x}}")
    assert actions.runs[0].conclusion == "failure"
    assert "no-such-package==1: not in the environment" in actions.runs[0].log
