"""Drift of 50 numeric and 5 categorical columns against the libraries, in one run.

    python -m benchmarks.bench_psi --peers-python PEERS/bin/python [--runs 3]

The libraries' pins conflict with ours, so they live in an environment of their own, PEERS:

    python -m venv PEERS && PEERS/bin/pip install evidently nannyml 'pandas<3'

(Evidently 0.7 does not import with pandas 3.) Where they cannot share one, give --peers-python
twice; a library that no interpreter has is left out, and the output says so.

Two Parquet files are made, seeded: reference and current. Each part runs in a fresh process that
reads what it needs of them; runs of the parts alternate. `work` is from opening the files to the
figures, `process` adds the start and the imports; CPU seconds (all threads) and peak memory are
those of the whole process. Evidently does `ValueDrift(method="psi")` a column, which is about twice
as fast as its DataDriftPreset. NannyML has no PSI: it does the Jensen-Shannon distance, in one
chunk, so its figures are on another scale, 0 to 1. The loop is what people write by hand: quantile
edges, np.histogram, value_counts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

# Nothing else is imported up here: the peers' interpreters lack our packages, and the peak memory
# of a child counts what its parent held.

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs/images/psi-growth.png"
COLUMNS = tuple(f"{'c' if i % 11 == 5 else 'n'}{i:02d}" for i in range(55))
NAMES = (3, 12, 40, 120, 400)  # of the categorical columns
GROWTH = ((0.1, 55), (0.3, 55), (1, 10), (1, 25), (1, 55))  # share of the rows, columns
EPSILON = 1e-4
SHARED = ("numpy", "pandas", "pyarrow")
Work = Callable[[Path, list[str]], dict[str, float]]


@dataclass(frozen=True)
class Cost:
    """Medians over the runs of one part. Seconds, and MiB of peak memory."""

    work: float
    process: float
    cpu: float
    peak: float


def main(arguments: list[str] | None = None) -> int:
    """Measure everything, print Markdown and draw the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peers-python", action="append", default=[], metavar="PATH")
    parser.add_argument("--picture", type=Path, default=PICTURE)
    parser.add_argument("--part", nargs=2, help=argparse.SUPPRESS)  # what a child does, and where
    parser.add_argument("--columns", nargs="+", default=list(COLUMNS), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.part:
        print(json.dumps(do_part(options.part[0], Path(options.part[1]), options)))
        return 0
    print(f"load {load()} at the start, {os.cpu_count()} cores, runs: {options.runs}\n")
    pythons = find_pythons(options.peers_python)
    with tempfile.TemporaryDirectory() as folder:
        make_everything(Path(folder), options.rows)
        compare(Path(folder), pythons, options)
        judge(Path(folder), pythons)
        grow(Path(folder), options)
    print(f"\nload {load()} at the end")
    return 0


def compare(folder: Path, pythons: dict[str, str], options: argparse.Namespace) -> None:
    """Every part at full size."""
    points = [(part, folder / "1", COLUMNS) for part in pythons]
    costs = dict(zip(pythons, measure(points, pythons, options.runs), strict=True))
    ours = costs["ours"]
    print(f"{options.rows:,} x {options.rows:,} rows, {len(COLUMNS)} columns\n")
    print("| | work, s | ratio | process, s | ratio | CPU, s | ratio | peak memory, MiB |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for part, one in costs.items():
        pairs = [(getattr(one, f), getattr(ours, f)) for f in ("work", "process", "cpu")]
        cells = [f"{mine:.2f} | {mine / base:.1f}" for mine, base in pairs]
        print(f"| {LABELS[part]} | {' | '.join(cells)} | {one.peak:,.0f} |")
    print(f"\nours / reading the current file: {ours.work / costs['read'].work:.2f}\n")


def judge(folder: Path, pythons: dict[str, str]) -> None:
    """The figures for a known shift, with and without one wild value."""
    print("| N(0,1) against N(1,1) | shifted | with one value of 1e6 |\n|---|--:|--:|")
    for part in pythons:
        if part not in ("read", "ours"):
            figures = [
                run(part, folder / case, ("x",), pythons)[1]["figures"]["x"]
                for case in ("shift", "outlier")
            ]
            print(f"| {LABELS[part]} | {figures[0]:.4f} | {figures[1]:.6f} |")


def grow(folder: Path, options: argparse.Namespace) -> None:
    """Ours over rows and over columns, printed and drawn."""
    parts = ("ours", "both", "read")
    points = [
        (part, folder / str(share), COLUMNS[:columns])
        for share, columns in GROWTH
        for part in parts
    ]
    found = iter(measure(points, find_pythons([]), options.runs))
    print("\n| rows | columns | ours, s | from both files, s | reading, s | peak memory, MiB |")
    print("|--:|--:|--:|--:|--:|--:|")
    rows = []
    for share, columns in GROWTH:
        ours, both, read = next(found), next(found), next(found)
        rows.append((int(share * options.rows), columns, ours.work, both.work, read.work))
        cells = " | ".join(f"{one.work:.3f}" for one in (ours, both, read))
        print(f"| {rows[-1][0]:,} | {columns} | {cells} | {ours.peak:,.0f} |")
    draw(rows, options.picture)


def measure(
    points: list[tuple[str, Path, tuple[str, ...]]], pythons: dict[str, str], runs: int
) -> list[Cost]:
    """The median cost of each (part, folder, columns)."""
    taken = [[run(*point, pythons)[0] for point in points] for _ in range(runs)]
    fields = ("work", "process", "cpu", "peak")
    return [
        Cost(*(statistics.median(getattr(one, field) for one in same) for field in fields))
        for same in zip(*taken, strict=True)
    ]


def run(
    part: str, folder: Path, columns: tuple[str, ...], pythons: dict[str, str]
) -> tuple[Cost, dict[str, Any]]:
    """One part in a fresh process: what it cost, and what it printed last."""
    command = [pythons[part], "-m", "benchmarks.bench_psi", "--part", part, str(folder)]
    quiet = {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1", "PYTHONWARNINGS": "ignore"}
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen(
            [*command, "--columns", *columns], stdout=output, cwd=ROOT, env=os.environ | quiet
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        if child.returncode:
            raise SystemExit(f"{part} failed with exit code {child.returncode}")
        output.seek(0)
        said = json.loads(output.read().splitlines()[-1])
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(said["seconds"], seconds, cpu, usage.ru_maxrss / 1024), said


def find_pythons(peers: list[str]) -> dict[str, str]:
    """The interpreter of every part that can run; prints the versions."""
    found = dict.fromkeys(("read", "ours", "both", "loop"), sys.executable)
    if not peers:
        return found
    print(f"here: {versions(*SHARED)}")
    for name in ("evidently", "nannyml"):
        for python in peers:
            code = f"from benchmarks import bench_psi as b; print(b.versions('{name}', *b.SHARED))"
            said = subprocess.run(
                [python, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
            ).stdout.strip()
            if said.startswith(name) and name not in found:
                found[name] = python
                print(f"{name}: {said}")
        if name not in found:
            print(f"{name}: not installed, left out")
    print()
    return found


def do_part(part: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """What a child does: import, then work against the clock."""
    if part == "make":
        return make_windows(folder, options.columns, options.rows)
    if part not in ("ours", "both"):
        import pyarrow.dataset  # noqa: PLC0415, F401 (which read_table imports on first use)
    work = PARTS[part]()
    start = time.perf_counter()
    figures = work(folder, options.columns)
    return {"seconds": time.perf_counter() - start, "figures": figures}


def reading() -> Work:
    """The current file into memory and no more."""
    import pyarrow.parquet as pq  # noqa: PLC0415

    def work(folder: Path, columns: list[str]) -> dict[str, float]:
        pq.read_table(folder / "current.parquet", columns=columns)
        return {}

    return work


def ours() -> Work:
    """The committed profile and the current file."""
    from pipeline.core.drift import psi  # noqa: PLC0415
    from pipeline.core.profile import ColumnProfile  # noqa: PLC0415
    from pipeline.monitoring.parquet_counts import count_parquet  # noqa: PLC0415

    def work(folder: Path, columns: list[str]) -> dict[str, float]:
        saved = json.loads((folder / "profile.json").read_text(encoding="utf-8"))
        profiles = {name: ColumnProfile.from_json(saved[name]) for name in columns}
        counts = count_parquet(folder / "current.parquet", profiles)
        return {name: psi(profiles[name], counts[name]).value or 0.0 for name in columns}

    return work


def ours_from_both() -> Work:
    """Both files: the profile is made first."""
    from pipeline.core.drift import psi  # noqa: PLC0415
    from pipeline.monitoring.parquet_counts import THREADS, count_parquet, profile_parquet  # noqa: PLC0415

    def work(folder: Path, columns: list[str]) -> dict[str, float]:
        kinds = kinds_of(columns)
        profiles = profile_parquet(folder / "reference.parquet", kinds, threads=THREADS)
        counts = count_parquet(folder / "current.parquet", profiles)
        return {name: psi(profiles[name], counts[name]).value or 0.0 for name in columns}

    return work


def loop() -> Work:
    """Pandas and numpy, a column at a time."""
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    def shares(values: pd.Series, edges: Any) -> Any:
        return np.histogram(values.dropna(), edges)[0] / values.count()

    def psi(reference: pd.Series, current: pd.Series) -> float:
        if pd.api.types.is_numeric_dtype(reference):
            inner = np.quantile(reference.dropna(), np.arange(1, 10) / 10)
            edges = [-np.inf, *np.unique(inner), np.inf]
            e, a = shares(reference, edges), shares(current, edges)
        else:
            counted = [one.value_counts(normalize=True) for one in (reference, current)]
            e, a = (one.fillna(0).to_numpy() for one in counted[0].align(counted[1]))
        e, a = np.maximum(e, EPSILON), np.maximum(a, EPSILON)
        return float(((a - e) * np.log(a / e)).sum())

    def work(folder: Path, columns: list[str]) -> dict[str, float]:
        reference, current = read_frames(folder, columns)
        return {name: psi(reference[name], current[name]) for name in columns}

    return work


def evidently() -> Work:
    """One ValueDrift a column."""
    from evidently import DataDefinition, Dataset, Report  # noqa: PLC0415
    from evidently.metrics import ValueDrift  # noqa: PLC0415

    def work(folder: Path, columns: list[str]) -> dict[str, float]:
        kinds = kinds_of(columns)
        schema = DataDefinition(
            numerical_columns=[name for name in columns if kinds[name] == "number"],
            categorical_columns=[name for name in columns if kinds[name] == "category"],
        )
        windows = [
            Dataset.from_pandas(frame, data_definition=schema)
            for frame in read_frames(folder, columns)
        ]
        metrics = [ValueDrift(column=name, method="psi") for name in columns]
        snapshot = Report(metrics, include_tests=False).run(windows[1], windows[0])
        return {one["config"]["column"]: float(one["value"]) for one in snapshot.dict()["metrics"]}

    return work


def nannyml() -> Work:
    """Jensen-Shannon for all columns, in one chunk."""
    from nannyml import UnivariateDriftCalculator  # noqa: PLC0415

    def work(folder: Path, columns: list[str]) -> dict[str, float]:
        reference, current = read_frames(folder, columns)
        kinds = kinds_of(columns)
        calculator = UnivariateDriftCalculator(
            column_names=columns,
            treat_as_categorical=[name for name in columns if kinds[name] == "category"],
            continuous_methods=["jensen_shannon"],
            categorical_methods=["jensen_shannon"],
            chunk_number=1,
        )
        found = calculator.fit(reference).calculate(current).filter(period="analysis").to_df()
        return {name: float(found[name, "jensen_shannon", "value"].iloc[0]) for name in columns}

    return work


PARTS: dict[str, Callable[[], Work]] = {
    "read": reading,
    "ours": ours,
    "both": ours_from_both,
    "loop": loop,
    "evidently": evidently,
    "nannyml": nannyml,
}
LABELS = {
    "read": "reading the current file, nothing else",
    "ours": "ours, with the committed profile",
    "both": "ours, from both files",
    "loop": "pandas and numpy loop",
    "evidently": "Evidently, PSI",
    "nannyml": "NannyML, Jensen-Shannon",
}


def read_frames(folder: Path, columns: list[str]) -> list[Any]:
    """Both windows as pandas frames, reference first."""
    import pandas as pd  # noqa: PLC0415

    return [
        pd.read_parquet(folder / f"{window}.parquet", columns=columns)
        for window in ("reference", "current")
    ]


def kinds_of(columns: list[str]) -> dict[str, Any]:
    """Which columns are categories is in their names."""
    return {name: "category" if name.startswith("c") else "number" for name in columns}


def make_everything(folder: Path, rows: int) -> None:
    """The files of every point, each made by a process of its own: see the note on imports."""
    points = [(str(share), int(share * rows), COLUMNS) for share, _ in GROWTH]
    for name, size, columns in {*points, ("shift", rows, ("x",)), ("outlier", rows, ("x",))}:
        (folder / name).mkdir()
        command = [sys.executable, "-m", "benchmarks.bench_psi", "--part", "make"]
        arguments = [str(folder / name), "--rows", str(size), "--columns", *columns]
        subprocess.run([*command, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def make_windows(folder: Path, columns: list[str], rows: int) -> dict[str, Any]:
    """Both files and the profile of the reference."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    from pipeline.monitoring.parquet_counts import profile_parquet  # noqa: PLC0415

    for number, window in enumerate(("reference", "current")):
        table = {name: make_column(name, number, rows) for name in columns}
        if folder.name == "outlier" and number == 1:
            table["x"] = pa.concat_arrays([table["x"][1:], pa.array([1e6])])
        pq.write_table(pa.table(table), folder / f"{window}.parquet")
    profiles = profile_parquet(folder / "reference.parquet", kinds_of(columns))
    saved = {name: one.to_json() for name, one in profiles.items()}
    (folder / "profile.json").write_text(json.dumps(saved), encoding="utf-8")
    return {}


def make_column(name: str, window: int, rows: int) -> Any:
    """A seeded column; the current window (1) has moved a little, more in later columns."""
    import numpy as np  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    if name == "x":
        return pa.array(np.random.default_rng([7, window]).normal(window, 1, rows))
    number = int(name[1:])
    rng = np.random.default_rng([number, window])
    moved = window * number / 100
    if name.startswith("c"):
        weights = 1 / (np.arange(NAMES[number // 11]) + 1 + moved)
        codes = rng.choice(len(weights), rows, p=weights / weights.sum())
        return pa.array([f"name {i}" for i in range(len(weights))]).take(pa.array(codes))
    return (
        lambda: pa.array(rng.normal(moved, 1, rows)),
        lambda: pa.array(rng.lognormal(moved, 1, rows)),
        lambda: pa.array(rng.poisson(6 + moved, rows)),
        lambda: pa.array(rng.normal(moved, 1, rows), mask=rng.random(rows) < 0.02),
    )[number % 4]()


def draw(rows: list[tuple[int, int, float, float, float]], path: Path) -> None:
    """Seconds over rows and over columns, from (rows, columns, ours, from both files, reading)."""
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    from pipeline.ml.plots.style import COLOURS, STYLE, as_png  # noqa: PLC0415

    most_rows, most_columns = max(row[0] for row in rows), max(row[1] for row in rows)
    lines = (
        ("ours, from both files", 3, "inconclusive", "^"),
        ("ours, committed profile", 2, "challenger", "o"),
        ("reading the current file", 4, "champion", "s"),
    )
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.3), layout="constrained")
        axes = figure.subplots(1, 2, sharey=True)
        for axis, x, fixed, total in ((axes[0], 0, 1, most_columns), (axes[1], 1, 0, most_rows)):
            chosen = sorted(row for row in rows if row[fixed] == total)
            for label, y, colour, marker in lines:
                points = [row[x] / (1e6 if x == 0 else 1) for row in chosen], [r[y] for r in chosen]
                axis.plot(*points, color=COLOURS[colour], marker=marker, label=label)
            axis.grid(axis="y")
            axis.set_xlim(left=0)
        axes[0].set_ylim(bottom=0)
        axes[0].set_ylabel("seconds, without start and imports")
        axes[0].set_xlabel(f"million rows a window ({most_columns} columns)")
        axes[1].set_xlabel(f"columns ({most_rows:,} rows a window)")
        axes[0].legend(loc="upper left")
        path.write_bytes(as_png(figure))


def versions(*packages: str) -> str:
    """Of those that are installed."""
    found = []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def load() -> str:
    """The machine's load over one minute."""
    return f"{os.getloadavg()[0]:.2f}"


if __name__ == "__main__":
    raise SystemExit(main())
