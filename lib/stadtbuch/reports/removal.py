"""
Removing what was published by mistake: the bytes leave, what remains says that and why.

In an emergency the content of an edition, and of every other one that holds the same, goes from the public pages, the
archive, the store and everything that was made from it on the way. Checksums, the page that says why it is gone, and an
entry in the book stay. Each step can be repeated: a removal that was cut off is finished by the same command.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from stadtbuch import atomic
from stadtbuch.book.ledger import Book
from stadtbuch.errors import Refused, UsageError
from stadtbuch.model.report import Edition
from stadtbuch.model.verdict import decide
from stadtbuch.reports import approvals, decisions, definitions, editions, outputs, packages
from stadtbuch.reports.editions import EDITION, STATUS, Archived
from stadtbuch.runs import key
from stadtbuch.session.city import City
from stadtbuch.state import State
from stadtbuch.texts import Text

KIND = "content-removed"
GOING, GONE = "going", "removed"
"""How far the removal of an edition's content is: `content` in its ``status.json``."""

_PLAIN = ("data/LICENCE.txt", "data/datapackage.json", "figures/datapackage.json")
_INPUTS = "package/inputs/"
"""What the public step read: open datasets, which are public anyway, and tables that reports released."""
_KINDS = {"data": "table", "shown": "table", _INPUTS.rstrip("/"): "table", "figures": "figure"}
_EMPTY = 3  # bytes of "[]\n": results of a report that names none
_NOTICE = Text(de="Der Inhalt dieser Ausgabe wurde entfernt.", en="The content of this edition was removed.")


