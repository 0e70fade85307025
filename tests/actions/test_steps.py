"""Steps of a job: real shells, GitHub's files, and its rules for what comes after a failure."""

import sys
from pathlib import Path

import pytest

from tests.actions import Faulty

JOB = """
on:
  workflow_dispatch:
    inputs:
      number: {type: number, default: 7}
      flag: {type: boolean, default: true}
      word: {type: string, default: plain}
permissions: {}
env: {FROM: workflow, EVENT: "${{ github.event_name }}"}
jobs:
  a:
    runs-on: ubuntu-latest
    env: {FROM: job}
    outputs: {said: "${{ steps.say.outputs.said }}"}
    steps:
"""


def ran(attach, github, steps, **options):
    """The job `a` made of these steps, once it is over."""
    indented = "".join(f"      {line}\n" for line in steps.strip("\n").splitlines())
    actions = attach({"w.yml": JOB + indented}, **options)
    actions.dispatch("w.yml", by="alice")
    assert actions.settle() == []
    return actions.last("w.yml").jobs["a"]


def test_steps_speak_to_one_another_by_githubs_files(attach, github):
    job = ran(
        attach,
        github,
        """
- id: say
  run: |
    echo "said=one" >> "$GITHUB_OUTPUT"
    printf 'lines<<END\\nfirst\\nsecond\\nEND\\n' >> "$GITHUB_OUTPUT"
    echo "KEPT=two" >> "$GITHUB_ENV"
    echo "GITHUB_SHA=forged" >> "$GITHUB_ENV"
    mkdir -p bin && printf '#!/bin/sh\\necho tool' > bin/tool && chmod +x bin/tool
    echo "$PWD/bin" >> "$GITHUB_PATH"
    echo "### Summary" >> "$GITHUB_STEP_SUMMARY"
- env: {LINES: "${{ steps.say.outputs.lines }}"}
  run: |
    echo "$KEPT, $(tool), $FROM, ${{ env.EVENT }}, ${#GITHUB_SHA}"
    test "$LINES" = $'first\\nsecond'
""",
    )
    assert job.result == "success", job.log
    assert "two, tool, job, workflow_dispatch, 40\n" in job.log
    assert job.outputs == {"said": "one"}
    assert job.summary == "### Summary\n"


def test_inputs_have_their_types_and_the_event_their_texts(attach, github):
    job = ran(
        attach,
        github,
        """
- env:
    ALL: ${{ toJSON(inputs) }}
    TOLD: ${{ toJSON(github.event.inputs) }}
  run: echo $ALL $TOLD
- if: inputs.flag && inputs.number > 6
  run: echo typed
""",
    )
    assert '{ "number": 7, "flag": true, "word": "plain" }' in job.log
    assert '{ "number": "7", "flag": "true", "word": "plain" }' in job.log
    assert "typed" in job.log


def test_after_a_failure_only_what_asks_for_it_runs(attach, github):
    job = ran(
        attach,
        github,
        """
- id: bad
  run: echo "said=before" >> "$GITHUB_OUTPUT"; exit 3
- name: Skipped
  run: echo
- name: Told
  if: failure() && steps.bad.outcome == 'failure'
  run: echo "${{ steps.bad.outputs.said }}"
- name: Always
  if: always()
  run: echo
""",
    )
    assert job.result == "failure"
    assert "exit code 3" in job.log
    assert "before\n" in job.log
    conclusions = [step.conclusion for step in job.steps]
    assert conclusions == ["failure", "skipped", "success", "success"]


def test_what_may_fail_does_not_fail_the_job(attach, github):
    job = ran(
        attach,
        github,
        """
- id: bad
  continue-on-error: true
  run: exit 1
- run: test "${{ steps.bad.outcome }}, ${{ steps.bad.conclusion }}" = "failure, success"
""",
    )
    assert job.result == "success"


