"""What the pipeline reaches from here: warehouse, DVC's remote, the registry, Prometheus."""

from __future__ import annotations

import configparser
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline.adapters import warehouse
from pipeline.adapters.prometheus import Prometheus
from pipeline.adapters.registry_rest import RegistryRest
from pipeline.champion import load_champion
from pipeline.credentials import without_credentials
from pipeline.doctoring.finding import Finding, fault, ok, skipped, warning
from pipeline.doctoring.situation import Situation
from pipeline.manifest import version_of
from pipeline.proposing.champion_figures import ask_monitoring
from pipeline.proposing.quality_facts import plan_facts
from pipeline.rollout_config import load_rollout_plan
from pipeline.usecase import query

DEFAULT_WAREHOUSE = "sqlite:///warehouse.db"
_BUCKET = "dvc remote add --default storage s3://bucket/path, then commit .dvc/config"


def check_warehouse(situation: Situation) -> Iterator[Finding]:
    """The use case's own rows and labels can be read: one row of each is."""
    url = situation.environment.get("WAREHOUSE_URL", DEFAULT_WAREHOUSE)
    engine = warehouse.connect(url)
    shown = warehouse.safe_url(engine.url)
    if not warehouse.is_there(engine):
        yield fault("warehouse", f"{shown} is not there", "set WAREHOUSE_URL, or seed the example")
        return
    with warehouse.reading(engine) as connection:
        kinds = (("rows", query.rows()), ("labels", query.labels()))
        empty = [
            name for name, asked in kinds if connection.execute(asked.limit(1)).first() is None
        ]
    engine.dispose()
    if empty:
        yield warning("warehouse", f"{shown} answers and has no {' and no '.join(empty)}")
    else:
        yield ok("warehouse", f"{shown} has rows and labels")


def check_dvc_remote(situation: Situation) -> Iterator[Finding]:
    """The default remote answers; one in a folder is of this machine alone."""
    url = _remote_url(situation.root)
    if url is None:
        yield fault("DVC remote", "none is the default", _BUCKET)
        return
    if "://" not in url:
        folder = situation.root / ".dvc" / url
        what = "is there" if folder.is_dir() else "will be made"
        text = f"the folder {url} {what}; jobs on GitHub cannot reach it"
        yield warning("DVC remote", text, _BUCKET)
        return
    shown = without_credentials(url)
    if find_spec("dvc") is None:
        yield skipped("DVC remote", f"{shown}: DVC is not in the light install")
        return
    reason = _why_unreachable(situation.root)
    mend = "check its credentials: dvc remote modify --local, or AWS_ACCESS_KEY_ID and the like"
    yield fault("DVC remote", f"{shown}: {reason}", mend) if reason else ok("DVC remote", shown)


def check_registry(situation: Situation) -> Iterator[Finding]:
    """The MLflow server answers, and its alias is the champion that serves."""
    uri = situation.environment.get("MLFLOW_TRACKING_URI", "")
    if not uri.startswith(("http://", "https://")):
        text = "MLFLOW_TRACKING_URI is not a server's: jobs on GitHub would have none"
        yield warning("registry", text, "gh secret set MLFLOW_TRACKING_URI; export it here too")
        return
    model = situation.model
    rest = RegistryRest(uri, situation.environment.get("MLFLOW_TRACKING_TOKEN"))
    alias, champion = rest.champion(model), load_champion(situation.root, model)
    serves = champion.digest if champion else None
    if alias != serves:
        text = f"its alias champion is {_short(alias)}, champion.yaml says {_short(serves)}"
        yield warning("registry", text, "python -m scripts.reconcile_rollouts --apply moves it")
    else:
        yield ok("registry", f"answers, and its alias champion is {_short(alias)}")


def check_prometheus(situation: Situation) -> Iterator[Finding]:
    """It answers, and has each figure of the champion that the rollout plan judges by."""
    url, plan = situation.environment.get("PROMETHEUS_URL"), load_rollout_plan(situation.root)
    if plan.metrics.provider != "prometheus":
        yield skipped("metrics", f"the provider is {plan.metrics.provider}")
        return
    if not url:
        text = "PROMETHEUS_URL is not set: no rollout stage would pass"
        yield warning("metrics", text, "gh secret set PROMETHEUS_URL; export it here too")
        return
    token = situation.environment.get("PROMETHEUS_TOKEN")
    Prometheus(url, token).query("vector(1)", situation.now)
    champion = load_champion(situation.root, situation.model)
    if champion is None:
        yield ok("metrics", "Prometheus answers; there is no champion to measure yet")
        return
    version = version_of(champion.digest, champion.as_of)
    asked = plan_facts(plan)
    found = ask_monitoring(plan, asked, version, situation.environment, situation.now)
    silent = [name for name in asked.metrics if not isinstance(found.figures.get(name), float)]
    for name in silent:
        why = found.figures.get(name) or "no data"
        text = f"{name} of the champion {version}: {why}"
        yield fault("metrics", text, "its servers must be scraped: docs/rollouts.md")
    if not silent:
        yield ok("metrics", f"Prometheus has {', '.join(asked.metrics)} of the champion")


def _remote_url(root: Path) -> str | None:
    config = configparser.ConfigParser(interpolation=None, strict=False)
    files = (root / ".dvc" / "config", root / ".dvc" / "config.local")
    config.read([path for path in files if path.is_file()], encoding="utf-8")
    name = config.get("core", "remote", fallback=None)
    return config.get(f"'remote \"{name}\"'", "url", fallback=None)


def _why_unreachable(root: Path) -> str | None:
    """One question to the remote, with DVC's own clients and credentials."""
    from dvc.repo import Repo  # noqa: PLC0415 (takes seconds)

    try:
        with Repo(str(root)) as repo:
            remote = repo.cloud.get_remote_odb()
            _list(remote.fs, remote.path)
    except Exception as error:  # noqa: BLE001 (each cloud's client has errors of its own)
        return without_credentials(str(error) or type(error).__name__)
    return None


def _list(fs: Any, path: str) -> None:
    """What nothing was pushed to is not there yet: then its bucket must be."""
    try:
        fs.ls(path)
    except FileNotFoundError:
        fs.ls(path.partition("/")[0])


def _short(digest: str | None) -> str:
    return "nobody" if digest is None else digest[:19]


OUTSIDE_CHECKS: tuple[Callable[[Situation], Iterator[Finding]], ...] = (
    check_warehouse,
    check_dvc_remote,
    check_registry,
    check_prometheus,
)
