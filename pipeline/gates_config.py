"""The `quality_gates` of configs/gates.yaml: what each item of the three gates asks for.

The section is optional. Without it every item is required, with the defaults that are written here.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipeline.config import Count, Gates, Section, load_params, load_section
from pipeline.errors import ConfigurationError
from pipeline.trigger_config import Duration

Role = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]  # as in configs/approvers.yaml
Roles = Annotated[tuple[Role, ...], Field(min_length=1)]


class ItemRule(Section):
    """An item of a gate. One that is not required is worked out and shown, and decides nothing."""

    required: bool = True


class DataRule(ItemRule):
    """`max_data_age`: how long the newest collected row may lie back; exactly that long is fine."""

    max_data_age: Duration = timedelta(days=14)


class ComputeRule(ItemRule):
    """`max_run_minutes`: what all stages of a run may take together; exactly that much is fine."""

    max_run_minutes: Count = 330


class RolesRule(ItemRule):
    """`roles`: who has to agree, as configs/approvers.yaml names them."""

    roles: Roles = ("ml_lead",)


class SignOffRule(RolesRule):
    """Every one of `roles` has to agree."""

    roles: Roles = ("ml_lead", "product_owner")


class Readiness(Section):
    """Gate 1: a reason, sound data and enough compute."""

    triggers_validated: ItemRule = ItemRule()
    data_collected_and_validated: DataRule = DataRule()
    features_ready: ItemRule = ItemRule()
    compute_present: ComputeRule = ComputeRule()
    tracking_reachable: ItemRule = ItemRule()


class ModelQuality(Section):
    """Gate 2: a challenger that is better, fair, registered and whole."""

    beats_champion: ItemRule = ItemRule()
    thresholds_met: ItemRule = ItemRule()
    fairness: ItemRule = ItemRule()
    registered: ItemRule = ItemRule()
    artifacts_complete: ItemRule = ItemRule()


class DeploymentSafety(Section):
    """Gate 3: people agree, somebody watches, and there is a way back."""

    ab_test: ItemRule = ItemRule()
    plan_approved: RolesRule = RolesRule()
    rollback_rehearsed: ItemRule = ItemRule()
    monitoring_configured: ItemRule = ItemRule()
    sign_off: SignOffRule = SignOffRule()

    @property
    def approving_roles(self) -> tuple[str, ...]:
        """The roles that have to agree before a merge, each once."""
        return tuple(dict.fromkeys((*self.plan_approved.roles, *self.sign_off.roles)))


class QualityPolicy(Section):
    """The section `quality_gates`."""

    readiness: Readiness = Readiness()
    model_quality: ModelQuality = ModelQuality()
    deployment_safety: DeploymentSafety = DeploymentSafety()


class _GatesFile(Gates):
    quality_gates: QualityPolicy = QualityPolicy()


def load_quality_policy(root: Path) -> QualityPolicy:
    """The section of configs/gates.yaml at `root`. Raises ConfigurationError with every fault."""
    return load_section(_GatesFile, root / "configs" / "gates.yaml").quality_gates


def check_data_age(root: Path) -> None:
    """Raise ConfigurationError where rows are too old for the gates once their labels are there.

    The newest collected row is at least collect.label_maturity_hours old, whenever a retrain runs.
    """
    rule = load_quality_policy(root).readiness.data_collected_and_validated
    hours = load_params(root).collect.label_maturity_hours
    limit = rule.max_data_age / timedelta(hours=1)
    if rule.required and hours >= limit:
        fault = (
            f"collect.label_maturity_hours: found {hours:g}, but configs/gates.yaml takes no rows "
            f"older than {limit:g} hours (max_data_age of data_collected_and_validated), so that no"
            " retrain could ever pass; raise max_data_age above the maturity and the time between "
            "retrains"
        )
        raise ConfigurationError(str(root / "params.yaml"), [fault])