@pytest.mark.parametrize(("shell", "result"), [("", "success"), ("shell: bash", "failure")])
def test_only_a_shell_that_is_named_minds_a_broken_pipe(attach, github, shell, result):
    """GitHub's default is `bash -e`; `shell: bash` adds pipefail."""
    job = ran(attach, github, f"- run: false | true\n  {shell}".rstrip())
    assert job.result == result


def test_nothing_of_the_tests_own_environment_reaches_a_step(attach, github, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_TESTS", "seen")
    job = ran(attach, github, "- run: env", environment={"OF_MACHINE": "here"})
    assert "SECRET_OF_THE_TESTS" not in job.log
    assert "OF_MACHINE=here" in job.log


def test_secrets_are_masked_in_logs_and_kept_out_of_outputs(attach, github):
    job = ran(
        attach,
        github,
        """
- id: say
  env: {S: "${{ secrets.KEY }}", T: "${{ github.token }}"}
  run: |
    echo "::add-mask::made-here"
    echo "$S; $T; made-here"
    echo "said=$S" >> "$GITHUB_OUTPUT"
""",
        secrets={"KEY": "hunter22"},
    )
    assert "***; ***; ***" in job.log
    assert "hunter22" not in job.log
    assert job.outputs == {}


@pytest.mark.parametrize("text", ["::add-mask::true", "Because of ##[add-mask]true"])
def test_what_a_script_prints_is_no_command_to_the_runner(attach, github, text):
    steps = f"""
- id: say
  env: {{TEXT: "{text}", PYTHONPATH: "{Path(__file__).parents[2]}"}}
  run: |
    {sys.executable} -c 'import os; from pipeline.errors import exit_code_of
    exit_code_of(lambda: os.system("echo $TEXT; echo $TEXT >&2"))'
    echo "said=true" >> "$GITHUB_OUTPUT"
"""
    job = ran(attach, github, steps)
    assert text in job.log
    assert job.outputs == {"said": "true"}


def test_a_step_and_a_job_end_when_their_time_is_up(attach, github):
    job = ran(
        attach,
        github,
        "- timeout-minutes: 1\n  run: sleep 60\n- if: always()\n  run: echo after",
        minute_seconds=0.5,
    )
    assert [step.conclusion for step in job.steps] == ["failure", "success"]
    assert job.result == "failure"


def test_a_job_that_takes_too_long_is_cancelled_with_all_it_started(attach, github):
    text = JOB.replace("    runs-on", "    timeout-minutes: 1\n    runs-on")
    text += "      - run: sleep 60 & sleep 60\n      - run: echo never\n"
    text += "      - if: cancelled()\n        run: echo tidy\n"
    actions = attach({"w.yml": text}, minute_seconds=0.5)
    actions.dispatch("w.yml", by="alice")
    actions.settle()
    run = actions.runs[0]
    assert (run.conclusion, run.jobs["a"].result) == ("cancelled", "cancelled")
    assert "tidy" in run.log
    assert "never" not in run.log


@pytest.mark.parametrize("step", ["- uses: someone/else@v1", "- run: echo\n  shell: pwsh {0}"])
def test_what_is_not_supported_is_a_failure_that_says_so(attach, github, step):
    job = ran(attach, github, step)
    assert job.result == "failure"
    assert "not supported by tests/actions" in job.log


def test_a_whole_file_that_is_not_supported_is_refused(attach):
    text = JOB.replace("    runs-on", "    container: alpine\n    runs-on") + "      - run: echo\n"
    actions = attach({"w.yml": text})
    actions.dispatch("w.yml", by="alice")
    with pytest.raises(Faulty, match="container"):
        actions.settle()


def test_a_garbled_output_fails_the_step(attach, github):
    job = ran(attach, github, '- run: echo "no equals sign" >> "$GITHUB_OUTPUT"')
    assert "Invalid format 'no equals sign'" in job.log
    assert job.result == "failure"
