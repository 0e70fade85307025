"""Run a rollout plan against scripted or recorded metrics with a fake clock, and see what happens.

The decisions are made by the code that a live rollout is decided with; what is simulated is the
traffic, its counts, and the events of the scenario (see pipeline/rollout_scenario.py). Prints the
timeline, and whether today's traffic can show the harm that the plan is to catch at all. --picture
draws it (that needs the train extra). Changes nothing.

--recorded plays samples from a file (one JSON object a line: name, version, sampled_at, value, n),
and --records the evidence that a model's last rollout left in git: what would this plan have done?
Events of a scenario (a person, a watchdog) happen all the same.

Exit codes: 0 simulated; 2 bad configuration or arguments; 3 a file cannot be read.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.champion import Champion
from pipeline.config import load_usecase
from pipeline.core.rollout.detectability import Today, assess_detectability
from pipeline.core.rollout.recording import Recording
from pipeline.core.rollout.simulation import Simulation
from pipeline.core.rollout.wording import render_length, render_metric
from pipeline.errors import ConfigurationError, exit_code_of
from pipeline.manifest import EvidenceRef, ModelIdentity, RolloutSpec, parse_document, read_bounded
from pipeline.options import new_parser
from pipeline.rolling.recording import load_evidence, load_samples
from pipeline.rollout_config import RolloutPlan, load_rollout_plan, parse_plan
from pipeline.rollout_scenario import Scenario
from pipeline.rollout_status import Phase
from pipeline.rollout_timeline import FigureLane, RolloutTimeline

MOST_MOMENTS = 2_000
START = datetime(2013, 7, 3, 9, tzinfo=UTC)


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and simulate."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--plan", type=Path, help="a rollout plan; the repository's by default")
    parser.add_argument("--scenario", type=Path, help="a scenario; a healthy challenger by default")
    played = parser.add_mutually_exclusive_group()
    played.add_argument(
        "--recorded", nargs=3, metavar=("FILE", "CHAMPION", "CHALLENGER"),
        help="samples in FILE of these two versions",
    )  # fmt: skip
    played.add_argument("--records", metavar="MODEL", help="evidence in rollouts/MODEL/status")
    parser.add_argument("--picture", type=Path, help="where to draw the timeline (.png)")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: simulate(Path.cwd(), arguments))


def simulate(root: Path, arguments: argparse.Namespace) -> int:
    """Run, print, and draw where asked to. Returns 0."""
    plan = _plan(root, arguments.plan)
    scenario = _scenario(arguments.scenario)
    spec, recording = _world(root, plan, arguments)
    if recording is None:
        print(render_detectability(plan, scenario))
    start = recording.start if recording else START
    simulation = Simulation(spec, scenario, start, recording).run()
    print(render_timeline(simulation))
    if arguments.picture is not None:
        draw(simulation, arguments.picture)
    return 0


def draw(simulation: Simulation, path: Path) -> None:
    """Write the picture, or say that there is none where matplotlib is not installed."""
    try:
        from pipeline.ml.plots.rollout import draw_rollout  # noqa: PLC0415 (of the train set alone)
        from pipeline.ml.plots.style import as_png  # noqa: PLC0415
    except ModuleNotFoundError as error:
        print(f"No {path}: {error.name} is not installed.", file=sys.stderr)
        return
    path.write_bytes(as_png(draw_rollout(timeline_of(simulation))))
    print(f"Drew {path}.")


def made_up_spec(model: str, plan: RolloutPlan) -> RolloutSpec:
    """A manifest of two models that do not exist, with this plan."""
    champion = Champion(
        model=model,
        digest=f"sha256:{'a' * 64}",
        package_md5=f"{'a' * 32}.dir",
        as_of=START - timedelta(days=90),
        approved_by="nobody",
        reason="a simulation",
    )
    challenger = ModelIdentity(
        digest=f"sha256:{'c' * 64}", package_md5=f"{'c' * 32}.dir", as_of=START
    )
    return RolloutSpec(
        model=model,
        version=challenger.version,
        retrain=f"{model}-simulated",
        challenger=challenger,
        champion=champion,
        evidence=EvidenceRef(path="evidence/simulated", digest=challenger.digest),
        plan=plan,
    )


def render_detectability(plan: RolloutPlan, scenario: Scenario) -> str:
    """Each thing that each stage watches, and whether the scenario's traffic can show it."""
    champion = scenario.champion
    today = Today(
        requests_per_second=scenario.requests_per_second,
        error_rate=champion.error_rate or 0.0,
        accuracy=champion.accuracy or 0.0,
        label_share=scenario.label_share,
        label_delay=scenario.label_delay,
    )
    found = assess_detectability(plan, today)
    lines = [f"  {'ok ' if detection.is_detectable else 'NO '} {detection}" for detection in found]
    head = f"What one window shows at {scenario.requests_per_second:g} requests a second:"
    return "\n".join([head, *lines, ""])


