"""What a team commits before the first retrain: its people, its plan, where its models are served.

The shipped rollout plan with seconds for hours, and so few figures that a test can name them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.servers.github_standin.settings_state import APP

STAGE = timedelta(seconds=3)  # long enough that no busy machine ends one in the run that starts it
APPROVERS = "roles:\n  ml_lead: [ada]\n  product_owner: [linus]\n"
PLAN = f"""\
rollout_strategy:
  type: canary
  canary_stages:
    - stage: 1
      traffic_percentage: 10
      duration: {STAGE.seconds}s
      success_criteria: {{error_rate_max: 0.02, latency_p95_max: 150ms}}
    - stage: 2
      traffic_percentage: 100
      duration: {STAGE.seconds}s
      success_criteria: {{error_rate_max: 0.02, latency_p95_max: 150ms}}
  rollback_conditions:
    - error_rate_spike: 0.01
    - manual_trigger: true
  monitoring: {{max_age: 10m}}      # the test writes them before each look
  limits: {{deadline: 1h, error_limit: 3, blindness_budget: 30m}}
  bake_after_promotion: {STAGE.seconds}s
  metrics:
    provider: file                # which is believed: the queries are Prometheus'
    queries:
      error_rate:
        kind: proportion
        events: errors{{model_version="{{version}}"}}
        count: requests{{model_version="{{version}}"}}
        window: 1s                # it must fit into a stage
        min_samples: 100
      latency_p95:
        value: p95{{model_version="{{version}}"}}
        count: requests{{model_version="{{version}}"}}
        unit: ms
        window: 1s
        min_samples: 100
  traffic_provider: envoy
"""
SERVING = """\
serving:
  default:
    backends: {{file: {folder}/addresses.yaml}}
    traffic: {{folder: {folder}/traffic, port: {port}, metrics_port: {metrics_port}}}
    health: {{timeout: 60s}}      # a busy machine is slow, and not dead
    metrics: {{file: {folder}/samples.jsonl}}
"""


def write_settings(
    repository: Path, production: Path, port: int, metrics_port: int, *, has_app: bool
) -> None:
    """Write them into a checkout; `production` is the folder of the traffic layer."""
    configs = repository / "configs"
    (configs / "approvers.yaml").write_text(APPROVERS)
    (configs / "rollout-plan.yaml").write_text(PLAN)
    serving = SERVING.format(folder=production, port=port, metrics_port=metrics_port)
    (configs / "serving.yaml").write_text(serving)
    edit(configs / "triggers.yaml", {'cron: "0 2 2 1,4,7,10 *"': f'cron: "{_next_winter()}"'})
    # The metrics come from a file, which nobody can ask before there is a rollout.
    unwatched = "monitoring_configured: {required: false}"
    edit(configs / "gates.yaml", {"monitoring_configured: {required: true}": unwatched})
    edit(
        configs / "repository.yaml",
        {
            "app_id: null": f"app_id: {APP if has_app else 'null'}",
            # ci runs this very test suite, so it is not run inside it.
            "checks: [perennial/verify, all green]": "checks: [perennial/verify]",
        },
    )


def edit(path: Path, changes: dict[str, str]) -> None:
    """Replace each text, which must be there."""
    text = path.read_text()
    for before, after in changes.items():
        assert before in text, f"{path.name} has no {before}"
        text = text.replace(before, after)
    path.write_text(text)


def _next_winter() -> str:
    """Once a year, and not in the time since the champion of spring: half a year from now."""
    day = datetime.now(UTC) + timedelta(days=180)
    return f"0 2 {min(day.day, 28)} {day.month} *"
