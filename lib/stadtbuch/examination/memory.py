"""What the city remembers: the state folder, keys, the book, the archive, what waits, sizes."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from shlex import quote
from typing import Any

from stadtbuch import atomic
from stadtbuch.book import standing
from stadtbuch.book.ledger import Book
from stadtbuch.errors import StadtbuchError
from stadtbuch.examination.notes import Note, fine, hint, problem
from stadtbuch.examination.scene import Scene, below, mode, weight
from stadtbuch.model.submission import Stage
from stadtbuch.reports import editions
from stadtbuch.reports.look import size
from stadtbuch.site.pages import INVENTORY
from stadtbuch.state import FOLDERS, KEY_BYTES, VERSION
from stadtbuch.submissions import inbox
from stadtbuch.texts import Text

TIGHT, FULL = 2_000_000_000, 200_000_000  # bytes that are free
PARTS = tuple(name for name in FOLDERS if name != "keys")
LOCKS = Path("/proc/locks")
FEWEST_SIGNS = 8  # 32 random bytes have fewer different ones once in 10**40
AHEAD = timedelta(hours=24)

_OTHERS = 0o077
_OWNER_WRITES = 0o200
_RESTORE = Text(de="Stellen Sie var/ aus der Sicherung her.", en="Restore var/ from the backup.")


def folder(scene: Scene) -> Iterable[Note]:
    """Look at the state folder: there, ours, of a version that is known, writable."""
    root = scene.state.root
    name = scene.shown(root)
    if os.path.lexists(root) and not root.is_dir():
        text = Text(de=f"{name} ist kein Ordner.", en=f"{name} is not a folder.")
        remedy = Text(de="Benennen Sie die Datei um.", en="Rename the file.")
        yield problem(text, remedy, subject=name)
    elif not root.exists():
        text = Text(de="Diese Stadt wurde noch nie gebaut.", en="This city was never built.")
        remedy = Text(de="Bauen Sie die Berichte.", en="Build the reports.")
        yield hint(text, remedy, subject=name, command="stadtbuch build")
    else:
        yield from _version(root, name)


def _version(root: Path, name: str) -> Iterator[Note]:
    path = root / "VERSION"
    try:
        found = path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        found = ""
    if not re.fullmatch(r"[1-9][0-9]{0,8}", found):
        text = Text(
            de=f"In {name} fehlt eine lesbare Datei VERSION.",
            en=f"A readable file VERSION is missing from {name}.",
        )
        yield problem(text, _RESTORE, subject=f"{name}/VERSION", why=_NOT_TOUCHED)
    elif int(found) > VERSION:
        text = Text(
            de=f"{name} hat die Version {found}, bekannt ist {VERSION}.",
            en=f"{name} has version {found}, known is {VERSION}.",
        )
        remedy = Text(de="Nehmen Sie das neuere Stadtbuch.", en="Use the newer Stadtbuch.")
        yield problem(text, remedy, subject=f"{name}/VERSION")
    elif int(found) < VERSION:
        text = Text(
            de=f"{name} hat noch die Version {found}, gebraucht wird {VERSION}.",
            en=f"{name} still has version {found}, needed is {VERSION}.",
        )
        remedy = Text(
            de="Stellen Sie ihn um; vorher wird gesichert.", en="Convert it; it is backed up first."
        )
        yield problem(text, remedy, subject=f"{name}/VERSION", command="stadtbuch upgrade")
    else:
        yield fine(f"{name} hat die Version {found}", f"{name} has version {found}", version=int(found))


_NOT_TOUCHED = Text(
    de="Ohne sie rührt kein Befehl den Ordner an.", en="Without it no command touches the folder."
)


def permissions(scene: Scene) -> Iterable[Note]:
    """Look at who else may enter the state folder."""
    if not scene.has_state:
        return
    root = scene.state.root
    folders = [root, *(root / name for name in FOLDERS if (root / name).is_dir())]
    files = [*(root / "keys").glob("*.key"), *root.glob("book.sqlite*")]
    open_ones = [path for path in (*folders, *files) if path.exists() and mode(path) & _OTHERS]
    for path in open_ones:
        shown = scene.shown(path)
        yield problem(
            Text(
                de=f"{shown} ist für andere Kennungen dieses Rechners offen.",
                en=f"{shown} is open to other accounts of this machine.",
            ),
            Text(de="Nehmen Sie den anderen alle Rechte.", en="Take all rights from others."),
            subject=shown,
            why=Text(
                de="Dort liegen Schlüssel und geschlossene Daten.", en="Keys and closed data lie there."
            ),
            command=f"chmod go-rwx {quote(shown)}",
        )
    if not open_ones:
        yield fine("Der Zustand ist nur für seine Kennung offen", "The state is open to its account only")


def writable(scene: Scene) -> Iterable[Note]:
    """Look for folders that the next build could not write to."""
    for name in ("state", "public"):
        path = scene.settings.folder(name)  # type: ignore[arg-type]
        if path.is_dir() and not (mode(path) & _OWNER_WRITES and os.access(path, os.W_OK | os.X_OK)):
            shown = scene.shown(path)
            yield problem(
                Text(de=f"{shown} ist schreibgeschützt.", en=f"{shown} is read-only."),
                Text(de="Geben Sie sich das Schreibrecht.", en="Give yourself the right to write."),
                subject=shown,
                why=Text(de="Jeder Bau schreibt dorthin.", en="Every build writes there."),
                command=f"chmod u+rwx {quote(shown)}",
            )


def keys(scene: Scene) -> Iterable[Note]:
    """Look at the keys: whole, random, each its own. They are never shown."""
    if not scene.has_state:
        return
    bad = False
    for name, key in scene.keys.items():
        told_of = _key(name, key, others=[one for other, one in scene.keys.items() if other != name])
        bad = bad or told_of is not None
        if told_of:
            yield told_of
    if not bad:
        yield fine(f"Schlüssel: {len(scene.keys)}", f"Keys: {len(scene.keys)}", keys=len(scene.keys))


def _key(name: str, key: bytes, *, others: list[bytes]) -> Note | None:
    if len(key) != KEY_BYTES:
        return problem(
            Text(de=f"Der Schlüssel {name} ist beschädigt.", en=f"The key {name} is damaged."),
            _RESTORE,
            subject=name,
            why=Text(
                de="Ein neuer passte zu nichts, was mit dem alten entstand.",
                en="A new one would fit nothing that was made with the old one.",
            ),
        )
    if is_test_key(key) or key in others:
        return problem(
            Text(
                de=f"Der Schlüssel {name} ist nicht zufällig, sondern einer zum Testen oder eine Kopie.",
                en=f"The key {name} is not random but one for tests or a copy.",
            ),
            Text(
                de="Legen Sie die Datei weg, bevor echte Daten kommen; der nächste Befehl macht einen neuen.",
                en="Put the file away before real data arrive; the next command makes a new one.",
            ),
            subject=name,
            why=Text(
                de="Wer ihn kennt, kann Pseudonyme und Einträge auf Menschen zurückführen.",
                en="Whoever knows it can trace pseudonyms and entries back to people.",
            ),
        )
    return None


def is_test_key(key: bytes) -> bool:
    """
    Tell a key that somebody typed or copied from one that was drawn at random.

    Examples
    --------
    >>> is_test_key(bytes(32)), is_test_key(bytes(range(32))), is_test_key(b"test-key-test-key-test-key-test-")
    (True, True, True)
    """
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    return (
        len(set(key)) < FEWEST_SIGNS
        or len(steps) == 1
        or (key.isascii() and key.decode("ascii").isprintable())
    )


def book(scene: Scene) -> Iterable[Note]:
    """Verify the whole chain of the book."""
    if not scene.has_state:
        return
    verdict = _verified(scene.book)
    if isinstance(verdict, StadtbuchError):
        yield problem(
            verdict.what, verdict.remedy or _RESTORE, subject="book", command="stadtbuch book verify"
        )
    elif verdict["ok"]:
        number, head = verdict["entries"], verdict["head"]
        yield fine(f"Das Buch ist unversehrt: {number} Einträge, Prüfsumme {head[:12]}",
                   f"The book is sound: {number} entries, hash {head[:12]}", entries=number, head=head)  # fmt: skip
    else:
        yield _broken(verdict["problem"])


def _verified(book: Book, head: dict[str, Any] | None = None) -> dict[str, Any] | StadtbuchError:
    try:
        return book.verify(head)
    except StadtbuchError as error:
        return error


def _broken(found: dict[str, Any]) -> Note:
    place = "" if found["entry"] is None else f" ({found['entry']})"
    text = Text(de=f"{found['text']['de']}{place}", en=f"{found['text']['en']}{place}")
    return problem(
        text,
        _RESTORE,
        subject="book",
        why=Text(
            de="Nur ein ganzes Buch belegt, was freigegeben und gelesen wurde.",
            en="Only a whole book proves what was released and read.",
        ),
        command="stadtbuch book verify",
    )


def checkpoint(scene: Scene) -> Iterable[Note]:
    """Compare the book with the checkpoints of editions and pages: an older copy may be back."""
    heads = [one.edition.book_head for one in _archive(scene) if one.edition.book_head]
    known = [(int(head["entries"]), str(head["head"])) for head in heads]
    known += standing.stands(standing.published(scene.settings.folder("public")))
    try:
        found = standing.gap(scene.book, known)
    except StadtbuchError:
        return  # the check of the book says it
    if found is not None:
        yield problem(
            Text(
                de="Das Buch ist älter als eine Ausgabe oder Seite, die daraus entstand.",
                en="The book is older than an edition or page that came from it.",
            ),
            Text(
                de="Stellen Sie die neueste Sicherung her; Entscheidungen dazwischen fehlen sonst.",
                en="Restore the newest backup; decisions in between are missing otherwise.",
            ),
            subject="book",
            command="stadtbuch book verify",
            facts=found.as_dict(),
        )


def clock(scene: Scene) -> Iterable[Note]:
    """Compare the clock with the newest entry of the book."""
    try:
        newest = max((one.at for one in scene.book.entries()), default=None) if scene.has_state else None
    except StadtbuchError:
        return  # the check of the book says it
    if newest is not None and newest > scene.now + AHEAD:
        yield problem(
            Text(
                de="Das Buch hat Einträge aus der Zukunft: Die Uhr ging vor, oder sie geht jetzt nach.",
                en="The book has entries from the future: the clock was ahead, or is behind now.",
            ),
            Text(de="Stellen Sie die Uhr des Rechners.", en="Set the machine's clock."),
            subject="book",
            why=Text(
                de="Fristen, Erlaubnisse und Ausgaben richten sich nach ihr.",
                en="Deadlines, grants and editions depend on it.",
            ),
            command="timedatectl set-ntp true",
        )


def _archive(scene: Scene) -> Iterator[editions.Archived]:
    """Give the editions that can be read."""
    if scene.has_state:
        for path in editions.folders(scene.state):
            try:
                yield editions.read(path)
            except StadtbuchError:
                continue


def archive(scene: Scene) -> Iterable[Note]:
    """Look at every edition: its description can be read, its files are there in the size they had."""
    if not scene.has_state:
        return
    number, damaged = 0, []
    for path in editions.folders(scene.state):
        number += 1
        if not _whole(path):
            damaged.append(path)
    for path in damaged:
        name = "/".join(path.parts[-3:])
        text = Text(de=f"Die Ausgabe {name} ist beschädigt.", en=f"The edition {name} is damaged.")
        remedy = Text(
            de="Stellen Sie sie aus der Sicherung her, und bauen Sie neu.",
            en="Restore it from the backup, and build again.",
        )
        yield problem(text, remedy, subject=name, command="stadtbuch build")
    if not damaged:
        yield fine(f"Ausgaben im Archiv: {number}", f"Editions in the archive: {number}", editions=number)


def _whole(path: Path) -> bool:
    try:
        found = editions.read(path)
        files = () if found.content_removed else found.edition.files
        return all((path / file.path).stat().st_size == file.bytes for file in files)
    except (StadtbuchError, OSError):
        return False


def waiting(scene: Scene) -> Iterable[Note]:
    """Name the reports of which an edition waits for approval."""
    if not scene.has_state:
        return
    found: dict[str, int] = {}
    for path in (scene.state.folder("spool") / "waiting").glob(f"*/*/{editions.EDITION}"):
        found[path.parent.parent.name] = found.get(path.parent.parent.name, 0) + 1
    for name, number in sorted(found.items()):
        role = scene.reports[name].roles.release if name in scene.reports else "…"
        text = Text(
            de=f"Auf Freigabe warten Ausgaben des Berichts {name}: {number}.",
            en=f"Editions of the report {name} that await approval: {number}.",
        )
        remedy = Text(
            de=f"Sehen Sie sie an; freigeben kann die Rolle {role}.",
            en=f"Look at it; the role {role} can approve.",
        )
        command = f"stadtbuch report approve {name} --as {role}"
        yield hint(text, remedy, subject=name, command=command, facts={"editions": number})


def submissions(scene: Scene) -> Iterable[Note]:
    """Count what citizens sent and nobody has decided yet."""
    if not (scene.state.root / "spool" / "submissions").is_dir():
        return
    for one in inbox.damaged(scene.state):
        yield problem(one.what, one.remedy or _RESTORE, subject=one.file)
    undecided = (Stage.received, Stage.inspected, Stage.rerun)
    number = sum(one.stage in undecided for one in inbox.everything(scene.state))
    if number:
        text = Text(de=f"Unentschiedene Einreichungen: {number}.", en=f"Undecided submissions: {number}.")
        remedy = Text(de="Prüfen und entscheiden Sie sie.", en="Inspect and decide them.")
        yield hint(
            text, remedy, subject="spool", command="stadtbuch submission list", facts={"submissions": number}
        )


def interrupted(scene: Scene) -> Iterable[Note]:
    """Look for what a command that was cut short left behind, and for one that is running."""
    if not scene.has_state:
        return
    running = sorted(path.stem for path in scene.state.root.glob("*.lock") if _held(path))
    if {"build", "site"} & set(running):
        yield fine("Gerade wird gebaut; Unterbrochenes wurde nicht gesucht",
                   "A build is running; nothing interrupted was looked for", locks=running)  # fmt: skip
        return
    left = [*_half_editions(scene), *_half_pages(scene)]
    for path in left:
        yield hint(
            Text(de="Ein Befehl wurde hier unterbrochen.", en="A command was interrupted here."),
            Text(de="Der nächste Bau bringt es zu Ende.", en="The next build finishes it."),
            subject=scene.shown(path),
            command="stadtbuch build",
        )


def _held(path: Path) -> bool:
    """Ask the system whether a lock is held, without taking it for a moment; no answer where it keeps no list."""
    try:
        held = {
            line.split()[5].rpartition(":")[2]
            for line in LOCKS.read_text(encoding="ascii").splitlines()
            if " FLOCK " in line
        }
    except (OSError, IndexError, UnicodeDecodeError):
        return False
    return str(path.stat().st_ino) in held


def _half_editions(scene: Scene) -> Iterator[Path]:
    root = scene.state.root
    for pattern in (
        "editions/*/*/.*.new",
        "editions/*/*/.*.old",
        "spool/waiting/*/.*.new",
        "spool/waiting/*/.*.old",
    ):
        yield from sorted(root.glob(pattern))


def _half_pages(scene: Scene) -> Iterator[Path]:
    public = scene.settings.folder("public")
    yield from sorted(path for path in below(public) if atomic.LEFTOVER.fullmatch(path.name))


def pages(scene: Scene) -> Iterable[Note]:
    """Look at the public folder: made by a build, without links, with all that was published."""
    public = scene.settings.folder("public")
    name = scene.shown(public)
    build = Text(de="Bauen Sie die Seiten neu.", en="Build the pages again.")
    if not public.exists():
        if scene.has_state:
            text = Text(de="Es gibt noch keine Seiten.", en="There are no pages yet.")
            yield hint(text, build, subject=name, command="stadtbuch build")
        return
    if public.is_symlink() or not (public / INVENTORY).is_file():
        yield problem(
            Text(
                de=f"Der Ordner {name} enthält nicht die gebauten Seiten.",
                en=f"The folder {name} does not hold the built pages.",
            ),
            Text(
                de="Leeren Sie ihn, oder nennen Sie unter [paths] public einen anderen.",
                en="Empty it, or name another one under [paths] public.",
            ),
            subject=name,
        )
        return
    missing = [
        one.path for one in _archive(scene) if one.public and not (public / one.path / "index.html").is_file()
    ]
    for path in missing:
        text = Text(
            de="Eine veröffentlichte Ausgabe fehlt auf den Seiten.",
            en="A published edition is missing from the pages.",
        )
        yield problem(text, build, subject=f"{name}/{path}", command="stadtbuch build")
    for link in sorted(one for one in public.rglob("*") if one.is_symlink()):
        text = Text(
            de="Im öffentlichen Ordner liegt ein Verweis.", en="There is a link in the public folder."
        )
        remedy = Text(de="Entfernen Sie ihn.", en="Remove it.")
        yield problem(
            text, remedy, subject=scene.shown(link), command=f"rm {quote(scene.shown(link))}", why=_LINK
        )


_LINK = Text(
    de="Ein Webserver könnte darüber Dateien außerhalb ausliefern.",
    en="A web server could deliver files from outside through it.",
)


def sizes(scene: Scene) -> Iterable[Note]:
    """Measure what the city's memory and pages take."""
    if not scene.has_state:
        return
    root = scene.state.root
    for name in PARTS:
        yield _weighed(name, *weight(root / name))
    book = sum(path.stat().st_size for path in root.glob("book.sqlite*"))
    yield _weighed("book", book, 1 if book else 0)
    yield _weighed("public", *weight(scene.settings.folder("public")))


def _weighed(name: str, taken: int, number: int) -> Note:
    de, en = ("Datei", "file") if number == 1 else ("Dateien", "files")
    return fine(
        f"{name} {size(taken, 'de')} ({number} {de})",
        f"{name} {size(taken, 'en')} ({number} {en})",
        subject=name,
        bytes=taken,
        files=number,
    )


def space(scene: Scene) -> Iterable[Note]:
    """Look at the room that is left on the disk."""
    free = shutil.disk_usage(scene.settings.root).free
    text = Text(de=f"Frei sind noch {size(free, 'de')}.", en=f"{size(free, 'en')} are free.")
    remedy = Text(de="Schaffen Sie Platz.", en="Make room.")
    if free >= TIGHT:
        yield fine(
            f"Frei auf dem Datenträger: {size(free, 'de')}",
            f"Free on the disk: {size(free, 'en')}",
            bytes=free,
        )
    else:
        say = problem if free < FULL else hint
        yield say(text, remedy, subject="disk", facts={"bytes": free})
