"""Replay the triggers over the past: what would have fired when, before you turn them on.

Looks at the warehouse (WAREHOUSE_URL) as a check at each past moment would have, and decides with
the code that a live check decides with. Simulated is only how the retrains end; the report says
so in its own words. Writes report.md, backtest.json and timeline.png to --out and changes nothing
else. --suggest proposes thresholds for a wanted number of retrains.

Exit codes: 0 replayed; 2 bad configuration or arguments; 3 an outside system failed; 4 there are
no rows that a simulated champion could have learned from.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from pipeline.champion import load_champion
from pipeline.config import load_params, load_section, load_usecase, parse_utc
from pipeline.core.backtest.arguments import parse_duration, parse_frequency, parse_onset
from pipeline.core.backtest.as_json import backtest_json
from pipeline.core.backtest.figures import Figures, Onset, figures_of
from pipeline.core.backtest.lanes import bars_of, held_spans, lanes_of
from pipeline.core.backtest.replay import Replay, Serving, Terms, moments_between, replay
from pipeline.core.backtest.report import PICTURE, Setup, headline, render_backtest
from pipeline.core.backtest.suggest import Question, Suggestion, suggest
from pipeline.core.backtest.suggest_report import render_suggestions
from pipeline.core.triggers.thresholds import without_thresholds
from pipeline.errors import ConfigurationError, exit_code_of
from pipeline.jsonio import render_json, save_text
from pipeline.monitoring.history import History, newest_known
from pipeline.monitoring.observe import Source
from pipeline.monitoring.production import (
    Monitored,
    drift_rule_faults,
    load_monitored,
    watching,
)
from pipeline.options import new_parser
from pipeline.timeline import Timeline
from pipeline.trigger_config import TriggerConfig

Value = TypeVar("Value")


@dataclass(frozen=True)
class Options:
    """The command line, read; see `main` for what each means."""

    config_file: str
    start: datetime
    end: datetime
    every: timedelta
    terms: Terms
    keep_answers: bool
    onsets: tuple[Onset, ...]
    horizon: timedelta
    out: Path
    wanted: float | None


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and replay."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--start", required=True, help="the first check, such as 2013-04-02")
    parser.add_argument("--end", required=True, help="checks before this time")
    parser.add_argument("--every", default="24h", help="from one check to the next (24h)")
    parser.add_argument("--config", default="configs/triggers.yaml", help="the triggers to replay")
    parser.add_argument(
        "--retrain-takes", default="2h", help="until a retrain is decided, review included (2h)"
    )
    parser.add_argument(
        "--wins", choices=("always", "never", "alternate"), default="always",
        help="which challengers win (always); a winner's reference replaces the champion's",
    )  # fmt: skip
    parser.add_argument(
        "--keep-answers",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="after a simulated win keep judging the real champion's answers (the default)",
    )
    parser.add_argument(
        "--onset", action="append", default=[], metavar="TIME=NAME",
        help="something went wrong then: how long until it is seen? May be given again",
    )  # fmt: skip
    parser.add_argument("--horizon", default="14d", help="an onset is seen within this (14d)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("artifacts/backtest"),
        help="the folder to write into (artifacts/backtest)",
    )
    parser.add_argument("--suggest", metavar="1/month", help="propose thresholds for as many")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: backtest(Path.cwd(), arguments))


def backtest(root: Path, arguments: argparse.Namespace) -> int:
    """Read, replay, write the report and print where it is. Returns 0."""
    options, monitored = prepare(root, arguments)
    config = monitored.policy.triggers
    setup = setup_of(options, monitored)
    replayed = look_back(root, options, monitored, setup)
    figures = figures_of(replayed, options.end - options.start, options.onsets, options.horizon)
    suggestions, section = advise(options, config, setup, replayed)
    has_picture = draw(options, config, replayed, figures)
    report = render_backtest(
        setup, figures, replayed, config, has_picture=has_picture, suggestions=section
    )
    save_text(options.out / "report.md", report)
    value = backtest_json(setup, figures, replayed, suggestions)
    save_text(options.out / "backtest.json", render_json(value))
    print(headline(setup, figures))
    print(f"\n{section}\n" if section else "", end="")
    print(f"Written to {options.out}. Nothing else was changed.")
    return 0


# ---------------------------------------------------------------- reading the command line


def prepare(root: Path, arguments: argparse.Namespace) -> tuple[Options, Monitored]:
    """The options and what is monitored. Raises one ConfigurationError with all faults."""
    faults: list[str] = []

    def take(read: Callable[[], Value]) -> Value | None:
        try:
            return read()
        except ConfigurationError as error:
            faults.extend(f"{error.where}: {fault}" for fault in error.faults)
            return None

    start = take(lambda: parse_utc(arguments.start, "--start"))
    end = take(lambda: parse_utc(arguments.end, "--end"))
    if start is not None and end is not None and start >= end:
        faults.append(f"--start: found {start}, expected a time before --end, {end}")
    every = take(lambda: parse_duration(arguments.every, "--every"))
    takes = take(lambda: parse_duration(arguments.retrain_takes, "--retrain-takes"))
    horizon = take(lambda: parse_duration(arguments.horizon, "--horizon"))
    onsets = [take(lambda text=text: parse_onset(text, start, end)) for text in arguments.onset]
    wanted = take(lambda: parse_frequency(arguments.suggest)) if arguments.suggest else None
    monitored = take(lambda: load_champion_and_policy(root))
    config = take(lambda: load_section(TriggerConfig, root / arguments.config))
    if config is not None and takes is not None and takes >= config.recovery.proposal_timeout:
        limit = config.recovery.proposal_timeout
        faults.append(
            f"--retrain-takes: found {takes}, expected less than proposal_timeout in "
            f"{arguments.config}, {limit}: every retrain would be given up before it is decided"
        )
    if monitored is not None and config is not None:
        monitored = replace(monitored, policy=replace(monitored.policy, triggers=config))
        faults += [f"{arguments.config}: {fault}" for fault in drift_rule_faults(monitored)]
    if arguments.wins != "never" and find_spec("pandas") is None:
        faults.append(
            f"--wins {arguments.wins}: a winner's reference needs pandas, which is not installed: "
            "install requirements/train.txt, or replay with --wins never"
        )
    is_whole = None not in (start, end, every, takes, horizon, monitored, config, *onsets)
    if faults or not is_whole:
        raise ConfigurationError("backtest", faults)
    options = Options(
        config_file=arguments.config,
        start=start,
        end=end,
        every=every,
        terms=Terms(takes, arguments.wins),
        keep_answers=arguments.keep_answers,
        onsets=tuple(sorted(onsets, key=lambda onset: onset.at)),
        horizon=horizon,
        out=arguments.out,
        wanted=wanted,
    )
    return options, monitored


def load_champion_and_policy(root: Path) -> Monitored:
    """What is monitored. Raises ConfigurationError where there is no champion."""
    if load_champion(root, load_usecase(root).model) is None:
        fault = (
            "no champion yet, so nothing to compare with: run python -m scripts.set_champion first"
        )
        raise ConfigurationError("rollouts/", [fault])
    monitored = load_monitored(root)
    assert monitored is not None  # noqa: S101 (it has a champion)
    return monitored


# ---------------------------------------------------------------- replaying


def setup_of(options: Options, monitored: Monitored) -> Setup:
    """What the report says about the terms of this replay."""
    return Setup(
        model=monitored.champion.model,
        champion=monitored.champion.digest,
        config_file=options.config_file,
        start=options.start,
        end=options.end,
        every=options.every,
        terms=options.terms,
        horizon=options.horizon,
        keep_answers=options.keep_answers,
        is_start_simulated=options.start < monitored.champion.as_of,
    )


def look_back(root: Path, options: Options, monitored: Monitored, setup: Setup) -> Replay:
    """Every check of the replay, with a progress bar where somebody looks."""
    config, champion = monitored.policy.triggers, monitored.champion
    moments = moments_between(options.start, options.end, options.every)
    first = Serving(champion.digest, champion.as_of)
    if setup.is_start_simulated:
        first = Serving("simulated:start", options.start, is_simulated=True)
    with watching(monitored) as source:
        check_history(source, moments)
        policy = replace(monitored.policy, triggers=without_thresholds(config))
        history = History(
            source, monitored.reference, policy, load_params(root), options.keep_answers
        )
        with tqdm(total=len(moments), unit="check", disable=None) as bar:

            def look(serving: Serving, at: datetime):
                bar.update()
                return history.look(serving, at)

            return replay(
                look,
                config,
                model=champion.model,
                first=first,
                moments=moments,
                terms=options.terms,
            )


def check_history(source: Source, moments: Sequence[datetime]) -> None:
    """Raises ConfigurationError where the warehouse has no rows of the time of the replay."""
    first, last = moments[0], moments[-1]
    much_later = last + min(timedelta(days=36500), datetime.max.replace(tzinfo=UTC) - last)
    newest = newest_known(source, first, much_later)
    if newest is None:
        fault = f"--start: the warehouse has no row from {first} on, expected some to replay"
    elif newest < last:
        fault = (
            f"--end: the last check would be at {last}, and the newest row of the warehouse is of "
            f"{newest}: expected an end within the data"
        )
    else:
        return
    raise ConfigurationError("backtest", [fault])


def advise(
    options: Options, config: TriggerConfig, setup: Setup, replayed: Replay
) -> tuple[tuple[Suggestion, ...], str]:
    """The suggestions and their section of the report; none where none is asked for."""
    if options.wanted is None:
        return (), ""
    question = Question(
        wanted=options.wanted,
        model=setup.model,
        terms=options.terms,
        span=options.end - options.start,
        onsets=options.onsets,
        horizon=options.horizon,
    )
    with tqdm(unit="trial", disable=None) as bar:
        suggestions = suggest(replayed, config, question, lambda: bar.update() and None)
    section = render_suggestions(suggestions, question, are_exact=options.terms.wins == "never")
    return suggestions, section


# ---------------------------------------------------------------- the picture


def draw(options: Options, config: TriggerConfig, replayed: Replay, figures: Figures) -> bool:
    """Write the picture; False, with a word, where matplotlib is not installed."""
    try:
        from pipeline.ml.plots.style import as_png  # noqa: PLC0415 (of the train set alone)
        from pipeline.ml.plots.triggers import draw_timeline  # noqa: PLC0415
    except ModuleNotFoundError as error:
        print(f"No {PICTURE}: {error.name} is not installed.", file=sys.stderr)
        return False
    timeline = Timeline(
        start=options.start,
        end=options.end,
        every=options.every,
        lanes=lanes_of(replayed, config),
        bars=bars_of(replayed, options.terms),
        onsets=tuple((onset.at, onset.name) for onset in options.onsets),
        incidents=tuple((incident.start, incident.end) for incident in figures.incidents),
        held=held_spans(replayed, options.every),
    )
    path = options.out / PICTURE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_png(draw_timeline(timeline)))
    return True


if __name__ == "__main__":
    sys.exit(main())
