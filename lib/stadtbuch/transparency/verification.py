"""
Verifying an edition: check its bytes, build its environment, run its public step again, compare.

It needs nothing but the edition: no city, no settings, no checkout. A notebook is a program, and so is the library that
comes along; whoever verifies runs them, behind the wall that this machine offers.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stadtbuch import atomic
from stadtbuch.book import checkpoint
from stadtbuch.errors import StadtbuchError
from stadtbuch.reports import editions, packages
from stadtbuch.runs import key
from stadtbuch.session.city import City
from stadtbuch.texts import Text
from stadtbuch.transparency import comparing, environments, rerun, sealed, sources, verdict
from stadtbuch.transparency.environments import Environments, Impossible
from stadtbuch.transparency.rerun import Stopped
from stadtbuch.transparency.unpacking import Opened, unpack
from stadtbuch.transparency.verdict import Difference, Verdict

MORE_SECONDS = 300
"""For starting Python and importing the library in a fresh environment, on top of the run itself."""
KEYS = "book/keys.json"


@dataclass(frozen=True)
class Verifier:
    """
    Verifies editions one after the other.

    Attributes
    ----------
    work
        An empty folder of our own.
    city
        The city, where one of its own editions is named by id; nothing for a stranger.
    fresh
        Builds environments; without it, the running one computes, and the verdict says so.
    relative
        The tolerance of numbers.
    """

    work: Path
    city: City | None = None
    fresh: Environments | None = None
    relative: float = comparing.RELATIVE
    seconds: float = rerun.SECONDS

    def verify(self, target: str) -> Verdict:
        """
        Verify one edition.

        Parameters
        ----------
        target
            An id, a folder, a zip, or an address.

        Raises
        ------
        UsageError
            If there is no edition: ``verify.no-edition``, ``verify.no-zip``, ``edition.unknown``.
        Failed
            ``verify.unreachable``.
        """
        archived = self._own(target)
        if archived and editions.read(archived).content_removed:
            return verdict.cannot(target, REMOVED)
        source = sources.Folder(archived) if archived else sources.source(target)
        place = self.work / f"{len(list(self.work.iterdir())) + 1}"
        store = self.city.store if self.city and archived else None
        opened = unpack(source, place / "edition", store=store)
        found, notes = self._checked(opened, own=archived is not None)
        if found:
            return verdict.of(opened.edition.id, comparing.weighed(found), notes=tuple(notes))
        told = self._computed(opened, place)
        extra = self._sealed(opened) if archived else ([], None)
        return _joined(told, [*notes, *([extra[1]] if extra[1] else [])], extra[0])

    def _own(self, target: str) -> Path | None:
        """Give the folder of one of the city's own editions, if an id was named."""
        if self.city is None or editions.ID.fullmatch(target) is None:
            return None
        return editions.find(self.city.state, target).folder

    def _checked(self, opened: Opened, *, own: bool) -> tuple[list[Difference], list[Text]]:
        """Check everything that needs no run: checksums, the run key, the checkpoint, the book."""
        found, notes = [*opened.differences], []
        for one in _witnessed(opened, self.city if own else None):
            if isinstance(one, Difference):
                found.append(one)
            else:
                notes.append(one)
        if own and self.city:
            found += _entered(opened, self.city)
        return found, notes

    def _computed(self, opened: Opened, place: Path) -> Verdict:
        """Run the public step again, in a fresh environment or in this one."""
        name, index = opened.edition.id, opened.index
        if index is None:
            return verdict.cannot(name, NO_PACKAGE)
        missing = [path for path in opened.missing if path != index["library"]["wheel"]]
        if missing:
            return verdict.cannot(name, _without(missing))
        try:
            if self.fresh is None:
                return self._here(opened, index, place)
            python = self.fresh.python(opened)
            told = environments.inside(python, opened.folder, seconds=self.seconds + MORE_SECONDS)
            made = verdict.read(told)
        except (Impossible, Stopped) as error:
            return verdict.cannot(name, error.why)
        except (ValueError, KeyError, TypeError):
            return verdict.cannot(name, environments.SILENT)
        return Verdict(
            outcome=made.outcome,
            edition=name,
            differences=made.differences,
            environment=_fresh(index),
            why=made.why,
            notes=tuple(one for one in made.notes if one.de not in (NO_KEYS.de, NO_KEYS.en)),
            compared=made.compared,
        )

    def _here(self, opened: Opened, index: dict[str, Any], place: Path) -> Verdict:
        """Run it in the environment that is running."""
        again = rerun.again(opened.folder, opened.edition, place, seconds=self.seconds)
        published = {one.path: (opened.folder / one.path).read_bytes() for one in opened.edition.files}
        differences = comparing.weighed([*comparing.compare(published, again, relative=self.relative)])
        here = _here(index)
        return verdict.of(
            opened.edition.id,
            differences,
            environment=here[0],
            notes=tuple(here[1:]),
            compared=len(again),
        )

    def _sealed(self, opened: Opened) -> tuple[list[Difference], Text | None]:
        """Run the preparing step again, where it is our own and the snapshot is still there."""
        if self.city is None or "prepare" not in opened.edition.run_keys:
            return [], None
        try:
            return list(sealed.again(self.city, opened.folder, opened.edition)), SEALED
        except Stopped as stopped:
            return [], stopped.why


