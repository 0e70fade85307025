"""Commands that need nothing but a checkout; what must not be done here is asked to be planned."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.docs.conftest import Open
from tests.docs.pages import every_text, fences, words
from tests.docs.shell import Then
from tests.repository import ROOT, copy_repository
from tests.rollouts import START

PLANNED = "make --dry-run "  # each of them would install, test, or mutate for minutes to hours
SET = (  # of your own places, which are not here: that the code reads them is what is tested
    "export WAREHOUSE_URL=postgresql+psycopg://…",
    "export WAREHOUSE_URL=postgresql+psycopg://user:password@host/database",
    "export MLFLOW_TRACKING_URI=https://…",
    "export MLFLOW_TRACKING_URI=https://mlflow.your-company.example",
    "export PROMETHEUS_URL=https://prometheus.your-company.example",
    "export PROMETHEUS_URL=… GITHUB_REPOSITORY=owner/name GITHUB_TOKEN=…",
    "export DASK_SCHEDULER_ADDRESS=tcp://…",
    "export RELAY_SECRET=… GITHUB_TOKEN=… GITHUB_REPOSITORY=owner/name",
)
KEYS = (  # which DVC reads, and no line of ours: that the jobs give it the same is what is tested
    "export AWS_ACCESS_KEY_ID=your-key",
    "export AWS_SECRET_ACCESS_KEY=your-secret",
)
# Minutes each; that the module is there and takes these options is what is tested.
MEASURED = [text for text in every_text() if text.startswith("python -m benchmarks.")]
MADE = {
    "make demo": "python -m scripts.run_demo",
    "make test": "python -m pytest",
    "make check": "python -m scripts.doctor --offline",
    "make lint": "ruff check .",
    "make coverage": "--cov-fail-under=100",
    "make lock": "scripts/lock_requirements.sh",
    "make mutation": "mutmut run",
    "make mutation MUTANTS='pipeline.core.triggers.rules*'": "mutmut run",
    "make .venv/train.stamp": "requirements/train.txt",
    "make .venv/serve.stamp": "requirements/serve.txt",
    "make .venv/train.stamp .venv/serve.stamp": "requirements/serve.txt",
}
COMMANDS = {
    **dict.fromkeys((*SET, *KEYS), Then()),
    **{command: Then(typed=f"{command} --help", says="usage: ") for command in MEASURED},
    **{
        command: Then(typed=command.replace("make ", PLANNED), says=recipe)
        for command, recipe in MADE.items()
    },
    "source .venv/bin/activate": Then(
        typed="python -m venv --without-pip .venv && source .venv/bin/activate && which python",
        says="/flights/.venv/bin/python",
    ),
    "python -m scripts.seed_warehouse --apply": Then(leaves="warehouse.db"),
    "git rm -r rollouts/flight-delay pipeline/usecase/seed.py": Then(
        typed="git rm -r --dry-run rollouts/flight-delay pipeline/usecase/seed.py",
        says="rm 'pipeline/usecase/seed.py'",
    ),
    "python -m scripts.doctor --offline": Then(says="ok           configuration"),
    "python -m scripts.simulate_rollout": Then(says="Promoted after"),
    "python -m scripts.simulate_rollout --scenario s.yaml --picture timeline.png": Then(
        says="RolledBack after 10 h", leaves="timeline.png"
    ),
    "python -m scripts.simulate_rollout --recorded samples.jsonl CHAMPION CHALLENGER": Then(
        says="RolledBack after"
    ),
    "dvc remote modify storage url s3://bucket/path": Then(),
    "dvc remote modify storage url s3://your-bucket/models": Then(
        typed="dvc remote modify storage url s3://your-bucket/models && cat .dvc/config",
        says="url = s3://your-bucket/models",
    ),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = copy_repository(tmp_path_factory.mktemp("fresh") / "flights")
    page = ROOT / "docs/rollouts.md"
    [scenario] = [text for text in fences(page, {"yaml"}) if "\nevents:" in text]
    (root / "s.yaml").write_text(scenario)
    (root / "samples.jsonl").write_text("\n".join(map(json.dumps, samples())))
    return root


def samples() -> list[dict[str, object]]:
    """An hour of a challenger that fails one request in five, once a minute."""
    return [
        {
            "name": "error_rate",
            "version": version,
            "sampled_at": (START + timedelta(minutes=minute)).isoformat(),
            "value": rate,
            "n": 1_000,
        }
        for minute in range(60)
        for version, rate in (("CHAMPION", 0.01), ("CHALLENGER", 0.2))
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_it_does_what_its_page_says(command: str, root: Path, shell: Open) -> None:
    shell(root, **{"…": "anything"}).check(command, COMMANDS[command])


@pytest.mark.parametrize("command", SET)
def test_the_variables_that_it_sets_are_read_by_the_code(command: str) -> None:
    code = "".join(path.read_text() for path in (ROOT / "pipeline").rglob("*.py"))
    code += "".join(path.read_text() for path in (ROOT / "scripts").glob("*.py"))
    names = [word.partition("=")[0] for word in words(command)[1:]]
    assert names
    assert [name for name in names if f'"{name}"' not in code] == []


@pytest.mark.parametrize("command", KEYS)
def test_the_keys_of_the_bucket_are_set_before_anything_is_pushed(command: str) -> None:
    quickstart = (ROOT / "docs/quickstart.md").read_text()
    assert quickstart.index(command) < quickstart.index("scripts.retrain")
    name = words(command)[1].partition("=")[0]
    job = (ROOT / ".github/workflows/retrain.yml").read_text()
    assert f"{name}: ${{{{ secrets.DVC_{name} }}}}" in job
