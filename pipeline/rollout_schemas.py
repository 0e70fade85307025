"""JSON Schemas for editors, made from the models that read the files: docs/schemas/*.json.

    python -m pipeline.rollout_schemas      # writes them again; a test fails where they differ

To an editor: `# yaml-language-server: $schema=../../docs/schemas/rollout.schema.json`.
"""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.config import Section
from pipeline.jsonio import save_text
from pipeline.manifest import RolloutSpec
from pipeline.rollout_commands import CommandFile
from pipeline.rollout_config import PlanFile
from pipeline.rollout_status import Record

_MODELS: dict[str, type[Section]] = {
    "rollout": RolloutSpec,
    "status": Record,
    "command": CommandFile,
    "rollout-plan": PlanFile,
}


def render_schemas() -> dict[str, str]:
    """Each schema file by its path in the repository."""
    found = {}
    for name, model in _MODELS.items():
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **model.model_json_schema(by_alias=True),
        }
        text = json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True)
        found[f"docs/schemas/{name}.schema.json"] = text + "\n"
    return found


def save_schemas(root: Path) -> None:
    """Write all of them below `root`."""
    for path, text in render_schemas().items():
        save_text(root / path, text)


if __name__ == "__main__":
    save_schemas(Path.cwd())