REMOVED = Text(
    de="Ihr Inhalt wurde entfernt, nachdem er zu viel verraten hatte; es blieben nur Prüfsummen.",
    en="Its content was removed after it had told too much; only checksums remain.",
)
NO_PACKAGE = Text(
    de="Die Ausgabe hat kein Paket; sie entstand, bevor es welche gab.",
    en="The edition has no package; it was made before there were any.",
)
SEALED = Text(
    de="Auch die Aufbereitung wurde aus dem versiegelten Abzug wiederholt.",
    en="The preparation was repeated from the sealed snapshot, too.",
)


def _without(paths: list[str]) -> Text:
    listed = ", ".join(paths)
    return Text(
        de=f"Es fehlt: {listed}. Das Zip der Ausgabe enthält es, oder die Seiten unter packages/.",
        en=f"Missing: {listed}. It is in the edition's zip, or on the site below packages/.",
    )


def _joined(told: Verdict, notes: list[Text], more: list[Difference]) -> Verdict:
    """Add what was seen beside the run."""
    differences = comparing.weighed([*told.differences, *more])
    outcome = told.outcome if not more or told.outcome == "cannot-run" else "differs"
    return Verdict(
        outcome=outcome,
        edition=told.edition,
        differences=tuple(differences),
        environment=told.environment,
        why=told.why,
        notes=(*told.notes, *notes),
        compared=told.compared,
    )


def _fresh(index: dict[str, Any]) -> Text:
    """Say in which fresh environment an edition was computed."""
    python = ".".join(map(str, sys.version_info[:3]))
    version = index["library"]["version"]
    if index["environment"]["file"] == packages.LOCK:
        sure = Text(
            de="aus den festgelegten Versionen mit Prüfsummen", en="from the pinned versions with checksums"
        )
    else:
        sure = Text(
            de="aus den genannten Versionen, ohne Prüfsummen", en="from the named versions, without checksums"
        )
    return Text(
        de=f"neu gebaut {sure.de}: Python {python}, Stadtbuch {version}",
        en=f"built anew {sure.en}: Python {python}, Stadtbuch {version}",
    )


def _here(index: dict[str, Any]) -> list[Text]:
    """Say that the running environment was used, and where it is another than the edition's."""
    python = ".".join(map(str, sys.version_info[:3]))
    told = [Text(de=f"die laufende: Python {python}", en=f"the running one: Python {python}")]
    if index["library"]["sha256"] != key.library()["sha256"]:
        told.append(
            Text(
                de="Gerechnet wurde mit einer anderen Fassung von Stadtbuch als damals.",
                en="It was computed with another version of Stadtbuch than then.",
            )
        )
    if index["environment"]["python"] != python:
        then = index["environment"]["python"]
        told.append(Text(de=f"Damals war es Python {then}.", en=f"It was Python {then} then."))
    return told


def _witnessed(opened: Opened, city: City | None) -> Iterator[Difference | Text]:
    """Check the signed checkpoint that an edition carries, as far as there are keys at hand."""
    path = opened.folder / editions.CHECKPOINT
    if not path.is_file():
        return
    try:
        note = checkpoint.read(path.read_bytes())
        told = {"entries": note.checkpoint.size, "head": note.checkpoint.head}
        if told != dict(opened.edition.book_head):
            yield Difference("checkpoint", editions.CHECKPOINT, OTHER_HEAD)
        keys = _keys(opened, city)
        if not keys:
            yield NO_KEYS
        else:
            note.signed_by(keys)
    except StadtbuchError as error:
        yield Difference("checkpoint", editions.CHECKPOINT, error.what)
    except (ValueError, KeyError, TypeError):
        yield NO_KEYS


OTHER_HEAD = Text(
    de="Der unterschriebene Stand des Buchs ist ein anderer als der genannte.",
    en="The signed state of the book is another than the one that is named.",
)
NO_KEYS = Text(
    de="Die Unterschrift unter dem Stand des Buchs wurde nicht geprüft: Hier liegt kein Schlüssel der Stadt.",
    en="The signature of the book's state was not checked: there is no key of the city at hand.",
)


def _keys(opened: Opened, city: City | None) -> list[checkpoint.PublicKey]:
    """Give the city's public keys: our own, or those of the site that the edition is part of."""
    if city is not None:
        return [one.public for one in city.seal.history()]
    data = opened.source.above(KEYS, limit=1_000_000)
    told = json.loads(data) if data else {"keys": []}
    return [checkpoint.PublicKey.parse(one["key"]) for one in told["keys"]]


def _entered(opened: Opened, city: City) -> Iterator[Difference]:
    """Compare our own edition with what the book says about its release, and the book with the edition's head."""
    digest = atomic.digest((opened.folder / editions.EDITION).read_bytes())
    entries = list(city.book.entries(kind="released", subject=opened.edition.id))
    if not entries or entries[-1].details.get("edition") != digest:
        yield Difference("description", editions.EDITION, NOT_ENTERED)
    if opened.edition.book_head and not city.book.verify(opened.edition.book_head)["ok"]:
        yield Difference("checkpoint", "book", BOOK)


NOT_ENTERED = Text(
    de="Im Buch steht eine andere Ausgabe unter dieser Kennung.",
    en="The book holds another edition of this id.",
)
BOOK = Text(
    de="Das Buch passt nicht mehr zu dem Stand, den die Ausgabe nennt.",
    en="The book does not fit the state any more that the edition names.",
)
