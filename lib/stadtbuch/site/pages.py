"""
Putting the site where readers find it: ``public/``, a real folder, changed file by file.

Each file is written under a temporary name, flushed and renamed; files that did not change are not touched. What
others link to comes first (style, data, editions), what links to them last, and only then goes what nobody links
to any more. So a web server that runs on meanwhile never shows a page whose figures are missing, and after a power
cut the next build finishes the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stadtbuch import atomic
from stadtbuch.errors import Problem, StateError
from stadtbuch.model.verdict import Finding
from stadtbuch.reports import accessibility
from stadtbuch.site import assembly, facts
from stadtbuch.site.facts import Site
from stadtbuch.texts import Text

if TYPE_CHECKING:
    from stadtbuch.session.city import City

INVENTORY = "site.json"


def write(city: City, *, now: datetime) -> dict[str, Any]:
    """
    Bring the public pages up to date with archive and catalogue.

    Parameters
    ----------
    city
        An opened city.
    now
        The moment of the build.

    Returns
    -------
    dict
        ``pages``, ``files``, ``written``, ``removed``, ``reports``, ``editions``, ``datasets``, ``withheld``, and
        ``findings`` of the accessibility checks on the pages that changed and on all pages of reports, and
        ``damaged``: None, or the error that says which editions could not be taken from the archive.

    Raises
    ------
    StateError
        ``public.not-ours`` if the folder holds files that no build put there.
    Refused
        ``book.older`` if the pages know more of the book than the book itself: they stay as they are then.
    """
    site = facts.gather(city, now=now)
    files = assembly.build(site)
    written, removed = put(files, city.settings.folder("public"))
    return {
        **_counts(site, files),
        "written": len(written),
        "removed": len(removed),
        "findings": _checked(files, written, site),
        "damaged": damaged(site.damaged) if site.damaged else None,
    }


def damaged(problems: Sequence[Problem]) -> StateError:
    """Say that editions in the archive are damaged; all other pages were written."""
    return StateError(
        "editions.damaged",
        Text(
            de="Im Archiv sind Ausgaben beschädigt. Alle anderen Seiten wurden geschrieben.",
            en="Editions in the archive are damaged. All other pages were written.",
        ),
        why=Text(
            de="Was nicht mehr ist, was die Ausgabe verspricht, wird nicht veröffentlicht; "
            "was davon früher unversehrt veröffentlicht wurde, bleibt stehen.",
            en="What no longer is what the edition promises is not published; "
            "what was published of it before, and is unharmed, stays.",
        ),
        remedy=Text(
            de="Stellen Sie die Dateien in var/editions aus der Sicherung her und bauen Sie neu.",
            en="Restore the files in var/editions from the backup and build again.",
        ),
        problems=problems,
    )


def put(files: Mapping[str, bytes], public: Path) -> tuple[list[str], list[str]]:
    """
    Write what changed and remove what is gone.

    Parameters
    ----------
    files
        Path below the folder -> content: the whole site.
    public
        The folder; made if there is none.

    Returns
    -------
    tuple
        The paths that were written, and those that were removed.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "public"
    >>> put({"index.html": b"1"}, folder), put({"index.html": b"1"}, folder), put({"a.html": b"1"}, folder)
    ((['index.html'], []), ([], []), (['a.html'], ['index.html']))
    """
    _require_ours(public)
    before = _inventory(public) or {}
    with atomic.telling(public.name):
        changed = [path for path in files if not _same(public / path, files[path])]
        changed.sort(key=lambda path: _rank(path, known=(public / path).is_file()))
        public.mkdir(parents=True, exist_ok=True)
        _sweep(public, {*before, *files, INVENTORY})
        if changed:  # said before it is done: whatever a cut build leaves behind is known to be ours
            _note(public, {**before, **dict.fromkeys(changed, "")})
        for path in changed:
            (public / path).parent.mkdir(parents=True, exist_ok=True)
            atomic.write(public / path, files[path])
        gone = sorted(set(before) - set(files))
        for path in gone:
            _remove(public, path)
        _note(public, {path: atomic.digest(data) for path, data in files.items()})
    return changed, gone


def _rank(path: str, *, known: bool) -> tuple[bool, int, int, str]:
    """
    Order files so that nothing is linked before it is there.

    What is new comes first, since nobody links to it yet: files, then the deepest pages. Then what readers know
    already, and of that the feeds last.
    """
    kind = 2 if known and path.endswith(".xml") else 1 if path.endswith(".html") else 0
    return (known, kind, -path.count("/"), path)


def _same(path: Path, data: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data


def _inventory(public: Path) -> dict[str, str] | None:
    """Give the paths that earlier builds wrote; nothing if none did."""
    try:
        return dict(json.loads((public / INVENTORY).read_bytes())["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _note(public: Path, files: Mapping[str, str]) -> None:
    """Write the inventory: what is in the folder, each with its SHA-256 (empty while it is being written)."""
    content = {
        "about": "Files of this site with their SHA-256. Made by stadtbuch.",
        "files": dict(sorted(files.items())),
    }
    data = (json.dumps(content, ensure_ascii=False, indent=0) + "\n").encode()
    if not _same(public / INVENTORY, data):
        atomic.write(public / INVENTORY, data)


def _require_ours(public: Path) -> None:
    """Refuse a folder with foreign content: a wrong path in the settings must not cost anybody their files."""
    empty = not public.exists() or (public.is_dir() and all(map(_left_over, public.iterdir())))
    if not public.is_symlink() and (empty or _inventory(public) is not None):
        return
    raise StateError(
        "public.not-ours",
        Text(
            de=f"Der Ordner {public.name} enthält Dateien, die kein Bau dieser Seiten dorthin gelegt hat.",
            en=f"The folder {public.name} holds files that no build of these pages put there.",
        ),
        why=Text(
            de="Ein Bau ersetzt und löscht Dateien; Fremdes wird nicht angerührt.",
            en="A build replaces and deletes files; what is not ours is not touched.",
        ),
        remedy=Text(
            de="Leeren Sie den Ordner oder nennen Sie unter [paths] public einen anderen.",
            en="Empty the folder or name another one under [paths] public.",
        ),
    )


def _left_over(path: Path) -> bool:
    """Tell a temporary file: a first build that was killed leaves one and no inventory."""
    return atomic.LEFTOVER.fullmatch(path.name) is not None and path.is_file()


def _sweep(public: Path, known: Iterable[str]) -> None:
    """Remove what a killed build left under temporary names; a reader could not tell it from a page."""
    ours = set(known)
    for path in public.rglob(".*"):
        target = atomic.LEFTOVER.fullmatch(path.name)
        if target and path.with_name(target[1]).relative_to(public).as_posix() in ours:
            path.unlink(missing_ok=True)


def _remove(public: Path, path: str) -> None:
    """Remove a file of an earlier build and the folders that are empty then."""
    target = public / path
    if not target.resolve().is_relative_to(public.resolve()):
        return  # an inventory that somebody changed leads nowhere else
    target.unlink(missing_ok=True)
    for folder in target.parents:
        if folder == public or not folder.is_dir() or any(folder.iterdir()):
            break
        folder.rmdir()


def _counts(site: Site, files: Iterable[str]) -> dict[str, int]:
    names = list(files)
    return {
        "pages": sum(name.endswith(".html") for name in names),
        "files": len(names),
        "reports": len(site.published()),
        "editions": sum(
            one.public for cells in site.shelves.values() for shelf in cells.values() for one in shelf
        ),
        "datasets": len(site.datasets),
        "withheld": len(site.withheld),
    }


def _checked(files: Mapping[str, bytes], written: Iterable[str], site: Site) -> list[Finding]:
    """Look at every page that changed, and at all pages of reports: what they lack is told until it is mended."""
    paths = dict.fromkeys((*written, *filter(accessibility.is_report_page, files)))
    pages = (path for path in paths if path.endswith(".html"))
    return [one for path in pages for one in _findings(path, files[path], site)]


def _findings(path: str, data: bytes, site: Site) -> list[Finding]:
    if site.earlier is None:
        return accessibility.check(data.decode(), subject=path)
    return site.earlier.findings(path, data)
