"""
A city that does not exist, made from one seed: data to try everything with, and traps with known answers.

`make` writes the data where the catalogue looks for them, and ``truth/`` beside them.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from stadtbuch import atomic
from stadtbuch.errors import StateError, UsageError
from stadtbuch.settings import FILE as SETTINGS
from stadtbuch.settings import Settings
from stadtbuch.synthetic import config, tables, write
from stadtbuch.synthetic.nature import Size
from stadtbuch.texts import Text

MARKER = "SYNTHETIC.json"
TRUTH = tables.TRUTH
SEED = 2026
PRIVATE, PUBLIC = 0o600, 0o644


def make(
    settings: Settings, *, size: Size, seed: int = SEED, progress: tables.Progress = lambda step: None
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
    made = tables.every(pattern, size=size, seed=seed, progress=progress, zone=settings.city.timezone)
    files = {one.path: one.data for one in made}
    marker = wanted | {
        "tables": {one.dataset: one.rows for one in made if one.dataset},
        "files": {path: atomic.digest(data) for path, data in files.items()},
    }
    progress("write")
    try:
        _put(settings, files, marker, private={one.path for one in made if one.private})
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


def _put(settings: Settings, files: dict[str, bytes], marker: dict[str, Any], *, private: set[str]) -> None:
    """Write all files; the marker goes first and comes last: half a city is never taken for a whole one."""
    _place(settings, MARKER).unlink(missing_ok=True)
    for path, data in {**files, MARKER: write.document(marker)}.items():
        place = _place(settings, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(place, data, mode=PRIVATE if path in private else PUBLIC)


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