@dataclass(frozen=True, slots=True)
class Scope:
    """
    What a removal takes.

    Attributes
    ----------
    editions
        The named edition first, then every other one, public or not, that holds one of the files.
    digests
        Checksums of the files that must not be anywhere any more, and may never be published again.
    derived
        Ids of public editions that read a table of the report and were made since: somebody has to look at them.
    """

    editions: tuple[Archived, ...]
    digests: frozenset[str]
    derived: tuple[str, ...]

    @property
    def ids(self) -> list[str]:
        """Give the ids of the editions."""
        return [one.edition.id for one in self.editions]

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON."""
        return {"editions": self.ids, "files": len(self.digests), "derived": list(self.derived)}


def scope(state: State, id: str, *, files: Sequence[str] = ()) -> Scope:
    """
    Find out what a removal would take; nothing is changed.

    Parameters
    ----------
    id
        An edition.
    files
        Paths in the edition that hold what must go; the data of a table or a figure in all their forms. Without it,
        everything in it that tells of data.

    Raises
    ------
    UsageError
        ``edition.unknown``, ``edition.no-file``.
    """
    named = editions.find(state, id)
    digests = _chosen(named, files)
    others = [
        one for one in _all(state) if one.folder != named.folder and digests & contents(one.edition).keys()
    ]
    report, since = named.edition.report, named.edition.made_at
    taken = {one.edition.id for one in (named, *others)}
    derived = (
        one.edition.id
        for one in editions.history(state)
        if one.public
        and one.edition.id not in taken
        and one.edition.made_at >= since
        and _reads(one.edition, report)
    )
    return Scope((named, *others), frozenset(digests), tuple(derived))


def _all(state: State) -> Iterator[Archived]:
    yield from editions.history(state)
    yield from editions.all_waiting(state)


def contents(edition: Edition) -> dict[str, str]:
    """
    Give the files of an edition that tell of data: checksum -> path.

    Licences, descriptions and the source of a preparing notebook are alike in many editions and tell nothing.
    """
    return {file.sha256: file.path for file in edition.files if _tells(edition, file.path, file.bytes)}


def _tells(edition: Edition, path: str, size: int) -> bool:
    if path in _PLAIN or (path == outputs.RESULTS and size <= _EMPTY):
        return False
    own = (outputs.RESULTS, f"notebooks/{edition.report}.ipynb")
    return path.startswith(("data/", "figures/", "shown/", _INPUTS)) or path in own


def _chosen(named: Archived, files: Sequence[str]) -> set[str]:
    edition = named.edition
    known = {file.path: file.sha256 for file in edition.files}
    if any(path not in known for path in files):
        raise _no_file(sorted(known))
    own = f"{_INPUTS}{edition.report}."
    told = contents(edition)
    paths = {path for path in told.values() if not path.startswith(_INPUTS) or path.startswith(own)}
    if files:
        data = {_data(edition, path) for path in files} - {None}
        paths = {path for path in paths if _form(edition, path) in data} | set(files)
    return {known[path] for path in paths} | {*_as_inputs(named, paths)}


def _data(edition: Edition, path: str) -> tuple[str, str] | None:
    """Say of which table or figure a file is the data; what is only a picture or a page of it stands for itself."""
    plain = not path.startswith("shown/") and not path.endswith(".svg")
    return _form(edition, path) if plain else None


def _form(edition: Edition, path: str) -> tuple[str, str] | None:
    """
    Say which table or figure a file holds: the same for all its forms.

    A table lies in an edition as CSV, Parquet and JSON, as the page shows it, and as the input of the public step; a
    figure as pictures and as its data.
    """
    folder, _, name = path.rpartition("/")
    name = name.removeprefix(f"{edition.report}.") if f"{folder}/" == _INPUTS else name
    return (_KINDS[folder], name.partition(".")[0]) if folder in _KINDS and path not in _PLAIN else None


def _as_inputs(named: Archived, paths: Iterable[str]) -> Iterator[str]:
    """Give the checksums that released tables have where other runs read them: the same record, spelled otherwise."""
    for path in paths:
        if path.startswith("data/") and path.endswith(".json"):
            with suppress(
                OSError, ValueError
            ):  # removed already, or damaged: then only its own checksum is known
                yield key.digest(json.loads((named.folder / path).read_bytes()))


def _reads(edition: Edition, report: str) -> bool:
    """Tell whether an edition was made from a table that a report released."""
    return any(
        str(one.get("id")).startswith(f"{report}.") for one in edition.inputs if one.get("kind") == "table"
    )


def remove(city: City, id: str, *, reason: Text, files: Sequence[str] = ()) -> Scope:
    """
    Remove the content of an edition, and of all that hold the same; begun before, it is finished.

    The caller writes the pages anew; their files of these editions are gone already.

    Raises
    ------
    AccessDenied
        ``report.role`` if the actor does not act in the releasing role.
    UsageError
        As `scope`.
    Busy
        If a build is running.
    """
    report = definitions.alone(editions.find(city.state, id).edition.report, city.settings)
    if report is not None:
        approvals.require_role(report, city.actor)
    with city.state.lock("build", command="stadtbuch report withdraw"):
        found = scope(city.state, id, files=files)
        _enter(city, found, reason)
        _carry_out(city, found, reason, role=city.actor.role, at=city.now)
    return found


def resume(city: City) -> int:
    """
    Finish removals that were cut off; only under the lock of a build.

    Returns
    -------
    int
        How many editions were still to be emptied.
    """
    done = 0
    for entry in city.book.entries(KIND):
        digests, derived = frozenset(entry.details["digests"]), tuple(entry.details["derived"])
        named = [one for one in _all(city.state) if one.edition.id in entry.details["editions"]]
        left = [one for one in named if _is_left(one, digests)]
        if left:
            reason, at = Text(**entry.details["reason"]), entry.at.astimezone(city.settings.city.zone)
            _carry_out(city, Scope(tuple(left), digests, derived), reason, role=entry.role, at=at)
            done += len(left)
    return done


def _is_left(one: Archived, digests: frozenset[str]) -> bool:
    """Tell whether an edition still is to be emptied; a corrected one that waits under the same name is another one."""
    gone = one.status is not None and one.status.get("content") == GONE
    return not gone and not digests.isdisjoint(file.sha256 for file in one.edition.files)


def _carry_out(city: City, found: Scope, reason: Text, *, role: str, at: datetime) -> None:
    """Do everything that a removal does; each step may be repeated."""
    _note(found, reason, role=role, at=at)
    with atomic.telling(city.state.root.name):
        _clear_public(city, found)
        _clear_rest(city.state, found)
        for one in found.editions:
            _empty(city.state, one)
    for name in {one.edition.report for one in found.editions}:
        _point(city, name)


# ---- say it first -------------------------------------------------------------------------------------


def _note(found: Scope, reason: Text, *, role: str, at: datetime) -> None:
    """Note beside every edition that it goes: from now on it is not public."""
    for one in found.editions:
        if not one.content_removed:
            told = {"status": "withdrawn", "reason": reason.as_dict(), "role": role, "at": at.isoformat()}
            status = {**told, "content": GOING, "edition": _digest(one.folder / EDITION)}
            atomic.write(one.folder / STATUS, outputs.encode(status))


def _enter(city: City, found: Scope, reason: Text) -> None:
    """Enter the incident, once: from now on nothing of it is published again, and what is left undone is known."""
    named = found.ids[0]
    if any(set(entry.details["digests"]) >= found.digests for entry in city.book.entries(KIND, named)):
        return
    details = {
        "editions": found.ids,
        "digests": sorted(found.digests),
        "derived": list(found.derived),
        "reason": reason.as_dict(),
    }
    city.book.append(KIND, subject=named, actor=city.actor, now=city.now, details=details)


def _digest(path: Path) -> str:
    return atomic.digest(path.read_bytes())


# ---- then take it away --------------------------------------------------------------------------------


def _clear_public(city: City, found: Scope) -> None:
    """Take the pages and files of the editions from the public folder at once; the next writing puts the rest right."""
    public = city.settings.folder("public")
    for one in found.editions:
        place = public / one.path
        atomic.remove_folder(place)
        for page in place.parent.glob("*.*"):
            if page.is_file():
                page.unlink()
        atomic.remove_folder(public / "dashboards" / one.edition.report)
    for digest in found.digests:
        atomic.remove_folder(public / packages.PUBLIC / digest)


def _clear_rest(state: State, found: Scope) -> None:
    """Take away runs, contents and dashboards that hold or saw what goes, and whatever can be made anew anyway."""
    reports = {one.edition.report for one in found.editions}
    keys = {key for one in found.editions for key in one.edition.run_keys.values()}
    runs = _folders(state.folder("runs"))
    gone = [run for run in runs if run.name in keys or _saw(run, reports) or _holds(run, found.digests)]
    seen = {digest for run in gone for digest in _inputs(run).values()}
    needed = {digest for run in runs if run not in gone for digest in _inputs(run).values()}
    for run in gone:
        _take_away(run)
    for digest in (seen - needed) | found.digests:
        (state.folder("store") / digest[:2] / digest[2:]).unlink(missing_ok=True)
    for folder in _folders(state.folder("dashboards")):
        if folder.name in reports or _shows(folder, reports) or _holds(folder, found.digests):
            _take_away(folder)
    half = [path for path in _half(state) if path.name.endswith(".old") or _holds(path, found.digests)]
    for left in (*state.folder("spool").glob("preview-*"), *state.folder("cache").iterdir(), *half):
        shutil.rmtree(left) if left.is_dir() else left.unlink()


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []


def _half(state: State) -> Iterator[Path]:
    """Give what interrupted commands left under temporary names: being written (``.new``) or taken away (``.old``)."""
    for name in ("editions", "spool", "runs", "dashboards"):
        found = [path for path in state.folder(name).rglob(".*") if path.name.endswith((".new", ".old"))]  # type: ignore[arg-type]
        yield from (path for path in found if path.exists())


def _inputs(run: Path) -> dict[str, str]:
    """Give name and checksum of what a run saw; nothing where that cannot be read."""
    try:
        told = json.loads((run / "run.json").read_bytes())["inputs"]
        return {name: str(one["sha256"]) for name, one in told.items() if "sha256" in one}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _saw(run: Path, reports: Iterable[str]) -> bool:
    """Tell whether a run read a table of one of these reports."""
    return any(name.startswith(f"{report}.") for name in _inputs(run) for report in reports)


def _shows(dashboard: Path, reports: Iterable[str]) -> bool:
    """Tell whether a dashboard was made from a table of one of these reports."""
    try:
        names = list(json.loads((dashboard / "dashboard.json").read_bytes())["inputs"])
    except (OSError, ValueError, KeyError, TypeError):
        return True  # what cannot be read cannot be cleared of it
    return any(name.startswith(f"{report}.") for name in names for report in reports)


def _holds(folder: Path, digests: frozenset[str]) -> bool:
    """Tell whether a file with one of these contents lies in a folder."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return any(_digest(path) in digests for path in files)


