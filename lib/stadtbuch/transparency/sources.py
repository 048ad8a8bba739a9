"""
Where an edition may come from: a folder, a zip, an address. Each gives bytes by path, and never more than asked for.

What comes from there was written by somebody else. Paths in it lead nowhere but below it, sizes are bounded before
anything is read, and nothing is unpacked that the edition does not list.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.error import URLError
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from stadtbuch.errors import Failed, UsageError
from stadtbuch.reports.editions import EDITION
from stadtbuch.reports.packages import ZIP
from stadtbuch.texts import Text

DESCRIPTION_BYTES = 10_000_000
"""Bytes of ``edition.json``; a real one has some ten thousand."""
ZIP_BYTES = 200_000_000
ENTRIES = 10_000
ABOVE = 8
"""How many folders up the site's root may be."""
SECONDS = 60


class Source(Protocol):
    """Something that holds an edition."""

    def read(self, path: str, *, limit: int) -> bytes | None:
        """Give the file at a path below the edition, at most `limit` bytes and one; nothing if there is none."""

    def above(self, path: str, *, limit: int) -> bytes | None:
        """Give the file at a path below the root of the site that the edition is part of, if there is one."""


def fits(path: str) -> bool:
    r"""
    Tell whether a path stays below the folder it is looked for in, on every system.

    Examples
    --------
    >>> fits("data/a.csv"), fits("../a"), fits("/etc/passwd"), fits("a\\..\\b"), fits("")
    (True, False, False, False, False)
    """
    parts = PurePosixPath(path).parts
    plain = path.isprintable() and not set(path) & set('\\:*?"<>|')
    return (
        plain
        and path == "/".join(parts)
        and bool(parts)
        and not {"..", ".", "/"} & set(parts)
        and len(path) < 500
    )


@dataclass(frozen=True, slots=True)
class Folder:
    """An edition in a folder of its own."""

    root: Path

    def read(self, path: str, *, limit: int) -> bytes | None:
        """Read a file; links are not followed."""
        return _bytes(self.root, path, limit) if fits(path) else None

    def above(self, path: str, *, limit: int) -> bytes | None:
        """Look for a file in the folders above: the site lies in one of them."""
        if not fits(path):
            return None
        found = (_bytes(parent, path, limit) for parent in list(self.root.resolve().parents)[:ABOVE])
        return next((data for data in found if data is not None), None)


def _bytes(root: Path, path: str, limit: int) -> bytes | None:
    target = root / path
    try:
        if not target.resolve().is_relative_to(root.resolve()) or not target.is_file():
            return None
        with target.open("rb") as file:
            return file.read(limit + 1)
    except OSError:
        return None


@dataclass(frozen=True, slots=True)
class Packed:
    """An edition in a zip, in its root or in one folder of it."""

    archive: zipfile.ZipFile
    top: str

    @classmethod
    def open(cls, data: bytes) -> Packed:
        """
        Open a zip.

        Raises
        ------
        UsageError
            ``verify.no-zip`` or ``verify.no-edition``.
        """
        try:
            archive = zipfile.ZipFile(BytesIO(data))
            names = archive.namelist()
        except (zipfile.BadZipFile, ValueError, OSError):
            raise no_zip() from None
        found = [name for name in names if name == EDITION or name.endswith(f"/{EDITION}")]
        tops = sorted((name.removesuffix(EDITION) for name in found), key=len)
        if len(names) > ENTRIES or not tops or tops[0].count("/") > 1:
            raise no_edition()
        return cls(archive, tops[0])

    def read(self, path: str, *, limit: int) -> bytes | None:
        """Unpack one file, and stop as soon as it is larger than it may be, whatever the zip says."""
        if not fits(path):
            return None
        try:
            with self.archive.open(self.top + path) as file:
                return file.read(limit + 1)
        except (
            KeyError,
            zipfile.BadZipFile,
            NotImplementedError,
            RuntimeError,
            ValueError,
            OSError,
            EOFError,
        ):
            return None

    def above(self, path: str, *, limit: int) -> bytes | None:
        """Nothing lies above a zip."""
        return None


