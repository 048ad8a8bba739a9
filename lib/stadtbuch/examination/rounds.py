"""
The rounds: every check in its order, and `examine`, which asks them all and never fails itself.

A new check is a function that takes a `Scene` and gives notes, and one line in `ROUNDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module

from stadtbuch.errors import StadtbuchError
from stadtbuch.examination.notes import Check, Group, Level, Need, Note, Seen, problem
from stadtbuch.examination.scene import Scene
from stadtbuch.texts import Text

INSTALLATION = Group("installation", Text(de="Installation", en="Installation"))
CITY = Group("city", Text(de="Die Stadt", en="The city"))
PEOPLE = Group("people", Text(de="Rollen und Fristen", en="Roles and dates"))
MEMORY = Group("memory", Text(de="Gedächtnis", en="Memory"))
OPENING = Group("public", Text(de="Vor der Veröffentlichung", en="Before going public"))


def _check(id: str, look: str, de: str, en: str, needs: Need = "city") -> Check:
    return Check(id, Text(de=de, en=en), look, needs)


ROUNDS: Mapping[Group, tuple[Check, ...]] = {
    INSTALLATION: (
        _check("python", "installation:python", "Welches Python", "Which Python", "nothing"),
        _check(
            "libraries",
            "installation:libraries",
            "Fassungen der Bibliotheken",
            "Versions of the libraries",
            "nothing",
        ),
        _check("lab", "installation:laboratory", "JupyterLab", "JupyterLab", "nothing"),
        _check("dashboards", "installation:dashboards", "Voila", "Voila", "nothing"),
        _check("browser", "installation:browser", "Chromium, für Tests", "Chromium, for tests", "nothing"),
        _check(
            "sandbox",
            "installation:sandbox",
            "Sandkasten für Einreichungen",
            "Sandbox for submissions",
            "nothing",
        ),
        _check("wall", "installation:forked_runs", "Mauer um jeden Lauf", "Wall around each run", "nothing"),
        _check("time-zones", "installation:time_zones", "Zeitzonen", "Time zones", "nothing"),
        _check(
            "encoding",
            "installation:encoding",
            "Kodierung der Dateinamen",
            "Encoding of file names",
            "nothing",
        ),
    ),
    CITY: (
        _check("settings", "agreed:settings", "stadtbuch.toml", "stadtbuch.toml", "nothing"),
        _check("rules-review", "agreed:rules", "Überprüfung des Regelwerks", "Review of the rules"),
        _check("catalogue", "folder:catalogue", "Fehler im Katalog", "Mistakes in the catalogue"),
        _check("intake-file", "folder:generated", "intake.yaml auf dem Stand", "intake.yaml up to date"),
        _check("data-sources", "folder:sources", "Dateien der Datensätze", "Files of the datasets"),
        _check(
            "closed-files",
            "folder:closed_files",
            "Leserechte nicht offener Daten",
            "Who may read data that are not open",
        ),
        _check(
            "example-data",
            "folder:examples",
            "Beispieldaten, die nicht so heißen",
            "Example data that are not called so",
        ),
        _check("reports", "folder:reports", "Berichte und ihre Notebooks", "Reports and their notebooks"),
        _check("notebooks", "folder:notebooks", "Manifeste der Notebooks", "Manifests of the notebooks"),
        _check("stored-outputs", "folder:stored_outputs", "Gespeicherte Ausgaben", "Stored outputs"),
        _check(
            "schedules",
            "timing:schedules",
            "Zeitpläne und was sie beobachten",
            "Schedules and what they watch",
        ),
        _check("notify", "timing:notify", "Benachrichtigung", "Notification"),
        _check("approvals", "folder:recorded", "Mitgelieferte Freigaben", "Approvals that came along"),
        _check("texts", "folder:texts", "Texte der Stadt", "Texts of the city"),
        _check(
            "placeholders",
            "folder:placeholders",
            "Platzhalter (mit --public ein Problem)",
            "Placeholders (a problem with --public)",
        ),
        _check("git", "folder:git", "Was nie in git gehört", "What must never be in git"),
    ),
    PEOPLE: (
        _check("roles", "people:roles", "roles.yaml", "roles.yaml"),
        _check("roles-everybody", "people:everybody", "Was alle dürfen", "What everybody may do"),
        _check("roles-unknown", "people:unknown", "Rollen, die niemand hat", "Roles that nobody has"),
        _check("grants", "people:grants", "Erlaubnisse, die enden", "Grants that end"),
        _check("reviews", "people:reviews", "Gründe, die zu prüfen sind", "Reasons to be reviewed"),
    ),
    MEMORY: (
        _check("state", "memory:folder", "Der Zustandsordner", "The state folder"),
        _check("state-permissions", "memory:permissions", "Wer ihn öffnen darf", "Who may open it"),
        _check("writable", "memory:writable", "Schreibrechte", "Rights to write"),
        _check(
            "keys", "memory:keys", "Schlüssel: ganz, zufällig, einzeln", "Keys: whole, random, each its own"
        ),
        _check("book", "memory:book", "Die Kette des Buchs", "The chain of the book"),
        _check(
            "book-checkpoint",
            "memory:checkpoint",
            "Das Buch und die neueste Ausgabe",
            "The book and the newest edition",
        ),
        _check("clock", "memory:clock", "Die Uhr", "The clock"),
        _check("archive", "memory:archive", "Ausgaben im Archiv", "Editions in the archive"),
        _check("waiting", "memory:waiting", "Was auf Freigabe wartet", "What awaits approval"),
        _check("submissions", "memory:submissions", "Unentschiedene Einreichungen", "Undecided submissions"),
        _check("timer", "timing:timer", "Der letzte Takt", "The last tick"),
        _check("interrupted", "memory:interrupted", "Unterbrochene Befehle", "Interrupted commands"),
        _check("pages", "memory:pages", "Der öffentliche Ordner", "The public folder"),
        _check("signing-key", "keeping:seal", "Der Schlüssel des Buchs", "The key of the book"),
        _check(
            "checkpoint-sent",
            "keeping:sent",
            "Wann ein Prüfpunkt verschickt wurde",
            "When a checkpoint was sent",
        ),
        _check("backup", "keeping:backups", "Alter der letzten Sicherung", "Age of the last backup"),
        _check("retention", "keeping:due", "Fristen, die vorbei sind", "Times of retention that are over"),
        _check("sizes", "memory:sizes", "Größen", "Sizes"),
        _check("space", "memory:space", "Platz auf dem Datenträger", "Room on the disk"),
    ),
    OPENING: (
        _check("contact", "opening:contact", "Kontakt", "Contact", "public"),
        _check("official-key", "opening:official_key", "Amtlicher Schlüssel", "Official key", "public"),
        _check("imprint", "opening:imprint", "Impressum", "Imprint", "public"),
        _check("privacy-notice", "opening:privacy", "Datenschutzhinweise", "Privacy notice", "public"),
        _check(
            "accessibility",
            "opening:accessibility",
            "Erklärung zur Barrierefreiheit",
            "Accessibility statement",
            "public",
        ),
        _check("synthetic", "opening:synthetic", "Erfundene Daten", "Made-up data", "public"),
        _check("signing-key-test", "keeping:test_key", "Schlüssel zum Testen", "Keys for tests", "public"),
        _check("address", "opening:address", "Öffentliche Adresse", "Public address", "public"),
    ),
}


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was seen, in the order of the rounds, and the checks that could not be asked."""

    seen: tuple[Seen, ...]
    skipped: tuple[str, ...]

    def count(self, level: Level) -> int:
        """Give the number of notes of a level."""
        return sum(one.note.level is level for one in self.seen)

    @property
    def ok(self) -> bool:
        """Whether there is no problem."""
        return not self.count(Level.problem)


