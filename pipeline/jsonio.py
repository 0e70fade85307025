"""JSON the way this repository writes it: readable, deterministic, strict, whole or not at all."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError, OutsideError


def render_json(value: Any) -> str:
    """`value` as indented JSON that ends with a newline; NaN and infinities become null.

    Takes dataclasses, mappings, sequences, datetimes, enums and numpy scalars and arrays.
    """
    return json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def save_json(path: Path, value: Any) -> None:
    """Write `value` to `path` by replacing the file, so that no reader sees half of it."""
    save_text(path, render_json(value))


def save_text(path: Path, text: str) -> None:
    """Write UTF-8 `text` to `path` by replacing the file, making its folder where needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def load_json(path: Path) -> Any:
    """The value in `path`. Raises OutsideError where it is missing or is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise OutsideError(f"{path}: not found. Run `dvc repro` to make it.") from error
    except (ValueError, RecursionError) as error:
        raise OutsideError(
            f"{path}: not JSON ({error}). Delete it and run `dvc repro` again."
        ) from error


def load_given_json(path: Path, expected: str) -> Any:
    """The value in a file that a person named. Raises ConfigurationError where there is none.

    `expected` says what belongs into it. No stage makes such a file, so none is told to run.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ConfigurationError(str(path), [f"not found, expected {expected}"]) from error
    except IsADirectoryError as error:
        raise ConfigurationError(str(path), [f"found a folder, expected {expected}"]) from error
    except ValueError as error:
        fault = f"found no JSON ({error}), expected {expected}"
        raise ConfigurationError(str(path), [fault]) from error


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    elif hasattr(value, "tolist"):  # numpy arrays and scalars
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, str):  # an enum of strings too
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value
