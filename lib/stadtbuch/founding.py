"""
Founding a city: the files of a folder in which ``stadtbuch build`` makes a first page at once.

The skeleton lies in ``share/city``. A file that ends in ``.template`` is filled in, ``dot-`` becomes a full
stop: the skeleton's own ``.gitignore`` must not hide the skeleton.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from stadtbuch import atomic, scratch
from stadtbuch import settings as city_settings
from stadtbuch.catalog import index, intake_file
from stadtbuch.errors import Failed, Problem, UsageError
from stadtbuch.texts import Language, Text

SKELETON = Path(__file__).resolve().parent / "share" / "city"
TEMPLATE, DOT = ".template", "dot-"
TODO = "TODO"
"""The sign of what a city still has to write; `stadtbuch doctor` looks for it."""

EXAMPLE = "{DATA}/example/"
"""Where the made-up data lie that come along."""

NAME, CONTACT, ZONE = "Musterstadt", "daten@musterstadt.example", "Europe/Berlin"
PUBLISHER = Text(de="Statistikstelle", en="Statistics office")
LONGEST_NAME = 100
REVIEWED_FOR = 2  # years until the rules are looked at again

_TOKEN = re.compile(r"<<(\w+)>>")
_ADDRESS = re.compile(r"[^@\s<>\"\\]+@[^@\s<>\"\\]+\.[^@\s<>\"\\.]+")


@dataclass(frozen=True, slots=True)
class Wishes:
    """
    What is known of a city when it is founded; what is ``None`` becomes a placeholder, marked with `TODO`.

    Attributes
    ----------
    login
        Who founds it: the first analyst.
    today
        The day in the city's zone.
    version
        The version of this library, if it is installed.
    """

    login: str
    today: date
    name: str | None = None
    contact: str | None = None
    zone: str = ZONE
    language: Language = "de"
    version: str | None = None


def files(wishes: Wishes) -> dict[str, bytes]:
    """
    Give every file of a new city; nothing is written.

    The result was opened as a city before it is given: settings and catalogue are valid.

    Returns
    -------
    dict
        Path below the city's folder -> content. ``stadtbuch.toml`` comes last: a folder without it is no city,
        so one that was cut short is none.

    Raises
    ------
    UsageError
        ``init.name``, ``init.contact`` or ``init.zone``.

    Examples
    --------
    >>> made = files(Wishes(login="demo", today=date(2026, 1, 15), name="Musterstadt"))
    >>> list(made)[-1], "catalogs/intake.yaml" in made, b"<<" in b"".join(made.values())
    ('stadtbuch.toml', True, False)
    """
    require(wishes)
    words = _words(wishes)
    made = {
        _target(path.relative_to(SKELETON).as_posix()): _filled(path, words)
        for path in sorted(SKELETON.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    made |= _generated(made)
    settings = made.pop(city_settings.FILE)
    return {**dict(sorted(made.items())), city_settings.FILE: settings}


def require(wishes: Wishes) -> None:
    """
    Check what somebody typed.

    Raises
    ------
    UsageError
        ``init.name``, ``init.contact`` or ``init.zone``.
    """
    name = wishes.name
    if name is not None and (
        not name.strip()
        or len(name) > LONGEST_NAME
        or not name.isprintable()
        or re.search(r"[<>{}\\]|TODO", name)
    ):
        raise _bad_name()
    if wishes.contact is not None and not _ADDRESS.fullmatch(wishes.contact):
        raise _bad_contact()
    try:
        ZoneInfo(wishes.zone)
    except (KeyError, ValueError, OSError):
        raise _bad_zone() from None


def lay(folder: Path, made: Mapping[str, bytes]) -> list[str]:
    """
    Write a new city's files into a folder, and overwrite nothing.

    A file that is there with the same bytes is left alone, so that a founding that was cut short (power, kill)
    is finished by the next. After an error nothing is left behind.

    Parameters
    ----------
    folder
        Made if there is none. It may hold other things, such as ``.git``.
    made
        From `files`.

    Returns
    -------
    list
        The paths that were written, in their order.

    Raises
    ------
    UsageError
        ``init.not-a-folder``; ``init.exists`` with every file that is in the way. Nothing was written.
    Failed
        ``init.cannot-write``, with the reason of the system. Nothing stays.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise _not_a_folder(folder)
    with _telling(folder):
        in_the_way = list(_in_the_way(folder, made))
    if in_the_way:
        raise _exists(folder, in_the_way)
    return _write(folder, made)