def examine(scene: Scene) -> Report:
    """
    Ask every check that can be asked.

    A check that breaks is a problem of its own, named by the type of its error only: the words of a foreign
    error may hold data.
    """
    seen: list[Seen] = []
    skipped: list[str] = []
    unloadable: dict[str, None] = {}
    for group, check in wanted(scene):
        if check.needs != "nothing" and not scene.has_city:
            skipped.append(check.id)
            continue
        try:
            seen += [Seen(check.id, group, note) for note in _asked(check, scene)]
        except ImportError as error:
            skipped.append(check.id)
            unloadable[error.name or "?"] = None
    missing = [Seen("libraries", INSTALLATION, _unloadable(name)) for name in unloadable]
    return Report((*missing, *seen), tuple(skipped))


def wanted(scene: Scene) -> Iterator[tuple[Group, Check]]:
    """Give the checks of an examination with their groups; those before going public only if that is asked."""
    for group, checks in ROUNDS.items():
        yield from ((group, check) for check in checks if check.needs != "public" or scene.public)


def looked_up(check: Check) -> Callable[[Scene], Iterable[Note]]:
    """Import a check's function."""
    module, _, function = check.look.partition(":")
    found: Callable[[Scene], Iterable[Note]] = getattr(import_module(f"{__package__}.{module}"), function)
    return found


def _asked(check: Check, scene: Scene) -> Iterator[Note]:
    try:
        yield from looked_up(check)(scene)
    except StadtbuchError as error:
        yield problem(error.what, error.remedy or _REPORT, why=error.why)
    except ImportError:
        raise  # one library, many checks: `examine` tells it once
    except Exception as error:  # noqa: BLE001 - a doctor who faints helps nobody
        yield problem(_broke(check.id, error), _REPORT, subject=check.id)


def _broke(id: str, error: Exception) -> Text:
    kind = type(error).__name__
    return Text(
        de=f"Die Prüfung {id} ließ sich nicht durchführen ({kind}).",
        en=f"The check {id} could not be carried out ({kind}).",
    )


def _unloadable(name: str) -> Note:
    return problem(
        Text(de=f"{name} lässt sich nicht laden.", en=f"{name} cannot be loaded."),
        Text(
            de="Installieren Sie Stadtbuch mit seinen Bibliotheken neu.",
            en="Install Stadtbuch and its libraries again.",
        ),
        subject=name,
        why=Text(
            de="Prüfungen, die es brauchen, wurden ausgelassen.", en="Checks that need it were left out."
        ),
    )


_REPORT = Text(
    de="Prüfen Sie Leserechte und Datenträger; bleibt es dabei, melden Sie den Befehl dem Team von Stadtbuch.",
    en="Check rights and disk; if it stays, report the command to the team of Stadtbuch.",
)
