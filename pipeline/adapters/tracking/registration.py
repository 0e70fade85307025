"""Register a challenger that a person may still promote, or log one that lost.

Every step looks at what is there before it adds what is missing, so both may be killed anywhere and
run again. The run is FINISHED last: until then it counts as half done. (mlflow's own log_model
cannot be taken up again: logging a run's output twice violates a key of its database.)
"""

from __future__ import annotations

from pipeline.adapters.tracking.challenger import (
    CHALLENGER,
    Challenger,
    Evidence,
    LostRun,
    Registration,
)
from pipeline.adapters.tracking.connection import registry
from pipeline.adapters.tracking.models import ensure_model
from pipeline.adapters.tracking.runs import (
    ensure_evidence,
    ensure_metrics,
    ensure_package,
    ensure_run,
    finish_run,
    has_lost,
    is_finished,
)
from pipeline.adapters.tracking.versions import ensure_alias, ensure_no_alias, ensure_version


def register(challenger: Challenger, *, model_name: str, evidence: Evidence) -> Registration:
    """Log `challenger` as a run, register it as a version of `model_name`, alias it challenger.

    Idempotent by digest: what an earlier call has done is found and completed, nothing is done
    twice, and the first call's params stay. The run of a challenger that had lost, and was judged
    again since, is completed as well. Raises OutsideError where the registry fails; running again
    takes up where it stopped.
    """
    with registry() as client:
        run = ensure_run(client, model_name, challenger.digest, evidence)
        is_open = not is_finished(run) or has_lost(run)
        if is_open:
            ensure_evidence(client, run, evidence)
            ensure_package(client, run, challenger.package)
        model_id = ensure_model(client, run, challenger, model_name)
        if is_open:
            ensure_metrics(client, run, evidence.metrics, model_id)
        version, is_new = ensure_version(client, run, challenger.digest, model_name, model_id)
        ensure_alias(client, model_name, CHALLENGER, version)
        finish_run(client, run, evidence.verdict)
        return Registration(model_name, version, run.info.run_id, is_new)


def log_lost(digest: str, *, model_name: str, evidence: Evidence) -> LostRun:
    """Log the challenger of this package digest as a run, with no version and no alias.

    Idempotent by digest, as `register` is. A version that was registered before the challenger lost
    stays, without its alias. Raises OutsideError where the registry fails; run again then.
    """
    with registry() as client:
        run = ensure_run(client, model_name, digest, evidence)
        is_open = not is_finished(run)
        if is_open:
            ensure_evidence(client, run, evidence)
            ensure_metrics(client, run, evidence.metrics)
        ensure_no_alias(client, model_name, CHALLENGER, digest)
        finish_run(client, run, evidence.verdict)
        return LostRun(run.info.run_id, is_open)
