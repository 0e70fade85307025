"""Any order of events leaves at most one open proposal a model, and loses no human commit.

Real git and the stand-in for GitHub, which is spoken to as GitHub is; runs die at any request.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from pipeline.adapters.github import GitHubForge
from pipeline.core.proposal.identity import PREFIX, branch_of
from pipeline.core.proposal.marker import parse_marker
from pipeline.core.proposal.steps import End, ProposalPlan
from pipeline.errors import OutsideError
from pipeline.forge import PullRequest, PullState
from pipeline.proposing.loop import Proposal, bring_about, plan
from tests.folders import folder_of_this_process
from tests.proposals import (
    CHAMPION_PATH,
    HASTY,
    MODEL,
    champion,
    clone,
    commit_and_push,
    finish_run,
    make_remote,
    proposal_of,
    write,
)
from tests.repository import git
from tests.servers import github_recorder
from tests.servers.github_recorder import BROKEN, DROPPED, TAKEN_AND_DROPPED, Answer
from tests.servers.github_standin import APP_BOT, GitHubStandIn

ONE_TRY = replace(HASTY, attempts=1)


@cache
def _template() -> Path:
    return make_remote(folder_of_this_process("machine") / "remote.git")


class ProposalMachine(RuleBasedStateMachine):
    """`judged` is the champion that the run in the checkout was judged against."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.folder = Path(mkdtemp(prefix="perennial-machine-"))
        self.stack.callback(shutil.rmtree, self.folder)
        shutil.copytree(_template(), self.folder / "remote.git")
        server = github_recorder.running(GitHubStandIn(self.folder / "remote.git"))
        found = self.stack.enter_context(server)
        assert isinstance(found, GitHubStandIn)
        self.github = found
        self.github.add_person("ada")
        self.github.add_person("ben")
        self.person = clone(self.remote, self.folder / "person")
        self.number, self.result, self.serves, self.judged = 0, "", "c", "c"
        self.theirs: list[tuple[str, str]] = []  # branch and commit
        self.open_before = 0

    @property
    def remote(self) -> Path:
        return self.folder / "remote.git"

    @property
    def runner(self) -> Path:
        return self.folder / "runner"

    # ------------------------------------------------------------ what the pipeline does

    @initialize(result=st.sampled_from("xy"))
    def the_first_run_finishes(self, result: str) -> None:
        self.a_newer_retrain_finishes(result)

    @rule(result=st.sampled_from("xyz"))
    def a_newer_retrain_finishes(self, result: str) -> None:
        self.number += 1
        self.run_again(result)

    @rule(result=st.sampled_from("xyz"))
    def run_again(self, result: str) -> None:
        """In a checkout of its own, of main as it is now."""
        shutil.rmtree(self.runner, ignore_errors=True)
        clone(self.remote, self.runner)
        finish_run(self.runner, result)
        self.result, self.judged = result, self.serves

    @rule()
    def the_run_is_proposed(self) -> None:
        made = self.proposal()
        end = bring_about(made, lambda _: None)
        self.check_end(made, end)
        before = len(self.github.requests_of(APP_BOT))
        assert bring_about(made, lambda _: None) == end
        again = self.github.requests_of(APP_BOT)[before:]
        assert {request.method for request in again} <= {"GET"}  # nothing was written

    @rule(
        fault=st.sampled_from([DROPPED, TAKEN_AND_DROPPED, BROKEN]),
        after=st.integers(min_value=0, max_value=25),
    )
    def the_proposal_dies_at_some_request(self, fault: Answer, after: int) -> None:
        self.github.fail("*", "*", fault, after=after, login=APP_BOT)
        with suppress(OutsideError):
            bring_about(self.proposal(), lambda _: None)
        self.github.faults.clear()

    @rule(when=st.sampled_from(["pre-receive", "post-receive"]))
    def the_push_is_killed(self, when: str) -> None:
        hook = self.remote / "hooks" / when
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\nkill -9 $PPID\nexit 1\n")
        hook.chmod(0o755)
        with suppress(OutsideError):
            bring_about(self.proposal(), lambda _: None)
        hook.unlink()

    # ------------------------------------------------------------ what people do

    @precondition(lambda self: self.branches())
    @rule(data=st.data())
    def a_person_pushes_to_a_proposal(self, data: st.DataObject) -> None:
        branch = data.draw(st.sampled_from(self.branches()))
        git(self.person, "fetch", "--quiet", "origin", f"refs/heads/{branch}")
        git(self.person, "checkout", "--quiet", "--detach", "FETCH_HEAD")
        write(self.person, {"artifacts/note.md": f"{len(self.theirs)}\n"})
        self.theirs.append((branch, commit_and_push(self.person, "A person's work", branch)))

    @precondition(lambda self: self.open_pulls())
    @rule(data=st.data())
    def a_person_closes_one(self, data: st.DataObject) -> None:
        self.github.close(self.drawn(data, self.open_pulls()).number, "ada")

    @precondition(lambda self: self.closed_pulls() and not self.open_pulls())
    @rule(data=st.data())
    def a_person_opens_one_again(self, data: st.DataObject) -> None:
        with suppress(Exception):  # GitHub refuses where the branch moved on without it
            self.github.reopen(self.drawn(data, self.closed_pulls()).number, "ada")

    @precondition(lambda self: self.open_pulls())
    @rule(data=st.data(), body=st.sampled_from(["", "mine", "<!-- perennial -->", "{old}\nmine"]))
    def a_person_edits_a_body(self, data: st.DataObject, body: str) -> None:
        pull = self.drawn(data, self.open_pulls())
        new = {"body": body.replace("{old}", pull.body)}
        self.github.act("ada", "PATCH", f"/pulls/{pull.number}", new)

    @precondition(lambda self: self.open_pulls())
    @rule(data=st.data(), how=st.sampled_from(["merge", "squash"]))
    def a_person_merges_one(self, data: st.DataObject, how: str) -> None:
        with suppress(Exception):  # conflicts with main
            self.github.merge(self.drawn(data, self.open_pulls()).number, "ada", merge_method=how)

    @rule()
    def main_moves_on(self) -> None:
        self.push_to_main({"code.py": f"{len(self.git('rev-list', 'main').split())}\n"})

    @rule()
    def the_champion_changes(self) -> None:
        self.serves = "d" if self.serves == "c" else "c"
        self.push_to_main({CHAMPION_PATH: champion(self.serves)})

    # ------------------------------------------------------------ what must hold

    @invariant()
    def at_most_one_is_open(self) -> None:
        assert len(self.open_pulls()) <= 1

    @invariant()
    def no_human_commit_is_lost(self) -> None:
        for branch, commit in self.theirs:
            self.git("merge-base", "--is-ancestor", commit, branch)

    def teardown(self) -> None:
        try:
            made = self.proposal()
            self.check_end(made, bring_about(made, lambda _: None))
            assert plan(made).steps == ()
            assert self.github.violations == []
        finally:
            self.stack.close()

    # ------------------------------------------------------------ helpers

    def check_end(self, made: Proposal, end: ProposalPlan) -> None:
        wanted, open_pulls = made.wanted, self.open_pulls()
        if end.end is End.CURRENT:
            (pull,) = open_pulls
            marker = parse_marker(pull.body)
            assert pull.branch == wanted.branch
            assert marker is not None
            assert (marker.evidence, marker.told) == (wanted.evidence, pull.head)
            assert made.branch.state(made.files).is_current
        else:
            assert self.has_reason(wanted.branch, end)

    def has_reason(self, branch: str, end: ProposalPlan) -> bool:
        """Whether what people did explains why nothing was proposed."""
        pulls = self.pulls()
        is_newer = any(pull.branch > branch for pull in pulls)
        reasons: dict[End, Callable[[], bool]] = {
            End.MERGED: lambda: any(pull.state is PullState.MERGED for pull in pulls),
            End.SNOOZED: lambda: any(pull.closed_by == "ada" for pull in pulls),
            End.STOPPED: lambda: (
                self.judged != self.serves
                or is_newer
                or any(theirs == branch for theirs, _ in self.theirs)
            ),
        }
        return reasons[end.end]()

    def proposal(self) -> Proposal:
        token = self.github.token_for(APP_BOT)
        forge = GitHubForge("octo/model", token, self.github.url, patience=ONE_TRY)
        retrain = f"{MODEL}-{self.number:04d}"
        return proposal_of(self.runner, forge, retrain, judged_against=self.judged)

    def pulls(self) -> tuple[PullRequest, ...]:
        token = self.github.token_for("ben")
        forge = GitHubForge("octo/model", token, self.github.url, patience=HASTY)
        return forge.pulls(PREFIX)

    def open_pulls(self) -> list[PullRequest]:
        return [pull for pull in self.pulls() if pull.state is PullState.OPEN]

    def closed_pulls(self) -> list[PullRequest]:
        return [pull for pull in self.pulls() if pull.state is PullState.CLOSED]

    def branches(self) -> list[str]:
        wanted = branch_of(MODEL)
        names = self.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads").split()
        return [name for name in names if name.startswith(wanted)]

    def drawn(self, data: st.DataObject, pulls: list[PullRequest]) -> PullRequest:
        number = data.draw(st.sampled_from([pull.number for pull in pulls]))
        return next(pull for pull in pulls if pull.number == number)

    def push_to_main(self, files: dict[str, str]) -> None:
        git(self.person, "fetch", "--quiet", "origin", "refs/heads/main")
        git(self.person, "checkout", "--quiet", "--detach", "FETCH_HEAD")
        write(self.person, files)
        commit_and_push(self.person, "Main moves on")

    def git(self, *arguments: str) -> str:
        return git(self.remote, *arguments)


TestProposalMachine = ProposalMachine.TestCase
TestProposalMachine.settings = settings(
    max_examples=6,
    stateful_step_count=8,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
