"""The layering: domain <- config <- core; core and ml apart; nobody imports scripts."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# room -> the parts of pipeline that it may import
BASE = {
    "pipeline.domain",
    "pipeline.errors",
    "pipeline.rollout_timeline",
    "pipeline.strict_yaml",
    "pipeline.timeline",
    "pipeline.wording",
}
CONFIG = BASE | {  # files of ours as validated values
    "pipeline.ab_config",
    "pipeline.champion",
    "pipeline.config",
    "pipeline.experiment",
    "pipeline.forge",
    "pipeline.gates_config",
    "pipeline.manifest",
    "pipeline.repository_config",
    "pipeline.repository_settings",
    "pipeline.rollout_commands",
    "pipeline.rollout_config",
    "pipeline.rollout_metrics",
    "pipeline.rollout_scenario",
    "pipeline.rollout_schemas",
    "pipeline.rollout_status",
    "pipeline.rollout_units",
    "pipeline.serving_config",
    "pipeline.trigger_config",
}
PLAIN = CONFIG | {
    "pipeline.approvers",
    "pipeline.credentials",
    "pipeline.dvc_objects",
    "pipeline.dvclock",
    "pipeline.github_env",
    "pipeline.jsonio",
    "pipeline.params_file",
    "pipeline.paths",
    "pipeline.pointintime",
    "pipeline.web",
}
MAY_IMPORT = {
    "pipeline/core": CONFIG | {"pipeline.core"},
    "pipeline/ml": PLAIN | {"pipeline.ml"},
    "pipeline/usecase": {"pipeline.usecase"},
    "pipeline/stages": PLAIN
    | {"pipeline.core", "pipeline.ml", "pipeline.adapters", "pipeline.usecase", "pipeline.stages"},
    "pipeline/monitoring": PLAIN
    | {"pipeline.core", "pipeline.adapters", "pipeline.usecase", "pipeline.monitoring"},
    "pipeline/reviewing": PLAIN
    | {
        "pipeline.core",
        "pipeline.ml",
        "pipeline.adapters",
        "pipeline.monitoring.ab_tests",
        "pipeline.stages",
        "pipeline.reviewing",
    },
    "pipeline/proposing": PLAIN
    | {"pipeline.core", "pipeline.adapters", "pipeline.monitoring", "pipeline.proposing"},
    "pipeline/rolling": PLAIN
    | {"pipeline.core", "pipeline.adapters", "pipeline.monitoring", "pipeline.rolling"}
    | {"pipeline.proposing"},
    "pipeline/tracing": PLAIN
    | {"pipeline.core", "pipeline.adapters", "pipeline.monitoring", "pipeline.tracing"}
    | {"pipeline.proposing", "pipeline.reviewing.approvals", "pipeline.rolling"},
    "pipeline/doctoring": PLAIN
    | {"pipeline.core", "pipeline.adapters", "pipeline.usecase", "pipeline.monitoring"}
    | {"pipeline.proposing", "pipeline.rolling", "pipeline.doctoring"},
    "pipeline/serving": PLAIN | {"pipeline.ml", "pipeline.serving"},
    "pipeline/site": PLAIN
    | {"pipeline.core", "pipeline.adapters", "pipeline.rolling", "pipeline.site"},
    "pipeline/demo": PLAIN
    | {"pipeline.core", "pipeline.ml", "pipeline.adapters", "pipeline.usecase", "pipeline.rolling"}
    | {"pipeline.options", "pipeline.serving", "pipeline.demo"},
    "pipeline/relay": PLAIN | {"pipeline.core", "pipeline.adapters", "pipeline.relay"},
    "pipeline/adapters": PLAIN,
    "pipeline/adapters/ab_outcomes": PLAIN | {"pipeline.adapters.ab_outcomes"},
    "pipeline/adapters/git": PLAIN | {"pipeline.adapters.git"},
    "pipeline/adapters/github": PLAIN | {"pipeline.adapters.github"},
    "pipeline/adapters/local_forge": PLAIN | {"pipeline.adapters.local_forge"},
    "pipeline/adapters/metrics": PLAIN | {"pipeline.adapters.metrics"},
    "pipeline/adapters/traffic": PLAIN | {"pipeline.adapters.traffic"},
    "pipeline/adapters/tracking": PLAIN | {"pipeline.adapters.tracking"},
    "pipeline": PLAIN,
}
NOT_PURE = {"os", "subprocess", "time", "random", "pathlib", "io", "socket", "logging", "sys"}
HEAVY = {"pandas", "sklearn", "mlflow", "dvc", "matplotlib", "sqlalchemy"}
IMPURE_CALLS = {"open", "print", "input", "exec", "eval"}


def _room(path: Path) -> str:
    """The folder that has a rule of its own; the packages of core are all of one room, as ml's."""
    folder = path.parent.relative_to(ROOT).as_posix()
    whole = (room for room in ("pipeline/core", "pipeline/ml") if folder.startswith(f"{room}/"))
    return next(whole, folder)


SOURCES = sorted((ROOT / "pipeline").rglob("*.py"))
CORE = [path for path in SOURCES if _room(path) == "pipeline/core"]


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, at the top or inside a function."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def _is_within(name: str, allowed: set[str]) -> bool:
    return any(name == part or name.startswith(part + ".") for part in allowed)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_imports_only_what_its_room_may(path: Path) -> None:
    allowed = MAY_IMPORT.get(_room(path), MAY_IMPORT["pipeline/adapters"])
    ours = {name for name in imports_of(path) if name.startswith(("pipeline.", "scripts"))}
    # `from pipeline.stages import collect` names the module and its member
    outside = {name for name in ours if not _is_within(name, allowed)}
    assert outside == set()


def test_no_adapter_imports_another() -> None:
    for path in SOURCES:
        if _room(path).startswith("pipeline/adapters"):
            own = {_room(path).replace("/", ".")} - {"pipeline.adapters"}
            adapters = {n for n in imports_of(path) if n.startswith("pipeline.adapters")}
            others = {n for n in adapters if not _is_within(n, own)}
            assert others <= {"pipeline.adapters.traffic"}, path


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_core_is_pure(path: Path) -> None:
    tops = {name.partition(".")[0] for name in imports_of(path)}
    assert tops & (NOT_PURE | HEAVY) == set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in IMPURE_CALLS, f"{path.name}:{node.lineno}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            clock = node.func.attr in {"now", "utcnow", "today"}
            assert not clock, f"{path.name}:{node.lineno} reads a clock"


def test_the_packages_of_core_build_on_one_another_without_a_circle() -> None:
    uses: dict[str, set[str]] = {}
    for path in CORE:
        own = _part_of_core(path)
        names = (name.split(".") for name in imports_of(path) if name.startswith("pipeline.core."))
        uses.setdefault(own, set()).update({parts[2] for parts in names} - {own})
    parts = {part: found & set(uses) for part, found in uses.items()}
    TopologicalSorter(parts).prepare()  # raises CycleError, which names the circle


def _part_of_core(path: Path) -> str:
    return path.relative_to(ROOT / "pipeline/core").parts[0].removesuffix(".py")


def test_nobody_imports_scripts() -> None:
    for path in [*SOURCES, *(ROOT / "scripts").glob("*.py")]:
        assert not any(name.split(".")[0] == "scripts" for name in imports_of(path)), path