def _write(folder: Path, made: Mapping[str, bytes]) -> list[str]:
    """Write file by file; whatever goes wrong takes back what this call wrote."""
    written: list[Path] = []
    folders: list[Path] = []
    try:
        with _telling(folder):
            for path, data in made.items():
                target = folder / path
                if target.exists():
                    continue
                folders += _make(target.parent)
                _sweep(target)
                written.append(target)
                atomic.write(target, data, mode=0o600 if path == "roles.yaml" else 0o644)
    except BaseException:
        _take_back(written, folders)
        raise
    return [path.relative_to(folder).as_posix() for path in written]


def _in_the_way(folder: Path, made: Mapping[str, bytes]) -> Iterable[str]:
    """Name what is there under one of our names, or where a folder of ours has to be."""
    for path, data in made.items():
        target = folder / path
        parents = [folder / one for one in Path(path).parents if one != Path()]
        yield from (f"{one.relative_to(folder).as_posix()}" for one in parents if _is_no_folder(one))
        if os.path.lexists(target) and not _same(target, data):
            yield path


def _is_no_folder(path: Path) -> bool:
    return os.path.lexists(path) and not path.is_dir()


def _same(path: Path, data: bytes) -> bool:
    return path.is_file() and not path.is_symlink() and path.read_bytes() == data


def _make(folder: Path) -> list[Path]:
    """Make a folder with those above it, and give the ones that are new, the outermost first."""
    new = [one for one in (folder, *folder.parents) if not one.exists()][::-1]
    folder.mkdir(parents=True, exist_ok=True)
    return new


def _sweep(target: Path) -> None:
    """Remove what a killed founding left of this file under a temporary name."""
    for path in target.parent.glob(f".{target.name}.????????"):
        path.unlink(missing_ok=True)


def _take_back(written: Sequence[Path], folders: Sequence[Path]) -> None:
    for path in written:
        with suppress(OSError):
            path.unlink(missing_ok=True)
    for folder in reversed(folders):
        with suppress(OSError):  # somebody else put something there meanwhile
            folder.rmdir()


def _target(path: str) -> str:
    """
    Give the name of a file of the skeleton in the city.

    Examples
    --------
    >>> _target("dot-gitignore"), _target("site/imprint.de.md.template")
    ('.gitignore', 'site/imprint.de.md')
    """
    folder, slash, name = path.rpartition("/")
    name = name.removesuffix(TEMPLATE)
    return folder + slash + ("." + name.removeprefix(DOT) if name.startswith(DOT) else name)


def _filled(path: Path, words: Mapping[str, str]) -> bytes:
    """Fill in a template; every other file is copied byte by byte."""
    data = path.read_bytes()
    if path.suffix != TEMPLATE:
        return data
    return _TOKEN.sub(lambda token: words[token[1]], data.decode("utf-8")).encode("utf-8")


def _words(wishes: Wishes) -> dict[str, str]:
    """Give what stands for each sign of the templates; texts in quotes are valid in TOML and YAML alike."""
    name, contact = wishes.name or NAME, wishes.contact or CONTACT
    open_name = "" if wishes.name else f"           # {TODO} Name der Stadt / name of the city"
    open_contact = (
        "" if wishes.contact else f"  # {TODO} Funktionspostfach, keine Person / function mailbox, no person"
    )
    return {
        "name": _quoted(name) + open_name,
        "name_plain": name,
        "contact": _quoted(contact) + open_contact,
        "contact_plain": contact,
        "contact_quoted": _quoted(contact),
        "zone": _quoted(wishes.zone),
        "language": _quoted(wishes.language),
        "publisher_de": PUBLISHER.de,
        "publisher_en": PUBLISHER.en,
        "year": str(wishes.today.year),
        "today": wishes.today.isoformat(),
        "review": f"{wishes.today.year + REVIEWED_FOR}-{wishes.today.month:02}-01",
        "login": _quoted(wishes.login),
        "pin": f"=={wishes.version}" if wishes.version else "",
    }