def _take_away(folder: Path) -> None:
    shutil.rmtree(folder)


def _empty(state: State, one: Archived) -> None:
    """Delete the files of an edition and what its description says of their content; checksums stay."""
    if one.folder.is_relative_to(state.folder("spool")):
        editions.remove(one.folder)
        return
    for path in sorted(one.folder.rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
        elif path.name not in (EDITION, STATUS) or path.parent != one.folder:
            path.unlink()
    bare = one.edition.model_copy(update={"results": (), "decision": decide([], passed=_NOTICE)})
    atomic.write(one.folder / EDITION, editions.edition_bytes(bare))
    status = json.loads((one.folder / STATUS).read_bytes())
    atomic.write(one.folder / STATUS, outputs.encode(status | {"content": GONE}))


def _point(city: City, name: str) -> None:
    """Let the catalogue find the released tables of a report that are still public, and no others."""
    report = definitions.readable(city.settings).get(name)
    if report is not None:
        decisions.point(city, report)
        return
    for path in city.state.folder("derived").glob(f"{name}.*.json"):
        path.unlink()


# ---- and never again ----------------------------------------------------------------------------------


def removed(book: Book) -> frozenset[str]:
    """Give the checksums of everything that was ever removed."""
    return frozenset(digest for entry in book.entries(KIND) for digest in entry.details["digests"])


def require_clean(city: City, made: Edition) -> None:
    """
    Refuse to publish again what was removed; what the run left of it goes, too.

    Raises
    ------
    Refused
        ``edition.removed-content``.
    """
    again = removed(city.book) & contents(made).keys()
    if not again:
        return
    named = ", ".join(sorted(contents(made)[one] for one in again))
    with atomic.telling("var/runs"):
        for key in made.run_keys.values():
            atomic.remove_folder(city.state.folder("runs") / key)
    raise Refused(
        "edition.removed-content",
        Text(
            de=f"{made.id} enthielte wieder, was entfernt wurde: {named}.",
            en=f"{made.id} would hold again what was removed: {named}.",
        ),
        remedy=Text(
            de="Berichtigen Sie Notebook oder Daten, und bauen Sie neu.",
            en="Correct the notebook or the data, and build again.",
        ),
    )


def _no_file(known: Sequence[str]) -> UsageError:
    return UsageError(
        "edition.no-file",
        Text(
            de="Eine dieser Dateien hat die Ausgabe nicht.",
            en="The edition does not have one of these files.",
        ),
        remedy=Text(de=f"Sie hat: {', '.join(known)}.", en=f"It has: {', '.join(known)}."),
    )