def render_timeline(simulation: Simulation) -> str:
    """Each event and each step at its time after the merge."""
    events = [(at, f"* {words}") for at, words in simulation.said]
    steps = [(at, str(step)) for at, step in simulation.steps]
    lines = []
    for at, text in sorted(events + steps, key=lambda pair: pair[0]):
        head, *rest = text.splitlines()
        lines.append(f"{render_length(at - simulation.start):>12}  {head}")
        lines += [f"{'':>12}  {line}" for line in rest]
    last = simulation.moments[-1]
    lasted = render_length(_ended_at(simulation) - simulation.start)
    share = f"{last.challenger_percent:g} % of the traffic"
    lines.append(f"\n{last.phase} after {lasted}, the challenger with {share}.")
    return "\n".join(lines)


def _ended_at(simulation: Simulation) -> datetime:
    """When its last step was, where it is over: what is shown after that is for the picture."""
    last = simulation.moments[-1]
    phase = Phase(last.phase)
    is_over = phase.is_ended or phase is Phase.PROMOTED
    return simulation.world.commits[-1].record.at if is_over else last.at


def timeline_of(simulation: Simulation) -> RolloutTimeline:
    """The simulation as a picture's values: at most about two thousand moments."""
    every = max(1, len(simulation.moments) // MOST_MOMENTS)
    moments = simulation.moments[::every]
    stages = simulation.spec.plan.stages
    metrics = dict.fromkeys(c.metric for stage in stages for c in stage.criteria)
    limits = {(stage.weight_percent, c.metric): c.limit for stage in stages for c in stage.criteria}
    lanes = tuple(
        FigureLane(
            name=render_metric(metric),
            values=tuple(moment.figures.get(metric) for moment in moments),
            limits=tuple(limits.get((m.challenger_percent, metric)) for m in moments),
        )
        for metric in metrics
        if any(moment.figures.get(metric) is not None for moment in moments)
    )
    return RolloutTimeline(
        title=f"{simulation.spec.model}, simulated: {simulation.moments[-1].phase}",
        moments=tuple(moment.at for moment in moments),
        percents=tuple(moment.challenger_percent for moment in moments),
        phases=tuple(moment.phase for moment in moments),
        verdicts=tuple(moment.verdict for moment in moments),
        lanes=lanes,
        marks=tuple((at, words[:60]) for at, words in simulation.said),
    )


def _world(
    root: Path, plan: RolloutPlan, arguments: argparse.Namespace
) -> tuple[RolloutSpec, Recording | None]:
    """The manifest to roll out, and the metrics to do it with where they were recorded."""
    if arguments.records is not None:
        recorded, evidence = load_evidence(root, arguments.records)
        is_other = arguments.plan is not None
        return recorded.model_copy(update={"plan": plan}) if is_other else recorded, evidence
    spec = made_up_spec(load_usecase(root).model, plan)
    if arguments.recorded is None:
        return spec, None
    path, champion, challenger = arguments.recorded
    return spec, load_samples(Path(path), spec, champion, challenger)


def _plan(root: Path, path: Path | None) -> RolloutPlan:
    return parse_plan(_text(path), str(path)) if path else load_rollout_plan(root)


def _scenario(path: Path | None) -> Scenario:
    return parse_document(Scenario, _text(path), str(path)) if path else Scenario()


def _text(path: Path) -> str:
    text = read_bounded(path)
    if text is None:
        raise ConfigurationError(str(path), ["not found"])
    return text


if __name__ == "__main__":
    sys.exit(main())
