"""A year of flights goes by: months are checked, and retrains trained, judged and rolled out."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from pipeline.config import load_usecase, parse_utc
from pipeline.demo.acts import start_champion
from pipeline.demo.checkout import call, commit, discard_changes, make_repository, merge
from pipeline.demo.overruled import overruled_spec, propose_overruled
from pipeline.demo.production import Production, production
from pipeline.demo.show import Show, show_misbehaving, show_promotion
from pipeline.jsonio import load_json
from pipeline.manifest import RolloutSpec

DEMO = Path(".demo")
REPOSITORY = DEMO / "flights"
REPORTS = DEMO / "reports"
LOGS = DEMO / "logs"
FIRST = "2013-04-02T12:00:00Z"
CHECKS = (  # a moment a month; in production the monitor looks every hour
    "2013-05-03T12:00:00Z",
    "2013-06-03T12:00:00Z",
    "2013-07-03T12:00:00Z",
    "2013-08-03T12:00:00Z",
    "2013-09-03T12:00:00Z",
    "2013-10-03T12:00:00Z",
    "2013-11-03T12:00:00Z",
    "2013-12-03T12:00:00Z",
    "2014-01-02T12:00:00Z",
)


@dataclass(frozen=True)
class Ended:
    """A retrain of the demo: when it ran, why, and what came of it."""

    as_of: str
    causes: str
    comparison: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of its report's folder."""
        return self.as_of[:10]


