"""Gate 1, readiness: a reason to retrain, sound data, honest features, enough compute."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pipeline.core.quality.facts import (
    CHECKS,
    COLLECT,
    REGISTRATION,
    SPLIT,
    TIMINGS,
    TRAIN,
    UNREGISTERED,
    Facts,
    Request,
)
from pipeline.core.quality.gates import (
    Answer,
    Ask,
    elsewhere,
    fails,
    fails_if,
    passes,
    unclear,
    waits,
)
from pipeline.core.triggers.ledger import CHAMPION_FREE, RetrainState
from pipeline.domain import Verdict
from pipeline.wording import counted

TRAIN_ROWS = "artifacts/split/train.parquet"
HOLDOUT_ROWS = "artifacts/split/holdout.parquet"


def readiness_asks(facts: Facts) -> tuple[Ask, ...]:
    """What the gate asks of a run, with the limits of its policy in words."""
    rules = facts.policy.readiness
    days = rules.data_collected_and_validated.max_data_age / timedelta(days=1)
    coverage = f"{100 * facts.min_label_coverage:g} %"
    return (
        Ask(
            "triggers_validated",
            "Trigger conditions validated",
            "The trigger ledger names this retrain and events of this champion that caused it.",
            ("ledger.json on perennial/ledger", "configs/triggers.yaml"),
            _triggers,
        ),
        Ask(
            "data_collected_and_validated",
            "Training data collected and validated",
            f"No check of the data has a finding, at least {coverage} of the rows have a label, "
            f"and the newest row is at most {days:g} days old.",
            (COLLECT, CHECKS),
            _data,
        ),
        Ask(
            "features_ready",
            "Feature engineering pipeline ready",
            "Nothing was fitted on a holdout row: training read the training rows alone, and each "
            "stage read what the one before it wrote.",
            (SPLIT, "dvc.lock"),
            _features,
        ),
        Ask(
            "compute_present",
            "Compute resources allocated",
            f"The search was not cut short, its {_jobs(facts)} had a core each, and all stages "
            f"together took at most {rules.compute_present.max_run_minutes} minutes.",
            (TRAIN, TIMINGS),
            _compute,
        ),
        Ask(
            "tracking_reachable",
            "MLflow tracking configured",
            "The tracking server took the run and knows it by this package's digest.",
            (REGISTRATION,),
            _tracking,
        ),
    )


# ---------------------------------------------------------------- triggers


def _triggers(facts: Facts) -> Answer:
    if facts.request.id is None:
        return _by_hand(facts)
    retrain = facts.request.retrain
    if retrain is None:
        return fails(f"The ledger knows no retrain {facts.request.id}.")
    serving = facts.champion or "none"
    faults = []
    if retrain.model != facts.model:
        faults.append(f"{retrain.id} is a retrain of {retrain.model}")
    if retrain.champion != serving:
        faults.append(f"{retrain.id} was asked for against another champion than serves now")
    if retrain.state in (RetrainState.LOST, RetrainState.ABANDONED):
        faults.append(f"{retrain.id} has ended already: {retrain.state}")
    faults += _cause_faults(facts.request, facts.model, serving)
    causes = ", ".join(f"{cause.trigger} ({cause.priority})" for cause in facts.request.causes)
    return fails_if(faults, f"{retrain.id} answers {causes}.")


def _cause_faults(request: Request, model: str, serving: str) -> Iterator[str]:
    if not request.causes:
        yield f"no event in the ledger led to {request.id}"
    for cause in request.causes:
        is_of_this = cause.champion == serving or cause.trigger in CHAMPION_FREE
        if cause.model != model or not is_of_this:
            yield f"the event {cause.id} ({cause.trigger}) speaks of another model or champion"


def _by_hand(facts: Facts) -> Answer:
    """A retrain that no ledger knows is a manual one, and needs the agreement that those need."""
    rule = facts.triggers.retraining_triggers.manual_retrain
    if rule is None or not rule.enabled:
        return fails("It ran by hand, and configs/triggers.yaml allows no manual retrain.")
    if not rule.requires_approval:
        return passes("It ran by hand, and configs/triggers.yaml asks for no approval of that.")
    given = _people(facts, rule.approvers)
    roles = " or ".join(rule.approvers)
    if len(given) >= rule.min_approvals:
        return passes(f"It ran by hand; approved by {', '.join(given)}.")
    wanted = counted(rule.min_approvals, "approval")
    return waits(f"It ran by hand, outside the trigger ledger: waits for {wanted} by {roles}.")


def _people(facts: Facts, roles: tuple[str, ...]) -> list[str]:
    approvals = facts.approvals or {}
    return sorted({login.casefold() for role in roles for login in approvals.get(role, ())})


# ---------------------------------------------------------------- data and features


def _data(facts: Facts) -> Answer:
    summary, findings = facts.document(COLLECT), facts.document(CHECKS)["findings"]
    open_findings = [f for f in findings if f["severity"] != Verdict.PASS]
    coverage, rows = summary["label_maturity"], summary["rows"]
    end = _time(summary["windows"]["recent"]["end"])
    age, limit = facts.at - end, facts.policy.readiness.data_collected_and_validated.max_data_age
    faults = [f"incident: {path}" for path in facts.incidents]
    faults += [f"{f['check']} {f['column'] or 'rows'}: {f['found']}" for f in open_findings]
    if not findings:
        faults.append("no check of the data ran")
    if not rows or coverage is None or not coverage >= facts.min_label_coverage:
        faults.append(f"{_percent(coverage)} of {rows:,} rows have a label")
    if age > limit:
        faults.append(
            f"the newest rows end {end:%Y-%m-%d}, {age.days} days before {facts.at:%Y-%m-%d}"
        )
    faults += _digest_faults(facts, summary)
    fine = (
        f"{len(findings)} checks found nothing in {rows:,} rows up to {end:%Y-%m-%d}, "
        f"{_percent(coverage)} of them with a label."
    )
    return fails_if(faults, fine)


def _digest_faults(facts: Facts, summary: Any) -> list[str]:
    """The package must have been trained on these rows, as of this moment."""
    faults = []
    if _time(summary["as_of"]) != facts.params.collect.as_of:
        faults.append("the rows were collected as of another moment than params.yaml says")
    if facts.package is not None and facts.package.data_digest != summary["data_digest"]:
        faults.append("the package was trained on rows with another digest")
    return faults


def _features(facts: Facts) -> Answer:
    split, lock = facts.document(SPLIT), facts.lock
    if lock is None:
        return fails("dvc.lock is missing: run the pipeline to its end.")
    train, holdout = split["train"], split["holdout"]
    faults = [f"{path} has two digests in dvc.lock" for path in lock.conflicts]
    if TRAIN_ROWS not in lock.train_reads or HOLDOUT_ROWS in lock.train_reads:
        faults.append(f"training read {', '.join(lock.train_reads) or 'nothing'}")
    if not (train["rows"] > 0 and holdout["rows"] > 0):
        faults.append(f"{train['rows']:,} rows train and {holdout['rows']:,} judge")
    if split["method"] == "time" and not _time(train["end"]) < _time(holdout["start"]):
        faults.append("the holdout begins before the training rows end")
    if facts.package is not None and facts.package.train_rows != train["rows"]:
        faults.append(f"the package was fitted on {facts.package.train_rows:,} rows")
    fine = (
        f"Fitted on {train['rows']:,} rows; the {holdout['rows']:,} of the holdout are apart "
        f"({split['method']} split)."
    )
    return fails_if(faults, fine)


# ---------------------------------------------------------------- compute and tracking


def _compute(facts: Facts) -> Answer:
    """No seconds in the answer: they differ from run to run, and evidence must not."""
    budget = f"{facts.params.train.minutes:g} minutes"
    if facts.document(TRAIN)["is_out_of_time"]:
        return unclear(
            f"The search used up its {budget}: it may have tried fewer parameters than planned. "
            "Give it more minutes or cores."
        )
    if TIMINGS not in facts.documents:
        return elsewhere("The costs of the run are not kept in git, and not in this checkout.")
    costs = facts.document(TIMINGS)
    minutes = sum(cost["seconds"] for cost in costs.values()) / 60
    limit = facts.policy.readiness.compute_present.max_run_minutes
    cores, jobs = costs["train"]["cores"], facts.params.train.n_jobs
    if not minutes <= limit:
        return fails(f"All stages together took more than {limit} minutes.")
    if facts.params.train.joblib_backend != "dask" and jobs > cores:
        shared = f"{counted(jobs, 'job')} shared {counted(cores, 'core')}"
        return unclear(f"{shared}: the search saw less than it should.")
    return passes(f"The search ended within its {budget}, and the run within {limit}.")


def _tracking(facts: Facts) -> Answer:
    if REGISTRATION not in facts.documents:
        return waits(UNREGISTERED)
    record = facts.document(REGISTRATION)
    faults = []
    if facts.package is not None and record["digest"] != facts.package.digest:
        faults.append("the tracking server was told of another package")
    if not record["run_id"]:
        faults.append("the record names no run")
    return fails_if(faults, f"Run {record['run_id']} at {record['uri']}.")


def _jobs(facts: Facts) -> str:
    jobs = facts.params.train.n_jobs
    return counted(jobs, "job") if jobs > 0 else "jobs"


def _percent(share: float | None) -> str:
    return "an unknown share" if share is None else f"{100 * share:.1f} %"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
