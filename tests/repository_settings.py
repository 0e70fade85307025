"""Wishes for tests of the settings: the shipped configs/repository.yaml, with changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from pipeline.config import parse_section
from pipeline.repository_config import RepositoryConfig
from pipeline.repository_settings import Account

ROOT = Path(__file__).parent.parent
ROLES = {"ml_lead": ("Ada", "ben"), "product_owner": ("ada", "cleo")}
PUBLIC = Account(is_private=False, plan="free", default_branch="main")


def config_of(**changes: Any) -> RepositoryConfig:
    shipped = yaml.safe_load((ROOT / "configs/repository.yaml").read_text(encoding="utf-8"))
    return parse_section(RepositoryConfig, {**shipped, **changes}, "configs/repository.yaml")
