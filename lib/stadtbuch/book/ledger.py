"""
The ledger: entries that are only ever added, each with the hash of the one before (SECURITY: the book).

Whoever rewrites or removes an entry breaks the chain. Whoever cuts off the end, or rewrites everything from
some entry on, is seen only by somebody who kept an earlier `Book.head`; every edition carries one.
"""

from __future__ import annotations

import hmac
import json
import math
import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from stadtbuch import atomic
from stadtbuch.book import merkle
from stadtbuch.errors import Busy, StateError
from stadtbuch.model.actor import Actor
from stadtbuch.model.entry import FORMAT, Entry
from stadtbuch.texts import Text, instant

VERSION = 1
START = "0" * 64
COLUMNS = ("number", "format", "at", "kind", "role", "who", "subject", "details", "previous", "hash")

Reader = Callable[[str], Iterator[Entry]]

_KIND = re.compile(r"[a-z][a-z-]{0,40}")
_PATIENCE = 30.0  # seconds a writer waits for the others
_READ_ONLY = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")

_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS entries (
    number INTEGER PRIMARY KEY,
    format INTEGER NOT NULL,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    role TEXT NOT NULL,
    who TEXT NOT NULL,
    subject TEXT NOT NULL,
    details TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS never_changed BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'the book is append-only'); END;
