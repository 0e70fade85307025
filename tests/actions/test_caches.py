"""actions/cache: what is kept under a key, for whom, and who may keep it."""

import re

import pytest

from tests.servers.github_standin import Clone

TEXT = """on: {workflow_dispatch: , pull_request: , pull_request_target: }
permissions: {}
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - id: kept
        uses: actions/cache/restore@v4
        with: {path: out, key: "${{ vars.KEY }}"}
      - if: steps.kept.outputs.cache-hit != 'true'
        run: mkdir -p out/.deep && echo "$GITHUB_EVENT_NAME" > out/.deep/name
      - run: echo "made by $(cat out/.deep/name), hit '${{ steps.kept.outputs.cache-hit }}'"
      - uses: actions/cache/save@v4
        with: {path: out, key: "${{ vars.KEY }}"}
"""
READ_ONLY = "Failed to save: cache write denied"
TAKEN = "Unable to reserve cache"


@pytest.fixture
def actions(attach):
    return attach({"w.yml": TEXT}, variables={"KEY": "one"})


def propose(github, clone: Clone, branch: str) -> None:
    clone.push(branch, {f"{branch}.md": "x"})
    github.act("alice", "POST", "/pulls", {"title": "x", "head": branch, "base": "main"})


def made_by(run) -> tuple[str, bool]:
    """What made the files that the run has, and whether it found them kept."""
    assert run.conclusion == "success", run.log
    [(name, hit)] = re.findall("^made by (.+), hit '(.*)'$", run.log, re.MULTILINE)
    return name, hit == "true"


def test_files_are_kept_under_their_exact_key_and_never_replaced(actions):
    for key in ("one", "one", "on", "one"):
        actions.settings.variables["KEY"] = key
        actions.dispatch("w.yml", by="alice")
        actions.settle()
    assert [made_by(run)[1] for run in actions.runs] == [False, True, False, True]
    assert [TAKEN in run.log for run in actions.runs] == [False, True, False, True]


def test_what_was_kept_for_another_path_is_not_found(attach):
    other = TEXT.replace("out", "out2").replace("out2puts", "outputs")
    actions = attach({"w.yml": TEXT, "x.yml": other}, variables={"KEY": "one"})
    for name in ("w.yml", "x.yml"):
        actions.dispatch(name, by="alice")
        actions.settle()
    assert [made_by(run)[1] for run in actions.runs] == [False, False]


def test_a_pull_request_keeps_for_itself_and_reads_what_main_keeps(actions, github, clone):
    propose(github, clone, "a")
    actions.settle()
    actions.dispatch("w.yml", by="alice")
    actions.settle()
    assert made_by(actions.last("w.yml")) == ("workflow_dispatch", False)
    propose(github, clone, "b")
    clone.push("a", {"more.md": "x"})
    actions.settle()
    found = [made_by(run) for run in actions.runs if run.event.name == "pull_request"]
    own, mains, own_again = found
    assert own == ("pull_request", False)
    assert mains == ("workflow_dispatch", True)
    assert own_again == ("pull_request", True)


def test_an_event_that_strangers_can_cause_reads_mains_and_keeps_nothing(actions, github, clone):
    propose(github, clone, "a")
    actions.settle()
    actions.dispatch("w.yml", by="alice")
    clone.push("a", {"more.md": "x"})
    actions.settle()
    first, second = (run for run in actions.runs if run.event.name == "pull_request_target")
    assert made_by(first) == ("pull_request_target", False)
    assert READ_ONLY in first.log
    assert made_by(second) == ("workflow_dispatch", True)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("path: out, key: k, restore-keys: r", "does not know these inputs"),
        ("path: out", "a key of at most 512 characters"),
        ('path: out, key: "a,b"', "a key of at most 512 characters"),
    ],
)
def test_what_the_stand_in_cannot_do_fails_the_step(ran, given, words):
    actions = ran(f"- uses: actions/cache/restore@v4\n  with: {{{given}}}")
    assert actions.runs[0].conclusion == "failure"
    assert words in actions.runs[0].log


def test_files_that_are_not_there_are_a_warning(ran):
    actions = ran("- uses: actions/cache/save@v4\n  with: {path: none, key: k}")
    assert actions.runs[0].conclusion == "success"
    assert "Path Validation Error" in actions.runs[0].log