def _quoted(words: str) -> str:
    return json.dumps(words, ensure_ascii=False)


def _generated(made: Mapping[str, bytes]) -> dict[str, bytes]:
    """Open the new city in a temporary folder, and give what is generated from its catalogue."""
    with scratch.folder("init") as root:
        for path, data in made.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
        settings = city_settings.read(root)
        content = intake_file.expected(index.load(settings), settings)
    return {f"{settings.paths.catalogs}/{index.GENERATED}": content.encode()}


@contextmanager
def _telling(folder: Path) -> Iterator[None]:
    """Turn what the operating system says into a sentence for people who found a city."""
    try:
        yield
    except OSError as error:
        raise _cannot_write(folder, error) from None


def _cannot_write(folder: Path, error: OSError) -> Failed:
    name = folder.name or str(folder)
    return Failed(
        "init.cannot-write",
        Text(
            de=f"In den Ordner {name} lässt sich nicht schreiben. Es wurde nichts zurückgelassen.",
            en=f"The folder {name} cannot be written to. Nothing was left behind.",
        ),
        why=_reason(error),
        remedy=Text(
            de="Schaffen Sie Platz und Schreibrechte, oder nennen Sie einen anderen Ordner.",
            en="Make room, give yourself write permission, or name another folder.",
        ),
    )


def _reason(error: OSError) -> Text:
    """Say what the system said, by its number: its words are in the machine's language."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Text(de="Der Datenträger ist voll.", en="The disk is full.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Text(de="Sie dürfen dort nicht schreiben.", en="You may not write there.")
    if error.errno == errno.ENAMETOOLONG:
        return Text(de="Der Name ist zu lang.", en="The name is too long.")
    kind = errno.errorcode.get(error.errno or 0, type(error).__name__)
    return Text(de=f"Das System meldet {kind}.", en=f"The system says {kind}.")


def _not_a_folder(folder: Path) -> UsageError:
    return UsageError(
        "init.not-a-folder",
        Text(de=f"{folder.name} ist kein Ordner.", en=f"{folder.name} is not a folder."),
        remedy=Text(de="Nennen Sie einen leeren oder neuen Ordner.", en="Name an empty or new folder."),
    )


def _exists(folder: Path, paths: Iterable[str]) -> UsageError:
    what = Text(de="gibt es hier schon", en="is here already")
    return UsageError(
        "init.exists",
        Text(
            de=f"Im Ordner {folder.name} liegt schon etwas, das die neue Stadt überschreiben würde.",
            en=f"The folder {folder.name} already holds something that the new city would overwrite.",
        ),
        why=Text(de="stadtbuch init überschreibt nie etwas.", en="stadtbuch init never overwrites anything."),
        remedy=Text(
            de="Nennen Sie einen leeren oder neuen Ordner, oder legen Sie diese Dateien beiseite.",
            en="Name an empty or new folder, or put these files aside.",
        ),
        problems=[Problem(path, None, "", what) for path in dict.fromkeys(paths)],
    )


def _bad_name() -> UsageError:
    return UsageError(
        "init.name",
        Text(de="--name ist kein Name einer Stadt.", en="--name is not the name of a city."),
        remedy=Text(
            de=f"Schreiben Sie höchstens {LONGEST_NAME} druckbare Zeichen ohne < > {{ }} und \\.",
            en=f"Write at most {LONGEST_NAME} printable characters without < > {{ }} and \\.",
        ),
    )


def _bad_contact() -> UsageError:
    return UsageError(
        "init.contact",
        Text(de="--contact ist keine E-Mail-Adresse.", en="--contact is not an e-mail address."),
        remedy=Text(
            de="Schreiben Sie ein Funktionspostfach wie daten@stadt.example.",
            en="Write a function mailbox such as data@city.example.",
        ),
    )


def _bad_zone() -> UsageError:
    return UsageError(
        "init.zone",
        Text(de="--zone ist keine bekannte Zeitzone.", en="--zone is not a known time zone."),
        remedy=Text(
            de="Schreiben Sie einen Namen wie Europe/Berlin.", en="Write a name such as Europe/Berlin."
        ),
    )