CREATE TRIGGER IF NOT EXISTS never_removed BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'the book is append-only'); END;
PRAGMA user_version = {VERSION};
COMMIT;
"""


@dataclass(frozen=True, slots=True)
class Book:
    """
    The append-only book of a city, in one SQLite file.

    Parameters
    ----------
    path
        The file; it is made with the first entry.
    key
        Gives the key of a name; ``actor-2026`` is the one that hides who acted in 2026 (UTC). Once it is
        deleted, the entries of the year no longer lead to people, and the chain still holds.

    Examples
    --------
    >>> from datetime import UTC
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     book = Book(Path(folder) / "book.sqlite", key=lambda name: bytes(32))
    ...     actor = Actor(login="demo", role="analyst", roles=("analyst",))
    ...     now = datetime(2026, 1, 15, tzinfo=UTC)
    ...     made = book.append("loaded", subject="mobility.counters", actor=actor, now=now)
    ...     made.number, made.role, book.verify()["ok"]
    (1, 'analyst', True)
    """

    path: Path
    key: Callable[[str], bytes] = field(kw_only=True)
    _grown: _Grown = field(default_factory=lambda: _Grown(), init=False, repr=False, compare=False)

    def append(
        self,
        kind: str,
        *,
        subject: str,
        actor: Actor,
        now: datetime,
        details: Mapping[str, Any] | None = None,
        given: Callable[[Reader], None] = lambda entries: None,
    ) -> Entry:
        """
        Add one entry; when it returns, the entry is on the disk.

        Parameters
        ----------
        kind
            What happened: ``"loaded"``, ``"released"``.
        subject
            The id of what it happened to: a dataset, a report, an edition.
        actor
            Who acted, in which role; of the login only a keyed hash is kept.
        now
            With a time zone; stored in UTC.
        details
            JSON: texts, whole and finite numbers, truth values, lists, mappings with text keys. No data
            values, no names.
        given
            Raises if the entry may not be added: it gets a function that gives the entries of a kind as they stand
            while no other process can add one.

        Raises
        ------
        ValueError
            If an argument is none of that: a mistake in the program.
        StateError
            If the book cannot be written, or belongs to a newer version.
        Busy
            If other writers kept it for half a minute.
        """
        at = instant(now)
        if not _KIND.fullmatch(kind) or not subject:
            raise ValueError("an entry needs a kind of a-z and - and a subject")
        content = {
            "format": FORMAT,
            "at": at,
            "kind": kind,
            "role": actor.role,
            "who": self._hidden(actor.login, at[:4]),
            "subject": subject,
            "details": _harmless(dict(details or {})),
        }
        canonical(content)  # what cannot be written must not leave an empty book behind
        with self._writing() as connection:
            given(lambda wanted: _of_kind(connection, wanted))
            number, previous = _last(connection)
            record = content | {"number": number + 1, "previous": previous}
            record["hash"] = chained(record)
            _insert(connection, record)
        return Entry(**record)

    def entries(self, kind: str | None = None, subject: str | None = None) -> Iterator[Entry]:
        """
        Give the entries from the first to the last, all or those of one kind or subject.

        Raises
        ------
        StateError
            If the book is damaged, unreadable or of a newer version.
        """
        wanted = {"kind": kind, "subject": subject}
        chosen = {name: value for name, value in wanted.items() if value is not None}
        where = " AND ".join(f"{name} = :{name}" for name in chosen) or "1"
        query = f"SELECT {', '.join(COLUMNS)} FROM entries WHERE {where} ORDER BY number"  # noqa: S608 - own names
        with self._reading() as connection:
            if connection is not None:
                for row in connection.execute(query, chosen):
                    yield _entry(row)

    def head(self) -> dict[str, Any]:
        """Give the checkpoint ``{"entries": n, "head": hash}``; whoever keeps it notices a cut end later."""
        with self._reading() as connection:
            number, digest = (0, START) if connection is None else _last(connection)
        return {"entries": number, "head": digest}

    def summit(self) -> dict[str, Any]:
        """
        Give what a checkpoint says: ``{"entries", "head", "root"}``, the root of the Merkle tree over all hashes.

        A book that was asked before reads only the entries that were added since.
        """
        with self._reading() as connection:
            if connection is not None:
                self._grown.catch_up(connection)
        return self._grown.summit() if self.path.exists() else _Grown().summit()

    def hashes(self) -> list[str]:
        """Give the hash of every entry in its order, as it stands there; `verify` says whether it fits."""
        with self._reading() as connection:
            return [] if connection is None else [one for (one,) in _hashes(connection, 0)]

    def hash_at(self, number: int) -> str | None:
        """Give the hash of one entry, `START` for the place before the first, nothing beyond the end."""
        with self._reading() as connection:
            if connection is None:
                return START if number == 0 else None
            return _hash_of(connection, number)

    def verify(self, expected_head: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """
        Check every entry, the whole chain, and that an earlier checkpoint is still part of it.

        Parameters
        ----------
        expected_head
            What `head` gave earlier.

        Returns
        -------
        dict
            ``{"ok", "entries", "head"}``, and where something is wrong ``"problem"``:
            ``{"code", "entry", "text": {"de", "en"}}``.
        """
        try:
            with self._reading() as connection:
                walk = _walk(connection) if connection is not None else _Walk()
        except StateError as error:
            if error.code != "book.damaged":
                raise
            walk = _Walk(problem=problem("damaged", None))
        return walk.verdict(expected_head)

    def copy(self, target: Path) -> None:
        """
        Write the book as it stands into another file, whole, while others go on writing.

        The copy is one file that needs no other beside it; nothing is written where there is no book yet.
        """
        with self._reading() as connection:
            if connection is None:
                return
            with closing(sqlite3.connect(target, isolation_level=None)) as copied:
                connection.backup(copied)
                copied.execute("PRAGMA journal_mode = DELETE")

    def _hidden(self, login: str, year: str) -> str:
        return hmac.new(self.key(f"actor-{year}"), login.encode(), sha256).hexdigest()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction that no other writer can overtake; it is kept only if all went well."""
        with _telling(self.path), closing(self._opened()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def _opened(self) -> sqlite3.Connection:
        """Open the file for writing; a new one is laid out in a queue: the change to WAL does not wait."""
        with atomic.queue(self.path.with_suffix(".lock")):
            if not self.path.exists():
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
                atomic.sync_folder(self.path.parent)
            connection, version = _connect(self.path)
            if version == 0:
                _lay_out(connection)
        return connection

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """Open the file for reading, in one consistent view; nothing where there is no book yet."""
        if not self.path.exists():
            yield None
            return
        with _telling(self.path):
            connection, version = _connect(self.path)
            with closing(connection):
                connection.execute("BEGIN")
                yield connection if version else None


def _of_kind(connection: sqlite3.Connection, kind: str) -> Iterator[Entry]:
    query = f"SELECT {', '.join(COLUMNS)} FROM entries WHERE kind = ? ORDER BY number"  # noqa: S608 - own names
    yield from (_entry(row) for row in connection.execute(query, (kind,)))


@dataclass(slots=True)
class _Grown:
    """The Merkle tree of a book as far as this process has read it."""

    tree: merkle.Tree = field(default_factory=merkle.Tree)
    head: str = START

    def catch_up(self, connection: sqlite3.Connection) -> None:
        """Add the entries that are new; begin anew should the book be another one by now."""
        if _hash_of(connection, self.tree.size) != self.head:
            self.tree, self.head = merkle.Tree(), START
        for (hashed,) in _hashes(connection, self.tree.size):
            self.tree.grow(leaf_of(hashed))
            self.head = hashed

    def summit(self) -> dict[str, Any]:
        return {"entries": self.tree.size, "head": self.head, "root": self.tree.root().hex()}


def leaf_of(hashed: str) -> bytes:
    """Give the leaf of an entry in the Merkle tree: its content is the entry's own hash, 32 bytes."""
    return merkle.leaf(bytes.fromhex(hashed))


def _hashes(connection: sqlite3.Connection, after: int) -> Iterator[tuple[str]]:
    yield from connection.execute("SELECT hash FROM entries WHERE number > ? ORDER BY number", (after,))


def _hash_of(connection: sqlite3.Connection, number: int) -> str | None:
    row = connection.execute("SELECT hash FROM entries WHERE number = ?", (number,)).fetchone()
    return row[0] if row else (START if number == 0 else None)


@dataclass(frozen=True, slots=True)
class _Walk:
    """What a walk along the chain saw: the hash of every sound entry, and the first problem."""

    hashes: tuple[str, ...] = ()
    problem: dict[str, Any] | None = None

    def verdict(self, expected: Mapping[str, Any] | None) -> dict[str, Any]:
        problem = self.problem or (self._against(expected) if expected else None)
        head = self.hashes[-1] if self.hashes else START
        verdict = {"ok": problem is None, "entries": len(self.hashes), "head": head}
        return verdict if problem is None else verdict | {"problem": problem}

    def _against(self, expected: Mapping[str, Any]) -> dict[str, Any] | None:
        number, head = int(expected["entries"]), str(expected["head"])
        if len(self.hashes) < number:
            return problem("truncated", len(self.hashes))
        found = self.hashes[number - 1] if number else START
        return None if hmac.compare_digest(found, head) else problem("rewritten", number)


def _walk(connection: sqlite3.Connection) -> _Walk:
    """Recompute every hash from the stored text; stop at the first entry that does not fit."""
    hashes: list[str] = []
    for row in connection.execute(f"SELECT {', '.join(COLUMNS)} FROM entries ORDER BY number"):  # noqa: S608 - own names
        record = dict(zip(COLUMNS, row, strict=True))
        fault = _fault(record, number=len(hashes) + 1, previous=hashes[-1] if hashes else START)
        if fault:
            return _Walk(tuple(hashes), problem(fault, len(hashes) + 1))
        hashes.append(record["hash"])
    return _Walk(tuple(hashes))


def _fault(record: dict[str, Any], *, number: int, previous: str) -> str | None:
    """Say what is wrong with one entry at its place in the chain."""
    if record["number"] != number:
        return "missing"
    if record["previous"] != previous:
        return "unchained"
    try:
        details = json.loads(record["details"])
        if (
            canonical(details) != record["details"]
            or chained(record | {"details": details}) != record["hash"]
        ):
            return "changed"
    except (TypeError, ValueError):  # what was damaged may have another type
        return "changed"
    return None


def canonical(value: Any) -> str:
    """
    Write JSON in the one form that is hashed: sorted keys, no spaces, UTF-8.

    Raises
    ------
    ValueError
        If something in it is no JSON; NaN and infinity are none.

    Examples
    --------
    >>> canonical({"b": [1, True], "a": "ö"})
    '{"a":"ö","b":[1,true]}'
    """
    try:
        written = json.dumps(
            value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
        written.encode()
    except (TypeError, RecursionError, UnicodeEncodeError):
        raise ValueError("this cannot be written as JSON") from None
    return written


def chained(record: Mapping[str, Any]) -> str:
    """Give the hash of an entry: SHA-256 of the previous hash and the entry without its own."""
    content = {name: record[name] for name in COLUMNS if name != "hash"}
    return sha256((record["previous"] + canonical(content)).encode()).hexdigest()


def _harmless(value: Any) -> Any:
    """Copy JSON, and refuse what would come back as something else than was put in."""
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("keys of details are texts")
        return {key: _harmless(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_harmless(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("numbers in details are finite")
    if value is None or type(value) in (str, int, float, bool):
        return value
    raise ValueError("details hold texts, numbers, truth values, lists and mappings only")


def _last(connection: sqlite3.Connection) -> tuple[int, str]:
    row = connection.execute("SELECT number, hash FROM entries ORDER BY number DESC LIMIT 1").fetchone()
    return row or (0, START)


def _insert(connection: sqlite3.Connection, record: Mapping[str, Any]) -> None:
    row = dict(record) | {"details": canonical(record["details"])}
    places = ", ".join(f":{name}" for name in COLUMNS)
    connection.execute(f"INSERT INTO entries ({', '.join(COLUMNS)}) VALUES ({places})", row)  # noqa: S608 - own names


def _entry(row: tuple[Any, ...]) -> Entry:
    """Read one row; entries of every earlier format are understood, of a later one none."""
    record = dict(zip(COLUMNS, row, strict=True))
    if record["format"] > FORMAT:
        raise _too_new()
    try:
        return Entry(**record | {"details": json.loads(record["details"])})
    except ValueError:
        raise _damaged() from None


def _connect(path: Path) -> tuple[sqlite3.Connection, int]:
    """Open an existing file and give the version of its layout; 0 is a file without any."""
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=_PATIENCE, isolation_level=None
    )
    try:
        connection.execute("PRAGMA synchronous = FULL")
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if not 0 <= version <= VERSION:
            raise _too_new()
    except BaseException:
        connection.close()
        raise
    return connection, version


def _lay_out(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_SCHEMA)
    except BaseException:
        connection.close()
        raise


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system say into sentences for people."""
    with atomic.telling(path.name):
        try:
            yield
        except sqlite3.OperationalError as error:
            raise _operational(path, error) from None
        except sqlite3.DatabaseError:
            raise _damaged() from None


def _operational(path: Path, error: sqlite3.OperationalError) -> StateError | Busy:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(_READ_ONLY):
        return atomic.read_only(path.name)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return _busy()
    if name.startswith("SQLITE_FULL"):
        return atomic.unusable(path.name, OSError(28, ""))
    if name.startswith("SQLITE_IOERR"):
        return atomic.unusable(path.name, OSError(5, ""))
    return _damaged()


def _busy() -> Busy:
    return Busy(
        "book.busy",
        Text(
            de=f"Andere Befehle schreiben seit {_PATIENCE:.0f} Sekunden in das Buch.",
            en=f"Other commands have been writing into the book for {_PATIENCE:.0f} seconds.",
        ),
        remedy=Text(de="Warten Sie und wiederholen Sie den Befehl.", en="Wait and repeat the command."),
    )


def _damaged() -> StateError:
    return StateError(
        "book.damaged",
        Text(de="Das Buch ist beschädigt.", en="The book is damaged."),
        remedy=Text(
            de="Es wird nicht überschrieben. Stellen Sie var/ aus der Sicherung her.",
            en="It is not overwritten. Restore var/ from the backup.",
        ),
    )


def _too_new() -> StateError:
    return StateError(
        "book.too-new",
        Text(
            de=f"Das Buch ist neuer als diese Bibliothek, die es bis Version {VERSION} kennt.",
            en=f"The book is newer than this library, which knows it up to version {VERSION}.",
        ),
        remedy=Text(
            de="Nehmen Sie das neuere Stadtbuch. Es wurde nichts geändert.",
            en="Use the newer Stadtbuch. Nothing was changed.",
        ),
    )


_PROBLEMS = {
    "missing": Text(de="Hier fehlt ein Eintrag.", en="An entry is missing here."),
    "unchained": Text(
        de="Der Eintrag schließt nicht an den vorigen an.", en="The entry does not follow the one before."
    ),
    "changed": Text(de="Der Eintrag wurde verändert.", en="The entry was changed."),
    "damaged": Text(de="Die Datei des Buchs ist beschädigt.", en="The file of the book is damaged."),
    "truncated": Text(
        de="Das Ende fehlt: Ein früherer Prüfpunkt zählt mehr Einträge.",
        en="The end is missing: an earlier checkpoint counts more entries.",
    ),
    "rewritten": Text(
        de="Das Buch wurde neu geschrieben: Der Eintrag passt nicht zum früheren Prüfpunkt.",
        en="The book was rewritten: the entry does not fit the earlier checkpoint.",
    ),
    "key-unsigned": Text(
        de="Ein neuer Schlüssel ist nicht vom vorigen unterschrieben, und niemand hat dessen Verlust erklärt.",
        en="A new key is not signed by the one before, and nobody stated that that one was lost.",
    ),
}


def problem(fault: str, entry: int | None) -> dict[str, Any]:
    """Say what is wrong with the book, and at which entry; `fault` is a key of the sentences above."""
    return {"code": f"book.{fault}", "entry": entry, "text": _PROBLEMS[fault].as_dict()}
