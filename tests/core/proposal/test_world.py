"""The planner against a small world in memory: many orders of events, runs that die at any step.

The world does what git and a forge do, each step is taken as the loop takes it. See
tests/test_proposal_machine.py for the same with real git and requests.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pipeline.core.proposal.identity import AUTHOR, branch_of
from pipeline.core.proposal.marker import parse_marker
from pipeline.core.proposal.notes import superseded_note
from pipeline.core.proposal.plan import plan_proposal
from pipeline.core.proposal.state import Seen, Wanted, needs_comments
from pipeline.core.proposal.steps import (
    Close,
    Edit,
    End,
    Link,
    Open,
    ProposalPlan,
    Push,
    Say,
    Step,
    Tell,
)
from pipeline.forge import BranchState, Comment, Commit, PullRequest, PullState
from tests.proposals import MODEL, digest, wanted

US = "perennial[bot]"
ADA = "Ada <ada@example.org>"
MANY_STEPS = 30
LIVES = st.sampled_from([None, None, 0, 1, 2, 3, 4, 5])


@dataclass
class Branch:
    """`commits` newest first; `files` is what its newest commit holds, beside main's version."""

    commits: list[Commit] = field(default_factory=list)
    files: tuple[str, int] | None = None


class ProposalWorld(RuleBasedStateMachine):
    """`main` is a version; merging a proposal, or a push to main, makes the next one."""

    def __init__(self) -> None:
        super().__init__()
        self.main, self.serves = 1, "c"
        self.has = ""  # the evidence that main holds
        self.branches: dict[str, Branch] = {}
        self.pulls: dict[int, PullRequest] = {}
        self.comments: dict[int, tuple[int, Comment]] = {}
        self.shas = 0
        self.number, self.want = 0, wanted(digest("a"))
        self.finish("a", 1)

    # ------------------------------------------------------------ events

    @rule(result=st.sampled_from("ab"), is_newer=st.booleans(), dies_after=LIVES)
    def a_retrain_finishes(self, result: str, is_newer: bool, dies_after: int | None) -> None:
        self.finish(result, self.number + is_newer)
        self.propose(dies_after)

    @rule(number=st.integers(min_value=1, max_value=3), result=st.sampled_from("ab"))
    def an_older_retrain_finishes_late(self, number: int, result: str) -> None:
        newest = self.number
        self.finish(result, min(number, newest))
        self.propose(None)
        self.number = newest

    @rule(dies_after=LIVES)
    def the_same_run_is_proposed(self, dies_after: int | None) -> None:
        self.propose(dies_after)

    @rule(which=st.integers(min_value=0, max_value=5))
    def a_person_pushes(self, which: int) -> None:
        if self.branches:
            branch = list(self.branches.values())[which % len(self.branches)]
            branch.commits.insert(0, Commit(self.sha(), ADA, ADA, None))
            branch.files = ("a person's", self.main)

    @rule(which=st.integers(min_value=0, max_value=5))
    def a_person_updates_a_branch(self, which: int) -> None:
        if self.branches:
            branch = list(self.branches.values())[which % len(self.branches)]
            branch.commits.insert(0, Commit(self.sha(), ADA, ADA, None, is_plain_merge=True))
            branch.files = (branch.files[0], self.main) if branch.files else None

    @rule()
    def a_person_closes(self) -> None:
        for pull in self.open_pulls():
            self.put(replace(pull, state=PullState.CLOSED, closed_by="ada"))

    @rule(which=st.integers(min_value=0, max_value=5))
    def a_person_opens_one_again(self, which: int) -> None:
        closed = [p for p in self.pulls.values() if p.state is PullState.CLOSED]
        if closed and not self.open_pulls():
            again = closed[which % len(closed)]
            self.put(replace(again, state=PullState.OPEN, closed_by=None))

    @rule(body=st.sampled_from(["", "mine", "{old} and mine"]))
    def a_person_edits(self, body: str) -> None:
        for pull in self.open_pulls():
            self.put(replace(pull, title="Mine", body=body.replace("{old}", pull.body)))

    @rule()
    def a_person_merges(self) -> None:
        for pull in self.open_pulls():
            marker = parse_marker(pull.body)
            self.has = marker.evidence if marker else self.has
            self.main += 1
            self.put(replace(pull, state=PullState.MERGED, merge_commit=self.sha()))

    @rule()
    def main_moves_on(self) -> None:
        self.main += 1

    @rule()
    def the_champion_changes(self) -> None:
        self.main += 1
        self.serves = "d" if self.serves == "c" else "c"

    # ------------------------------------------------------------ what must hold

    @invariant()
    def at_most_one_is_open(self) -> None:
        assert len(self.open_pulls()) <= 1

    @invariant()
    def nothing_is_said_twice(self) -> None:
        said = [(on, c.body.partition("\n")[0]) for on, c in self.comments.values()]
        assert len(said) == len(set(said))

    def finish(self, result: str, number: int) -> None:
        self.number = number
        self.want = wanted(digest(result), f"{MODEL}-{number:04d}", self.serves)

    def propose(self, dies_after: int | None) -> None:
        """As the loop does it; `dies_after` so many steps, None: it lives."""
        may_open = not self.is_snoozed()
        for taken in range(MANY_STEPS):
            left = self.plan()
            if not left.steps:
                self.check_end(left)
                return
            if taken == dies_after:
                return
            assert may_open or not isinstance(left.steps[0], Open)
            self.take(left.steps[0])
        raise AssertionError(f"no end: {left}")

    def is_snoozed(self) -> bool:
        """Whether a person said no to what is wanted, and nobody took that back.

        Nobody knows to what, where the body tells of other evidence than the commit below it: the
        run that pushed it died before it could tell.
        """
        if any(pull.branch == self.want.branch for pull in self.open_pulls()):
            return False
        closed = [p for p in self.pulls.values() if p.closed_by == "ada"]
        told = {p.head: marker.evidence for p in closed if (marker := parse_marker(p.body))}
        pushed = {c.sha: c.evidence for b in self.branches.values() for c in b.commits}
        refused = {told[head] for head in told if pushed[head] == told[head]}
        return self.want.evidence in refused and all(parse_marker(p.body) for p in closed)

    def check_end(self, end: ProposalPlan) -> None:
        assert self.plan() == end
        if end.end is not End.CURRENT:
            return
        (pull,) = self.open_pulls()
        branch, marker = self.branches[pull.branch], parse_marker(pull.body)
        assert pull.branch == self.want.branch
        assert self.want.champion == digest(self.serves)
        assert not any(
            other.branch > pull.branch and other.state is PullState.MERGED
            for other in self.pulls.values()
        )
        assert branch.files == (self.want.evidence, self.main)
        assert marker is not None
        assert (marker.evidence, marker.told) == (self.want.evidence, branch.commits[0].sha)
        looked_at = needs_comments(self.newest_first(), self.want)
        unlinked = superseded_note(self.want.retrain, None)
        assert not [
            on for on, c in self.comments.values() if on in looked_at and c.body == unlinked
        ]

    # ------------------------------------------------------------ what a step does

    def take(self, step: Step) -> None:
        match step:
            case Say():
                key = len(self.comments) + 1
                self.comments[key] = step.number, Comment(key, US, step.body)
            case Close():
                pull = self.pulls[step.number]
                self.put(replace(pull, state=PullState.CLOSED, closed_by=US))
            case Push():
                self.push(step)
            case Open():
                assert self.branches[step.branch].files is not None
                number = len(self.pulls) + 1
                self.put(self.opened(number, step))
            case Edit():
                pull = self.pulls[step.number]
                self.put(replace(pull, title=step.title, body=step.body))
            case Link():
                on, comment = self.comments[step.comment]
                self.comments[step.comment] = on, replace(comment, body=step.body)
            case Tell():
                self.put(replace(self.pulls[step.number], body=step.body))

    def push(self, step: Push) -> None:
        branch = self.branches.setdefault(step.branch, Branch())
        assert all(c.author != ADA or c.is_plain_merge for c in branch.commits)
        branch.commits.insert(0, Commit(self.sha(), AUTHOR, AUTHOR, step.evidence))
        branch.files = (step.evidence, self.main)
        self.move_heads(step.branch)

    def move_heads(self, branch: str) -> None:
        head = self.branches[branch].commits[0].sha
        for pull in self.open_pulls():
            if pull.branch == branch:
                self.put(replace(pull, head=head))

    def opened(self, number: int, step: Open) -> PullRequest:
        return PullRequest(
            number=number,
            branch=step.branch,
            head=self.branches[step.branch].commits[0].sha,
            base=step.base,
            title=step.title,
            body=step.body,
            state=PullState.OPEN,
            author=US,
            closed_by=None,
            url="",
            labels=(),
            merge_commit=None,
        )

    # ------------------------------------------------------------ what is seen

    def plan(self) -> ProposalPlan:
        return plan_proposal(self.want, self.seen(self.want))

    def seen(self, want: Wanted) -> Seen:
        pulls = self.newest_first()
        branch = self.branches.get(want.branch, Branch())
        is_current = branch.files == (want.evidence, self.main)
        state = BranchState(
            name=branch_of(want.retrain),
            tip=branch.commits[0].sha if branch.commits else None,
            main=f"{self.main:040d}",
            commits=tuple(branch.commits),
            is_current=is_current,
            main_has_all=self.has == want.evidence,
        )
        said = {
            n: tuple(c for on, c in self.comments.values() if on == n)
            for n in needs_comments(pulls, want)
        }
        return Seen(US, state, digest(self.serves), pulls, said)

    def newest_first(self) -> tuple[PullRequest, ...]:
        return tuple(sorted(self.pulls.values(), key=lambda p: -p.number))

    def open_pulls(self) -> list[PullRequest]:
        return [pull for pull in self.pulls.values() if pull.state is PullState.OPEN]

    def put(self, pull: PullRequest) -> None:
        self.pulls[pull.number] = pull

    def sha(self) -> str:
        self.shas += 1
        return f"{self.shas:x}".rjust(40, "a")


TestProposalWorld = ProposalWorld.TestCase
TestProposalWorld.settings = settings(
    max_examples=150, stateful_step_count=30, deadline=None, print_blob=True
)