@dataclass
class Year:
    """The demo under way. `lost` is the newest challenger that lost against today's champion."""

    root: Path
    place: Production
    show: Show
    ended: list[Ended] = field(default_factory=list)
    lost: RolloutSpec | None = None

    @property
    def repository(self) -> Path:
        """The demo's own repository."""
        return self.place.repository

    def start(self) -> None:
        """Data, and a first champion."""
        step("Load the flights of 2013 into a warehouse, as they would have arrived")
        call(self.repository, "seed_warehouse", "--apply")
        step("Train the first champion on what is known on April 2nd")
        call(self.repository, "retrain", "--as-of", FIRST, "--apply", may_refuse=True)
        self.keep_report(FIRST[:10])
        print(
            "\nA first model is never its own judge: a person approves it. The demo does that now."
        )
        why = ("--approved-by", "demo", "--reason", "first model", "--apply")
        call(self.repository, "set_champion", *why)
        commit(self.repository, "Approve the champion: first model")
        self.serve(FIRST)

    def go_by(self) -> None:
        """Check the triggers month by month, and do what they ask for."""
        for now in CHECKS:
            step(f"{now[:10]}: another month of answers is known, and the triggers look")
            seen = self.check(now)
            if seen["retrain"] is not None:
                self.ended.append(self.retrain(seen, now))

    def check(self, at: str) -> dict[str, Any]:
        """What was seen and decided as of `at`. Broken data trains nothing."""
        path = self.repository / "artifacts/check.json"
        options = ("--at", at, "--json", str(path.relative_to(self.repository)), "--local")
        call(self.repository, "check_triggers", *options, "--apply", allowed=(0, 4))
        found: dict[str, Any] = load_json(path)
        return found

    def retrain(self, seen: dict[str, Any], at: str) -> Ended:
        """Claim the retrain that is due, train, roll out what passed, tell the ledger."""
        name, first = seen["retrain"], seen["causes"][0]
        known = ("--local", "--retrain", name)
        call(self.repository, "admit_retrain", *known, "--at", at, "--apply")
        why = ("--trigger-type", first["trigger"], "--trigger-priority", first["priority"])
        call(self.repository, "retrain", "--as-of", at, *why, *known, "--apply", may_refuse=True)
        comparison = load_json(self.repository / "artifacts/compare/comparison.json")
        self.keep_report(at[:10])
        is_better = comparison["verdict"] == "PASS"
        if is_better:
            self.roll_out(name, at)
            self.lost = None  # those before it lost against a champion that serves no more
        else:
            self.lost = overruled_spec(self.repository, self.place.model, name)
            discard_changes(self.repository)
        outcome = ("--outcome", "won" if is_better else "lost", f"--note={comparison['summary']}")
        call(self.repository, "settle_retrain", *known, *outcome, "--at", at, "--apply")
        return Ended(at, ", ".join(cause["trigger"] for cause in seen["causes"]), comparison)

    def roll_out(self, name: str, at: str) -> None:
        """Open the pull request of a retrain that passed, merge it, and let it be promoted."""
        start_champion(self.place)  # it serves since April; here users come only now
        propose = ("--forge", "local", "--retrain", name, "--apply")
        call(self.repository, "open_retrain_pr", *propose)
        call(self.repository, "update_dashboard_issue", "--forge", "local", "--apply")
        print("\nTwo people would review it now, and merge it; the demo does that.")
        discard_changes(self.repository)
        step(f"Roll {name} out: real servers, Envoy and users; seconds for the plan's hours")
        before = self.show.begin(self.place)
        merge(self.repository, f"perennial/retrain/{name}", f"Merge {name}")
        start = parse_utc(at, "at")
        show_promotion(self.show, before, self.place, start, start + timedelta(days=3))
        self.serve(at)

    def end(self) -> None:
        """What a rollout does where something goes wrong; without a loser there is nothing to."""
        if self.lost is None or not self.show.promoted:
            return
        step(f"Suppose somebody overrules a gate: {self.lost.version}, which lost, is merged")
        print("What is simulated: each of its answers takes six seconds, and half of them fail.")
        branch = propose_overruled(self.repository, self.lost)
        merge(self.repository, branch, f"Merge {self.lost.version}, which lost")
        last = parse_utc(CHECKS[-1], "at")
        show_misbehaving(self.show, self.place, last - timedelta(days=5), last)

    def serve(self, start: str) -> None:
        """Let the champion answer every flight from `start` on.

        Each answer counts from the moment that its flight was known, and a check as of some moment
        sees what was known then: so one run for the rest of the year is as good as one an hour.
        """
        step("The champion serves: its answers are recorded, each as of its flight")
        call(self.repository, "score_rows", "--start", start, "--end", CHECKS[-1], "--apply")

    def keep_report(self, name: str) -> None:
        """Copy the report out, so that the next retrain does not replace it."""
        shutil.copytree(self.repository / "artifacts/report", self.root / REPORTS / name)


def run(root: Path) -> int:
    """Make the demo's repository and take it through the year. Returns 0."""
    started = time.monotonic()
    shutil.rmtree(root / DEMO, ignore_errors=True)
    make_repository(root, root / REPOSITORY)
    model = load_usecase(root).model
    with production(root / REPOSITORY, model, root / LOGS) as place:
        year = Year(root, place, Show(root / REPORTS / "rollout.png"))
        year.start()
        year.go_by()
        year.end()
    tell(year, time.monotonic() - started)
    return 0


def tell(year: Year, seconds: float) -> None:
    """Print what fired and what came of it, and where to read why."""
    question = load_usecase(year.root).question
    print(f"\n{question} {len(CHECKS)} months, {len(year.ended)} retrains:\n")
    for ended in year.ended:
        print(f"  {ended.name}  {ended.causes}")
        print(f"              {ended.comparison['verdict']}: {ended.comparison['summary']}")
    year.show.tell()
    print("\nWhy, with plots:")
    for name in (FIRST[:10], *(ended.name for ended in year.ended)):
        print(f"  {REPORTS / name / 'report.html'}")
    print("What the triggers saw and did: git -C .demo/flights log perennial/ledger")
    print(f"\nTook {seconds:.0f} s. The demo's repository: {REPOSITORY}")


def step(title: str) -> None:
    """Say what comes next."""
    print(f"\n== {title}", flush=True)
