"""rollouts/<model>/rollout.yaml: what should serve. Pull requests write it, and nothing else does.

Merging the file starts a rollout, and reverting that merge ends it. The plan is in it whole, so a
later edit of configs/rollout-plan.yaml changes nothing that runs. What became of the rollout is
written elsewhere (see pipeline/rollout_status.py), so that a revert never conflicts with it.

What is read here may come from a stranger's pull request: sizes, names and paths are checked before
anything is believed.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, Field, model_validator

from pipeline.champion import Champion, Digest, PackageMd5
from pipeline.config import Identifier, Section, SectionT, UtcTime, parse_section
from pipeline.errors import ConfigurationError
from pipeline.rollout_config import RolloutPlan
from pipeline.rollout_units import Derived
from pipeline.strict_yaml import parse_yaml

MAX_MANIFEST_BYTES = 200_000
_HEADER = """\
# What should serve. Merging this file starts the rollout; `git revert` of the merge ends it,
# at any moment, with the champion back at 100 %. The plan is a copy: it is this one that counts.
"""


def version_of(digest: str, as_of: datetime) -> str:
    """The name of a model version: its day and the first 12 hex digits of its digest."""
    return f"{as_of:%Y-%m-%d}-{digest.removeprefix('sha256:')[:12]}"


def _inside(value: str) -> str:
    """A relative path of plain characters that leads nowhere but down."""
    path = PurePosixPath(value)
    is_plain = re.fullmatch(r"[A-Za-z0-9._/-]{1,300}", value) is not None
    if not is_plain or path.is_absolute() or ".." in path.parts or str(path) != value:
        raise ValueError("expected a path inside the repository, such as evidence/x/manifest.json")
    return value


InsidePath = Annotated[str, AfterValidator(_inside)]
Version = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9a-f]{12}$")]


class ModelIdentity(Section):
    """A model by its bytes: `digest` of the package, and `package_md5`, where DVC keeps it."""

    digest: Digest
    package_md5: PackageMd5
    as_of: UtcTime

    @property
    def version(self) -> str:
        """The version's name, as metrics and people call it."""
        return version_of(self.digest, self.as_of)


class EvidenceRef(Section):
    """The evidence package that reviewers saw: where it is, and the digest of its manifest."""

    path: InsidePath
    digest: Digest

    @property
    def folder(self) -> str:
        """The folder of the package; `path` may name that, or the manifest.json in it."""
        return self.path.removesuffix("/manifest.json")


class RolloutSpec(Derived):
    """One rollout: `challenger` takes over from `champion`, as the plan says.

    `champion` is the whole champion.yaml that served when the two were compared: the rollout
    starts from this one only, and a rollback puts it back.
    """

    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    model: Identifier
    version: Version
    retrain: Identifier
    challenger: ModelIdentity
    champion: Champion
    evidence: EvidenceRef
    plan: RolloutPlan

    @property
    def champion_version(self) -> str:
        """The version's name of the champion."""
        return version_of(self.champion.digest, self.champion.as_of)

    @cached_property
    def digest(self) -> str:
        """What this says, as a digest: comments and layout do not count."""
        return values_digest(spec_values(self))

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        faults = []
        if self.version != self.challenger.version:
            faults.append(f"version is not the challenger's, expected {self.challenger.version}")
        if self.champion.model != self.model:
            faults.append("champion is one of another model")
        if self.champion.digest == self.challenger.digest:
            faults.append("challenger is the champion already")
        if faults:
            raise ValueError("; ".join(faults))
        return self


def rollout_path(root: Path, model: str) -> Path:
    """Where the manifest of `model` is in the repository at `root`."""
    return root / "rollouts" / model / "rollout.yaml"


def parse_rollout(text: str, where: str) -> RolloutSpec:
    """The manifest in a YAML document. Raises ConfigurationError naming every fault."""
    return parse_document(RolloutSpec, text, where)


def load_rollout(root: Path, model: str) -> RolloutSpec | None:
    """The manifest of `model`, or None where there is none.

    Raises ConfigurationError for a file that is too large, a link, not valid, or of another model.
    """
    path = rollout_path(root, model)
    text = read_bounded(path)
    if text is None:
        return None
    spec = parse_rollout(text, str(path))
    if spec.model != model:
        fault = f"model: found '{spec.model}', expected '{model}', as its folder is named"
        raise ConfigurationError(str(path), [fault])
    return spec


def render_rollout(spec: RolloutSpec) -> str:
    """`spec` as YAML: one order of keys, so equal specs are equal bytes."""
    return _HEADER + render_values(spec_values(spec))


def spec_values(spec: RolloutSpec) -> dict[str, Any]:
    """`spec` as plain values that parse back to it, every default written out."""
    return spec.model_dump(mode="json", by_alias=True, exclude_none=True)


def values_digest(values: Any) -> str:
    """sha256 of plain `values` as canonical JSON."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def render_values(values: Any) -> str:
    """Plain `values` as YAML that reads back to just them, whatever text is in it."""
    is_printable = _all_printable(values)
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=is_printable, width=100)


def parse_document(kind: type[SectionT], text: str, where: str) -> SectionT:
    """`text` as a `kind`. Raises ConfigurationError: too large, not YAML, or with its faults."""
    if len(text.encode(errors="surrogatepass")) > MAX_MANIFEST_BYTES:
        raise ConfigurationError(where, [f"larger than {MAX_MANIFEST_BYTES:,} bytes"])
    return parse_section(kind, parse_yaml(text, where), where)


def read_bounded(path: Path) -> str | None:
    """The text at `path`, None where nothing is.

    Raises ConfigurationError before a large read, and for what cannot be read as text.
    """
    if path.is_symlink() or path.parent.is_symlink():
        raise ConfigurationError(str(path), ["found a symbolic link, expected a file of its own"])
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise ConfigurationError(str(path), [f"larger than {MAX_MANIFEST_BYTES:,} bytes"])
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise ConfigurationError(str(path), [f"not UTF-8 text: {error}"]) from error
    except OSError as error:
        raise ConfigurationError(str(path), [f"cannot be read ({error.strerror})"]) from error


def _all_printable(value: Any) -> bool:
    if isinstance(value, str):
        return value.isprintable()
    if isinstance(value, dict):
        return all(_all_printable(key) and _all_printable(item) for key, item in value.items())
    return all(map(_all_printable, value)) if isinstance(value, list) else True
