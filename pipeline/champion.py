"""rollouts/<model>/champion.yaml: which model serves, and who said so.

The file names the model by two digests: `digest` is what the package must be, `package_md5` is
where DVC keeps it. Only a pull request changes it, so its history is the history of the model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, model_validator

from pipeline.config import Identifier, Section, UtcTime, parse_section
from pipeline.errors import ConfigurationError
from pipeline.strict_yaml import load_yaml, parse_yaml

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
PackageMd5 = Annotated[str, Field(pattern=r"^[0-9a-f]{32}\.dir$")]
Text = Annotated[str, Field(min_length=1, max_length=2_000)]


class Champion(Section):
    """The model version that serves. `previous` is the digest of the one before it, if any."""

    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    model: Identifier
    digest: Digest
    package_md5: PackageMd5
    as_of: UtcTime
    approved_by: Text
    reason: Text
    previous: Digest | None = None

    @model_validator(mode="after")
    def _previous_is_another(self) -> Self:
        if self.previous == self.digest:
            raise ValueError("previous is the same as digest: expected the one that served before")
        return self


def parse_champion(text: str, where: str) -> Champion:
    """The champion in a YAML document. Raises ConfigurationError naming every fault."""
    return parse_section(Champion, parse_yaml(text, where), where)


def parse_pointer(text: str, where: str) -> Champion | None:
    """The champion in a YAML document, None where it says nothing: none was approved yet.

    Raises ConfigurationError naming every fault.
    """
    return _champion_in(parse_yaml(text, where), where)


def render_champion(champion: Champion) -> str:
    """`champion` as YAML: one order of keys, so equal champions are equal bytes."""
    values = champion.model_dump(by_alias=True)
    values["as_of"] = champion.as_of.isoformat().replace("+00:00", "Z")
    # What does not print is escaped, since YAML would read some of it back as a line break.
    is_printable = all(value.isprintable() for value in values.values() if isinstance(value, str))
    body = yaml.safe_dump(values, sort_keys=False, allow_unicode=is_printable, width=100)
    return f"# Which model serves. Only pull requests change this file.\n{body}"


def champion_path(root: Path, model: str) -> Path:
    """Where the champion pointer of `model` is in the repository at `root`."""
    return root / "rollouts" / model / "champion.yaml"


def load_champion(root: Path, model: str) -> Champion | None:
    """The champion of `model`, or None where the file is absent or empty: none was approved yet.

    Raises ConfigurationError for a file that is there and is not valid, or names another model.
    """
    path = champion_path(root, model)
    if not path.exists():
        return None
    champion = _champion_in(load_yaml(path), str(path))
    if champion is not None and champion.model != model:
        fault = f"model: found '{champion.model}', expected '{model}', as its folder is named"
        raise ConfigurationError(str(path), [fault])
    return champion


def _champion_in(value: Any, where: str) -> Champion | None:
    return None if value is None else parse_section(Champion, value, where)
