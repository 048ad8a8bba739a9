"""
The answer of a build that finds nothing to do, given before anything heavy is imported.

A build that went well leaves a record: everything it looked at, by stamps, and what it said. As long as all of that
is the same on the same day, the next build would say that everything is unchanged; so it is said at once. Any doubt,
and the command goes its long way. The record lies in ``var/cache/`` and may be deleted at any time.

The runs that were not needed are counted (`stadtbuch.spared`). Imports the standard library only, and so do the
modules it imports.
"""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stadtbuch import spared, stamps

FORMAT = 1
FILE = "unchanged.json"
SETTINGS = "stadtbuch.toml"
Record = dict[str, Any]


def answer(arguments: Sequence[str], *, language: str, now: float, here: Path) -> str | None:
    """
    Give what ``stadtbuch build`` would print if nothing changed since the last one; None if that is not certain.

    Parameters
    ----------
    arguments
        What stands behind ``build``; with any option but ``--jobs``, ``--json`` and ``--city`` nothing is certain.
    language
        In which the answer is given.
    now
        Seconds since 1970.
    here
        The current folder.
    """
    asked = _asked(arguments)
    if asked is None:
        return None
    names, options = asked
    try:
        state = _state(_root(Path(options["--city"]) if "--city" in options else here))
        record: Record = dict(json.loads((state / "cache" / FILE).read_bytes()))
        if not _fits(record, language=language, now=now, names=names):
            return None
        document = _document(record, names)
        spared.note(state / "log", spared.number(document["runs"]), at=now)
        return _told(record, document, names, as_json="--json" in options)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _asked(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]] | None:
    """Read the arguments; None if there is one whose meaning is not known here."""
    names: list[str] = []
    options: dict[str, str] = {}
    rest = iter(arguments)
    for one in rest:
        name, equals, value = one.partition("=")
        if one == "--json":
            options[name] = ""
        elif name in ("--jobs", "--city"):
            options[name] = value if equals else next(rest, "")
        elif one.startswith("-"):
            return None
        else:
            names.append(one)
    sound = options.get("--jobs", "1").isdecimal() and int(options.get("--jobs", "1")) > 0
    return (names, options) if sound and options.get("--city", ".") else None


def _root(start: Path) -> Path:
    """Find the city's folder, as `settings.find` does."""
    resolved = start.resolve()
    return next(folder for folder in (resolved, *resolved.parents) if (folder / SETTINGS).is_file())


def _state(root: Path) -> Path:
    """Give the state folder of a city; the settings say where it is."""
    paths = tomllib.loads((root / SETTINGS).read_text(encoding="utf-8")).get("paths", {})
    return root / str(paths.get("state", "var"))


def _fits(record: Record, *, language: str, now: float, names: Sequence[str]) -> bool:
    """Tell whether a record holds for this process, this day and everything that was looked at."""
    return (
        record["about"] == about()
        and record["language"] == language
        and record["day"][0] <= now < record["day"][1]
        and set(names) <= {one["report"] for one in record["document"]["runs"]}
        and (not names or not record["beside"])
        and all(stamps.holds(_scope(one), stamps.Look(**one["seen"])) for one in record["looks"])
    )


def about() -> list[Any]:
    """Say which program this is and who runs it: another one may answer otherwise."""
    return [FORMAT, sys.version, sys.executable, str(Path(__file__).parent), os.getuid()]


def _scope(one: Mapping[str, Any]) -> stamps.Scope:
    return stamps.Scope(**{name: tuple(one["scope"][name]) for name in ("folders", "files", "without")})


def _document(record: Record, names: Sequence[str]) -> Record:
    """Give the answer for the reports that were asked for, or for all."""
    document: Record = dict(record["document"])
    wanted = set(names)
    document["runs"] = [one for one in document["runs"] if not names or one["report"] in wanted]
    document["counts"] = _counted(document["counts"], document["runs"])
    if names and "dashboards" in document:
        document["dashboards"] = [one for one in document["dashboards"] if one["dashboard"] in wanted]
        if not document["dashboards"]:
            del document["dashboards"]
    return document


def _told(record: Record, document: Record, names: Sequence[str], *, as_json: bool) -> str:
    """Write the answer for machines or for people."""
    if as_json:
        return json.dumps(document, ensure_ascii=False) + "\n"
    wanted = set(names)
    lines = [line for name, line in record["lines"] if not names or name in wanted or name is None]
    return "\n".join(lines) + "\n"


def _counted(counts: Mapping[str, int], runs: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Count again what the cells that are left say."""
    told = dict.fromkeys(counts, 0) | {"runs": len(runs)}
    for one in runs:
        for name in (one["status"], one["publication"]):
            if name in told and name != "runs":
                told[name] += 1
    # "unchanged" is a status and a publication; what is counted is the status.
    if "unchanged" in told:
        told["unchanged"] = sum(one["status"] == "unchanged" for one in runs)
    return told


# ---- keeping a record ----------------------------------------------------------------------------------


def unchanged(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """
    Turn what a build said into what the next one says if nothing changes; None if it would say anything else.

    Parameters
    ----------
    document
        The answer of a build in one language.
    """
    runs = [_again(one) for one in document["runs"]]
    boards = [_board(one) for one in document.get("dashboards", ())]
    if "site" in document or None in runs or None in boards:
        return None
    told = {**document, "runs": runs, "counts": _counted(document["counts"], [one for one in runs if one])}
    return told | ({"dashboards": boards} if boards else {})


def _again(run: Mapping[str, Any]) -> dict[str, Any] | None:
    """Say of a cell what an unchanged build says; None for what failed, was refused or may be told otherwise."""
    if run["status"] not in ("ran", "unchanged") or run.get("error") or run["notices"]:
        return None
    publication = "unchanged" if run["publication"] == "published" else run["publication"]
    if publication not in ("unchanged", "awaiting-approval", "withheld"):
        return None
    return {**run, "status": "unchanged", "publication": publication, "reason": [], "seconds": 0}


def _board(one: Mapping[str, Any]) -> dict[str, Any] | None:
    if one["publication"] not in ("published", "unchanged") or one["error"]:
        return None
    return {**one, "publication": "unchanged"}


def forget(cache: Path) -> None:
    """Take the record away before something is changed."""
    (cache / FILE).unlink(missing_ok=True)


def keep(
    cache: Path,
    *,
    document: Mapping[str, Any],
    lines: Sequence[tuple[str | None, str]],
    beside: bool,
    language: str,
    day: tuple[float, float],
    looks: Sequence[tuple[stamps.Scope, stamps.Look]],
) -> None:
    """
    Keep the record of a build.

    Parameters
    ----------
    cache
        ``var/cache``.
    document, lines
        What the next build says: JSON from `unchanged`, and lines for people, each with the report it is about.
    beside
        Whether lines hold for several reports; then the record answers for all reports only.
    day
        From when until when, in seconds since 1970, the date is the same in the city.
    looks
        What was looked at and what was seen.
    """
    import tempfile  # noqa: PLC0415 - start-up time of the answer

    record = {
        "about": about(),
        "language": language,
        "day": list(day),
        "document": document,
        "lines": [list(one) for one in lines],
        "beside": beside,
        "looks": [
            {"scope": scope.as_dict(), "seen": {"digest": seen.digest, "young": dict(seen.young)}}
            for scope, seen in looks
        ],
    }
    handle, temporary = tempfile.mkstemp(prefix=f".{FILE}.", dir=cache)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(record, file, ensure_ascii=False)
    Path(temporary).replace(cache / FILE)