class _SameHost(HTTPRedirectHandler):
    """Follows a redirect only on the same host: an address must not lead us elsewhere."""

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        """Refuse what leads to another origin."""
        if urlsplit(newurl)[:2] != urlsplit(req.full_url)[:2]:
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@dataclass(frozen=True, slots=True)
class Address:
    """An edition on a web server, at the address of its folder."""

    root: str

    def read(self, path: str, *, limit: int) -> bytes | None:
        """Fetch a file."""
        return fetch(urljoin(self.root, quote(path)), limit=limit) if fits(path) else None

    def above(self, path: str, *, limit: int) -> bytes | None:
        """Look for a file in the folders above."""
        if not fits(path):
            return None
        steps = min(ABOVE, urlsplit(self.root).path.rstrip("/").count("/"))
        tried = (
            fetch(urljoin(self.root, "../" * one + quote(path)), limit=limit) for one in range(1, steps + 1)
        )
        return next((data for data in tried if data is not None), None)


def fetch(address: str, *, limit: int) -> bytes | None:
    """
    Fetch an address, at most `limit` bytes and one; nothing where the server has nothing there.

    Raises
    ------
    Failed
        ``verify.unreachable`` if the server does not answer.
    """
    asked = Request(address, headers={"User-Agent": "stadtbuch"})  # noqa: S310 - http and https only, see `source`
    try:
        with build_opener(_SameHost()).open(asked, timeout=SECONDS) as answer:
            return bytes(answer.read(limit + 1))
    except URLError as error:
        if getattr(error, "code", None) is not None:
            return None
        raise _unreachable() from None
    except (OSError, ValueError):
        raise _unreachable() from None


def source(target: str) -> Source:
    """
    Find out what was named: an address, a zip or a folder.

    Raises
    ------
    UsageError
        ``verify.no-edition`` or ``verify.no-zip``.
    Failed
        ``verify.unreachable``.
    """
    if urlsplit(target).scheme in ("http", "https"):
        return _at(target)
    path = Path(target)
    if path.is_file():
        if path.stat().st_size > ZIP_BYTES:
            raise no_zip()
        return Packed.open(path.read_bytes())
    if (path / EDITION).is_file():
        return Folder(path)
    inside = [one for one in path.iterdir() if (one / EDITION).is_file()] if path.is_dir() else []
    if len(inside) != 1:
        raise no_edition()
    return Folder(inside[0])


def _at(address: str) -> Source:
    """Open an address: a zip, or the folder that a page or a description lies in."""
    if urlsplit(address).path.endswith(".zip"):
        data = fetch(address, limit=ZIP_BYTES)
        if data is None or len(data) > ZIP_BYTES:
            raise no_zip()
        return Packed.open(data)
    last = urlsplit(address).path.rpartition("/")[2]
    return Address(
        urljoin(address, ".")
        if "." in last and last.endswith((".html", ".json"))
        else address.rstrip("/") + "/"
    )


def beside(found: Source) -> Packed | None:
    """Give the zip that lies beside an edition's files, if there is one: it holds what editions share."""
    data = found.read(ZIP, limit=ZIP_BYTES)
    try:
        return Packed.open(data) if data is not None and len(data) <= ZIP_BYTES else None
    except UsageError:
        return None


def no_edition() -> UsageError:
    """Say that there is no edition where one was named."""
    return UsageError(
        "verify.no-edition",
        Text(de="Dort liegt keine Ausgabe.", en="There is no edition."),
        why=Text(
            de="Eine Ausgabe ist eine Kennung, ein Ordner oder Zip mit edition.json, oder deren Adresse.",
            en="An edition is an id, a folder or zip with edition.json, or the address of one.",
        ),
        remedy=Text(
            de="Laden Sie auf der Seite des Berichts „Alles in einem Zip“ herunter und nennen Sie diese Datei.",
            en='Download "Everything in one zip" from the report\'s page and name that file.',
        ),
    )


def no_zip() -> UsageError:
    """Say that a file is no zip that could hold an edition."""
    return UsageError(
        "verify.no-zip",
        Text(de="Diese Datei ist kein Zip mit einer Ausgabe.", en="This file is no zip of an edition."),
        why=Text(
            de="Es ist kein Zip, oder es ist größer als 200 MB.", en="It is no zip, or larger than 200 MB."
        ),
        remedy=Text(de="Laden Sie das Zip noch einmal herunter.", en="Download the zip once more."),
    )


def _unreachable() -> Failed:
    return Failed(
        "verify.unreachable",
        Text(de="Der Server antwortet nicht.", en="The server does not answer."),
        remedy=Text(
            de="Prüfen Sie die Adresse und das Netz, oder laden Sie das Zip im Browser herunter.",
            en="Check the address and the network, or download the zip in a browser.",
        ),
    )
