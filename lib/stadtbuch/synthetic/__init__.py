"""
A city that does not exist, made from one seed: data to try everything with, and traps with known answers.

`make` writes the data where the catalogue looks for them, and ``truth/`` beside them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd

from stadtbuch import atomic
from stadtbuch.errors import StateError, UsageError
from stadtbuch.settings import FILE as SETTINGS
from stadtbuch.settings import Settings
from stadtbuch.synthetic import areas, config, counters, hourly, residents, truth, write
from stadtbuch.synthetic.config import PERSONS, Config, Size
from stadtbuch.synthetic.seeds import stream
from stadtbuch.texts import Text

MARKER = "SYNTHETIC.json"
TRUTH = "truth"
SEED = 2026
CLOSED = ("population/residents.parquet", "mobility/bicycle_counts_hourly.csv", f"{TRUTH}/privacy.json")
PRIVATE, PUBLIC = 0o600, 0o644

Progress = Callable[[str], None]


def make(
    settings: Settings, *, size: Size, seed: int = SEED, progress: Progress = lambda step: None
) -> dict[str, Any]:
    """
    Make the city's data, unless exactly these data are there already.

    Parameters
    ----------
    settings
        Of the city: its root holds ``synthetic.yaml``.
    size
        ``mini`` (3,500 persons), ``small`` (35,000) or ``full`` (350,000).
    seed
        Another number gives another city of the same kind, with the same traps.
    progress
        Is told the name of each table before it is made.

    Returns
    -------
    dict
        ``written`` (bool), ``size``, ``seed``, ``tables`` (rows by dataset), ``files`` (paths below the data
        folder; those of ``truth/`` below the root).

    Raises
    ------
    SettingsError
        If ``synthetic.yaml`` is missing or wrong.
    UsageError
        ``synthetic.real-city``: the settings do not say that the city is made up.
    StateError
        ``synthetic.not-writable``.
    """
    _only_made_up(settings)
    pattern = config.read(settings.root)
    wanted = {
        "synthetic": True,
        "size": size,
        "seed": seed,
        "generator": generator(),
        "pattern": _pattern(settings.root),
    }
    there = _there(settings)
    if there and {key: there[key] for key in wanted} == wanted:
        return _told(there, written=False)
    files, tables = _files(pattern, size, seed, progress, zone=settings.city.timezone)
    marker = wanted | {"tables": tables, "files": {path: atomic.digest(data) for path, data in files.items()}}
    progress("write")
    try:
        _put(settings, files, marker)
    except OSError:
        raise _not_writable(settings) from None
    return _told(marker, written=True)


def _only_made_up(settings: Settings) -> None:
    """Refuse to write made-up data over those of a real city."""
    if settings.city.synthetic:
        return
    raise UsageError(
        "synthetic.real-city",
        Text(
            de=f"{settings.city.name} ist keine erfundene Stadt; hier werden keine Daten erfunden.",
            en=f"{settings.city.name} is not a made-up city; no data are made up here.",
        ),
        remedy=Text(
            de=f"Nur wenn die Stadt erfunden ist: schreiben Sie in {SETTINGS} unter [city] synthetic = true.",
            en=f"Only if the city is made up: write synthetic = true under [city] in {SETTINGS}.",
        ),
    )


def _not_writable(settings: Settings) -> StateError:
    return StateError(
        "synthetic.not-writable",
        Text(
            de=f"In die Ordner {settings.paths.data} und {TRUTH} der Stadt kann nicht geschrieben werden.",
            en=f"The city's folders {settings.paths.data} and {TRUTH} cannot be written to.",
        ),
        remedy=Text(
            de="Prüfen Sie Rechte und freien Platz und wiederholen Sie den Befehl.",
            en="Check permissions and free space and repeat the command.",
        ),
    )


def generator() -> str:
    """Give the version of the generator: the hash of its own source, so that no change is overlooked."""
    total = sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:16]


def _pattern(root: Path) -> str:
    return atomic.digest((root / config.FILE).read_bytes())[:16]


def _there(settings: Settings) -> dict[str, Any] | None:
    """Give the marker of the data that are there, if all of its files are as they were written."""
    try:
        marker: dict[str, Any] = json.loads((settings.folder("data") / MARKER).read_bytes())
        whole = all(
            atomic.digest(_place(settings, path).read_bytes()) == digest
            for path, digest in marker["files"].items()
        )
        return marker if whole else None
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None


def _place(settings: Settings, path: str) -> Path:
    return (settings.root if path.startswith(f"{TRUTH}/") else settings.folder("data")) / path


def _told(marker: dict[str, Any], *, written: bool) -> dict[str, Any]:
    return {
        "written": written,
        "size": marker["size"],
        "seed": marker["seed"],
        "tables": marker["tables"],
        "files": sorted(marker["files"]),
    }


def _files(
    pattern: Config, size: Size, seed: int, progress: Progress, *, zone: str
) -> tuple[dict[str, bytes], dict[str, int]]:
    """Make all tables; bytes by path, and rows by dataset."""
    progress("geography.areas")
    drawn = areas.draw(pattern, rng=stream(seed, "areas"))
    progress("population.residents")
    register = residents.register(
        pattern, drawn.quarters, persons=PERSONS[size], rng=stream(seed, "residents")
    )
    progress("mobility.bicycle_counts")
    stations = counters.stations(pattern, drawn.quarters, size=size)
    counts = counters.counts(
        pattern, size=size, weather=stream(seed, "weather"), rng=stream(seed, "bicycle_counts")
    )
    progress("mobility.bicycle_counts_hourly")
    impulses = hourly.counts(pattern, counts, zone=zone, rng=stream(seed, "bicycle_counts_hourly"))
    files = {
        "geography/quarters.geojson": write.geojson(drawn.quarters),
        "geography/districts.geojson": write.geojson(drawn.districts),
        "geography/boroughs.geojson": write.geojson(drawn.boroughs),
        "geography/river.geojson": write.geojson(drawn.river),
        "population/residents.parquet": write.parquet(register),
        "mobility/bicycle_counters.csv": _stations_csv(stations),
        "mobility/bicycle_counts.csv": _counts_csv(counts, sign=pattern.traps.gaps.signs.sign),
        "mobility/bicycle_counts_hourly.csv": _hourly_csv(impulses),
        f"{TRUTH}/privacy.json": write.document(truth.privacy(pattern, register, drawn.quarters)),
        f"{TRUTH}/quality.json": write.document(truth.quality(pattern, counts)),
    }
    tables = {
        "geography.areas": len(drawn.quarters),
        "geography.boroughs": len(drawn.boroughs),
        "geography.districts": len(drawn.districts),
        "geography.river": len(drawn.river),
        "mobility.bicycle_counters": len(stations),
        "mobility.bicycle_counts": len(counts),
        "mobility.bicycle_counts_hourly": len(impulses),
        "population.residents": len(register),
    }
    return files, tables


def _stations_csv(stations: pd.DataFrame) -> bytes:
    """Write the stations as the office for cycling hands them out."""
    return write.csv(
        {
            "Nummer": stations["station_id"].tolist(),
            "Name": stations["name"].tolist(),
            "Art": stations["kind"].tolist(),
            "Stadtbezirk": stations["borough"].tolist(),
            "Längengrad": write.decimal(stations["longitude"]),
            "Breitengrad": write.decimal(stations["latitude"]),
            "In Betrieb seit": write.days(stations["since"]),
            "Gerätenummer": stations["serial"].tolist(),
        },
        encoding="utf-8-sig",
    )


def _counts_csv(counts: pd.DataFrame, *, sign: str) -> bytes:
    """Write the counts as they come out of the office's old software."""
    return write.csv(
        {
            "Zählstelle": counts["station_id"].tolist(),
            "Datum": write.days(counts["day"]),
            "Anzahl Räder": write.whole(counts["count"], missing=sign),
        },
        encoding="cp1252",
    )


def _hourly_csv(impulses: pd.DataFrame) -> bytes:
    """Write the raw counts as the maker of the loops delivers them."""
    return write.csv(
        {
            "Stelle": impulses["station_id"].tolist(),
            "Beginn (MEZ)": write.times(impulses["hour"].dt.tz_convert(hourly.DEVICE_ZONE)),
            "Richtung": impulses["direction"].tolist(),
            "Impulse": impulses["count"].astype(str).tolist(),
        },
        encoding="utf-8",
    )


def _put(settings: Settings, files: dict[str, bytes], marker: dict[str, Any]) -> None:
    """Write all files; the marker goes first and comes last: half a city is never taken for a whole one."""
    _place(settings, MARKER).unlink(missing_ok=True)
    for path, data in {**files, MARKER: write.document(marker)}.items():
        place = _place(settings, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(place, data, mode=PRIVATE if path in CLOSED else PUBLIC)


def canaries(settings: Settings) -> list[str]:
    """
    Give the planted words of all datasets that are not open, from ``truth/privacy.json``.

    Numbers and dates among them are too ordinary to be looked for everywhere and are left out.
    """
    told = json.loads((settings.root / TRUTH / "privacy.json").read_text(encoding="utf-8"))["canaries"]
    return sorted({one for columns in told.values() for one in columns.values() if _is_word(one)})


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and any(one.isalpha() for one in value)


__all__ = ["MARKER", "SEED", "TRUTH", "Size", "canaries", "generator", "make"]
