"""
The doctor finds what was planted: one mistake at a time in a healthy copy of the made-up city.

Each plant names the check that must see it and words of its remedy; no other check may call it a problem.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import yaml

from stadtbuch import settings
from stadtbuch.examination.notes import Level, Seen
from stadtbuch.examination.rounds import Report, examine
from stadtbuch.examination.scene import Scene
from stadtbuch.session import City

pytestmark = pytest.mark.slow

NOW = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
REPORT, OPEN = "who-lives-where", "how-does-the-city-cycle"
PREPARE = "notebooks/analyses/who-lives-where.prepare.ipynb"
REGISTER = "population.residents"
WORDS = ("imprint", "privacy", "accessibility")


@dataclass(frozen=True)
class Plant:
    """One misconfiguration: how it is made, which check sees it, and what it says about it."""

    id: str
    make: Callable[[Path], object]
    check: str
    subject: str = ""
    remedy: str = ""
    command: str = ""
    level: Level = Level.problem
    beside: tuple[str, ...] = ()  # checks that rightly call the same mistake a problem, too
    public: bool = False
    now: datetime = NOW


def change(path: str, old: str, new: str) -> Callable[[Path], None]:
    """Give a plant that replaces words of a file; they must be there."""

    def make(city: Path) -> None:
        text = (city / path).read_text(encoding="utf-8")
        assert old in text, (path, old)
        (city / path).write_text(text.replace(old, new, 1), encoding="utf-8")

    return make


def entry(path: str, dataset: str, *keys: str | int, to: object) -> Callable[[Path], None]:
    """Give a plant that changes one key of a dataset's entry, wherever it stands in its file."""

    def make(city: Path) -> None:
        content = yaml.safe_load((city / path).read_text(encoding="utf-8"))
        place = content["datasets"][dataset]
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = to
        (city / path).write_text(
            yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8"
        )

    return make


def overdue(city: Path, review: str = "2026-01-14") -> None:
    """Let a reason of the register be one that was decided long ago."""
    path, keys = "catalogs/population.yaml", ("residents", "access", "reason")
    entry(path, *keys, "decided", to=date(2024, 1, 14))(city)
    entry(path, *keys, "review", to=date.fromisoformat(review))(city)


def output_in(path: str) -> Callable[[Path], None]:
    """Give a plant that stores an output in a notebook."""

    def make(city: Path) -> None:
        notebook = json.loads((city / path).read_text(encoding="utf-8"))
        cell = next(one for one in notebook["cells"] if one["cell_type"] == "code")
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["4711 persons"]}]
        (city / path).write_text(json.dumps(notebook), encoding="utf-8")

    return make


def no_manifest(city: Path) -> None:
    """Take the manifest out of the register's notebook."""
    notebook = json.loads((city / PREPARE).read_text(encoding="utf-8"))
    notebook["cells"] = notebook["cells"][1:]
    (city / PREPARE).write_text(json.dumps(notebook), encoding="utf-8")


def repository(city: Path) -> None:
    """Put the city into git, without a .gitignore."""
    subprocess.run(["git", "init", "--quiet", str(city)], check=True)


def in_book(*statements: str) -> Callable[[Path], None]:
    """Give a plant that changes the book behind its back."""

    def make(city: Path) -> None:
        connection = sqlite3.connect(city / "var" / "book.sqlite", isolation_level=None)
        for statement in ("DROP TRIGGER never_changed", "DROP TRIGGER never_removed", *statements):
            connection.execute(statement)
        connection.close()

    return make


def edition(city: Path) -> Path:
    """Give the folder of one edition."""
    return min((city / "var" / "editions" / OPEN / "_").glob("2026-*"))


def waits(city: Path) -> None:
    """Let an edition wait for approval."""
    folder = city / "var" / "spool" / "waiting" / REPORT / "one-more"
    folder.mkdir(parents=True)
    shutil.copy(edition(city) / "edition.json", folder)


def key(name: str, content: bytes) -> Callable[[Path], None]:
    """Give a plant that replaces a key."""
    return lambda city: (city / "var" / "keys" / f"{name}.key").write_bytes(content)


def copied_key(city: Path) -> None:
    """Use one key for two purposes."""
    keys = city / "var" / "keys"
    shutil.copy(keys / "values.key", keys / "pseudonyms.key")


def text(name: str, content: bytes) -> Callable[[Path], None]:
    """Give a plant that writes one of the city's texts."""

    def make(city: Path) -> None:
        (city / "site").mkdir(exist_ok=True)
        (city / "site" / name).write_bytes(content)

    return make


def named_people(city: Path) -> None:
    """Give roles to a single login instead of to everybody."""
    roles = yaml.safe_load((city / "roles.yaml").read_text(encoding="utf-8"))
    (city / "roles.yaml").write_text(yaml.safe_dump({"m.muster": roles["*"]}), encoding="utf-8")


GRANTS = ("catalogs/population.yaml", "residents", "access", "grants")
PLANTS = (
    Plant("unknown setting", change("stadtbuch.toml", "[rules]", "[rules]\nversoin = 1"), "settings",
          "stadtbuch.toml", "version", "stadtbuch doctor"),
    Plant("settings are no TOML", change("stadtbuch.toml", "[city]", "[city"), "settings", "stadtbuch.toml"),
    Plant("rules not reviewed", change("stadtbuch.toml", "review = 2028-01-10", "review = 2026-01-14"), "rules-review",
          "stadtbuch.toml", "rules.review"),
    Plant("catalogue mistake", change("catalogs/mobility.yaml", "class: open", "class: opne"), "catalogue",
          "catalogs/mobility.yaml", command="stadtbuch catalog check", beside=("reports", "notebooks")),
    Plant("intake.yaml stale", change("catalogs/intake.yaml", "version: 2", "version: 1"), "intake-file",
          "catalogs/intake.yaml", "Erneuern", "stadtbuch catalog check --write"),
    Plant("data missing", lambda city: (city / "data/mobility/bicycle_counts.csv").unlink(), "data-sources",
          "mobility.bicycle_counts", "Lieferung"),
    Plant("closed data for everybody", lambda city: (city / "data/population/residents.parquet").chmod(0o644),
          "closed-files", "data/population/residents.parquet", "Leserecht",
          "chmod o-rwx data/population/residents.parquet"),
    Plant("report without notebook", change(f"reports/{REPORT}.yaml", "analyses/who-lives-where.ipynb",
          "analyses/gone.ipynb"), "reports", f"reports/{REPORT}.yaml", ".ipynb"),
    Plant("notebook without manifest", no_manifest, "notebooks", PREPARE, command="stadtbuch check"),
    Plant("closed output stored", output_in(PREPARE), "stored-outputs", PREPARE, "Ausgaben",
          "jupyter nbconvert --clear-output"),
    Plant("open output stored", output_in("notebooks/analyses/how-does-the-city-cycle.ipynb"), "stored-outputs",
          "how-does-the-city-cycle", "Ausgaben", level=Level.hint),
    Plant("approval of no report", change("reports/approvals.yaml", f"report: {REPORT}", "report: gone"), "approvals",
          "reports/approvals.yaml", "Nehmen Sie den Eintrag heraus", level=Level.hint),
    Plant("text in one language", text("imprint.de.md", b"# Impressum"), "texts", "site/imprint.en.md", "Schreiben"),
    Plant("text not UTF-8", text("imprint.de.md", "für".encode("cp1252")), "texts", "site/imprint.de.md", "UTF-8",
          beside=("texts",)),
    Plant("placeholder left", change("stadtbuch.toml", "[city]", "[city]  # TODO"), "placeholders", "stadtbuch.toml",
          "TODO", level=Level.hint),
    Plant("state in sight of git", repository, "git", "var", ".gitignore", ".gitignore"),
    Plant("no roles", lambda city: (city / "roles.yaml").unlink(), "roles", "roles.yaml", "analyst"),
    Plant("roles are no mapping", change("roles.yaml", '"*": [', '"*": analyst # ['), "roles", "roles.yaml"),
    Plant("everybody may release", change("stadtbuch.toml", "synthetic = true", "synthetic = false"),
          "roles-everybody", "roles.yaml", "einzelne Kennungen"),
    Plant("author that nobody is", change(f"reports/{REPORT}.yaml", "author: analyst", "author: statistician"),
          "roles-unknown", REPORT, "roles.yaml"),
    Plant("grant ended", entry(*GRANTS, 0, "until", to=date(2026, 1, 1)), "grants", REGISTER, "until"),
    Plant("grant ends soon", entry(*GRANTS, 0, "until", to=date(2026, 2, 1)), "grants", REGISTER, "until",
          level=Level.hint),
    Plant("reason not reviewed", overdue, "reviews", REGISTER, "review"),
    Plant("reason to be reviewed soon", lambda city: overdue(city, review="2026-03-01"), "reviews", REGISTER, "review",
          level=Level.hint),
    Plant("state for everybody", lambda city: (city / "var").chmod(0o755), "state-permissions", "var", "Rechte",
          "chmod go-rwx var"),
    Plant("key for everybody", lambda city: (city / "var/keys/values.key").chmod(0o644), "state-permissions",
          "var/keys/values.key", "Rechte", "chmod go-rwx var/keys/values.key"),
    Plant("state of a newer version", lambda city: (city / "var/VERSION").write_text("99\n"), "state", "var/VERSION",
          "neuere"),
    Plant("state of an older version", lambda city: (city / "var/VERSION").write_text("1\n"), "state", "var/VERSION",
          "um", "stadtbuch upgrade"),
    Plant("private key of the book gone", lambda city: (city / "var/keys/book-1.key").unlink(), "signing-key", "book",
          "Ablage", "stadtbuch book key rotate --lost"),
    Plant("backup from before an upgrade", lambda city: (city / ".var.before-upgrade").mkdir(), "backup",
          ".var.before-upgrade", "Löschen", "rm -r .var.before-upgrade", level=Level.hint),
    Plant("times of retention over", lambda city: (city / "var/log/stadtbuch.log.1").write_text("old\n"), "retention",
          "state", "auf", "stadtbuch tidy", level=Level.hint),
    Plant("state without version", lambda city: (city / "var/VERSION").unlink(), "state", "var/VERSION", "Sicherung"),
    Plant("read-only pages", lambda city: (city / "public").chmod(0o555), "writable", "public", "Schreib",
          "chmod u+rwx public"),
    Plant("test key", key("pseudonyms", b"test-key-" * 3 + b"12345"), "keys", "pseudonyms", "Legen Sie die Datei weg"),
    Plant("half a key", key("pseudonyms", b"\x01\x93"), "keys", "pseudonyms", "Sicherung"),
    Plant("one key twice", copied_key, "keys", "pseudonyms", "Legen Sie die Datei weg"),
    Plant("book changed", in_book("UPDATE entries SET role = 'operator' WHERE number = 2"), "book", "book",
          "Sicherung", "stadtbuch book verify"),
    Plant("book is no book", lambda city: (city / "var/book.sqlite").write_bytes(b"no book at all" * 99), "book",
          "book", "Sicherung", "stadtbuch book verify"),
    Plant("older book restored", in_book("DELETE FROM entries WHERE number > 2"), "book-checkpoint", "book",
          "Sicherung", "stadtbuch book verify"),
    Plant("clock behind", lambda city: None, "clock", "book", "Uhr", now=datetime(2026, 1, 10, tzinfo=UTC)),
    Plant("edition damaged", lambda city: min((edition(city) / "data").iterdir()).unlink(), "archive", OPEN,
          "Sicherung", "stadtbuch build"),
    Plant("edition waits", waits, "waiting", REPORT, "head-of-statistics", f"stadtbuch report approve {REPORT}",
          level=Level.hint),
    Plant("publication cut short", lambda city: edition(city).with_name(".2026-01-16.new").mkdir(), "interrupted",
          ".2026-01-16.new", "nächste Bau", "stadtbuch build", level=Level.hint),
    Plant("foreign public folder", lambda city: (city / "public/site.json").unlink(), "pages", "public", "public"),
    Plant("published page gone", lambda city: min((city / "public/reports" / OPEN).glob("2026-*/index.html"))
          .unlink(), "pages", f"public/reports/{OPEN}", "neu", "stadtbuch build"),
    Plant("link in public", lambda city: (city / "public/x").symlink_to(city / "var"), "pages", "public/x",
          "Entfernen", "rm public/x"),
    Plant("contact of an example", change("stadtbuch.toml", "lindenstadt.internal", "lindenstadt.example"), "contact",
          "stadtbuch.toml", "Funktionspostfach", public=True),
    Plant("no imprint", lambda city: (city / "site/imprint.de.md").unlink(), "imprint", "site/imprint.de.md",
          "Text Ihrer Stadt", public=True, beside=("texts",)),
    Plant("unfinished privacy notice", text("privacy.en.md", b"## Responsible\n\nTODO"), "privacy-notice",
          "site/privacy.en.md", "TODO", public=True, beside=("placeholders",)),
    Plant("address of an example", text("accessibility.de.md", b"Schreiben Sie an daten@stadt.example."),
          "accessibility", "site/accessibility.de.md", "Adresse", public=True),
    Plant("key of no city", change("stadtbuch.toml", '"990010000000"', '"000000000000"'), "official-key",
          "stadtbuch.toml", "Regionalschlüssel", public=True),
    Plant("everybody in public", lambda city: (city / "roles.yaml").write_text('"*": [analyst]\nm.muster: '
          "[analyst, operator, head-of-statistics]\n"), "roles-everybody", "roles.yaml", "einzelne Kennungen",
          public=True),
    Plant("placeholder in public", change("stadtbuch.toml", "[city]", "[city]  # TODO"), "placeholders",
          "stadtbuch.toml", "TODO", public=True),
)  # fmt: skip


@pytest.fixture(scope="module")
def healthy(lindenstadt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the built city without its finished runs, which no check opens."""
    city = tmp_path_factory.mktemp("healthy") / "city"
    shutil.copytree(lindenstadt.root, city, ignore=shutil.ignore_patterns("runs", "truth"))
    return city


@pytest.fixture(scope="module")
def opened(healthy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy that may go public: its own texts, a mailbox, people with names."""
    city = tmp_path_factory.mktemp("opened") / "city"
    shutil.copytree(healthy, city)
    toml = (city / "stadtbuch.toml").read_text(encoding="utf-8")
    (city / "stadtbuch.toml").write_text(
        toml.replace("lindenstadt.example", "lindenstadt.internal"), encoding="utf-8"
    )
    (city / "site").mkdir(exist_ok=True)
    for name in WORDS:
        for language in ("de", "en"):
            (city / "site" / f"{name}.{language}.md").write_text("## Stadt\n\nAltmarkt 1\n", encoding="utf-8")
    named_people(city)
    session = City.open(settings.read(city), now=NOW)
    session.seal.rotate(actor=session.actor, now=NOW)
    return city


def seen(city: Path, *, public: bool = False, now: datetime = NOW) -> Report:
    """Examine a city."""
    return examine(Scene(root=city, now=now, public=public))


@pytest.fixture(scope="module")
def well(healthy: Path, opened: Path) -> dict[bool, Report]:
    """Give what is seen of both cities before anything is planted."""
    return {False: seen(healthy), True: seen(opened, public=True)}


def serious(report: Report) -> list[Seen]:
    """Give the problems."""
    return [one for one in report.seen if one.note.level is Level.problem]


def test_a_healthy_city_has_no_problem(healthy: Path) -> None:
    """Nothing is called wrong where nothing is."""
    report = seen(healthy)
    assert [(one.check, one.note.subject, one.note.text.en) for one in serious(report)] == []
    assert report.ok
    assert report.skipped == ()


def test_a_city_that_is_ready_may_go_public(opened: Path) -> None:
    """The stricter examination can be passed."""
    report = seen(opened, public=True)
    assert [(one.check, one.note.subject, one.note.text.en) for one in serious(report)] == []


def test_the_made_up_city_may_not_go_public_as_it_is(healthy: Path) -> None:
    """It has no imprint, nobody's mailbox, roles for everybody, and signs with a key for tests."""
    report = seen(healthy, public=True)
    assert {
        "contact",
        "imprint",
        "privacy-notice",
        "accessibility",
        "roles-everybody",
        "signing-key-test",
    } <= {one.check for one in serious(report)}


@pytest.mark.parametrize("plant", PLANTS, ids=lambda one: one.id)
def test_a_planted_misconfiguration_is_found(
    healthy: Path, opened: Path, well: dict[bool, Report], tmp_path: Path, plant: Plant
) -> None:
    """The right check sees it, names it and its remedy; the healthy city has no such finding."""
    city = tmp_path / "city"
    shutil.copytree(opened if plant.public else healthy, city)
    plant.make(city)
    report = seen(city, public=plant.public, now=plant.now)
    before = {(one.check, one.note.subject, one.note.text) for one in well[plant.public].seen}
    new = [one for one in report.seen if (one.check, one.note.subject, one.note.text) not in before]
    mine = [one.note for one in new if one.check == plant.check and one.note.level is plant.level]
    mine = [note for note in mine if plant.subject in note.subject]
    assert mine, [(one.check, str(one.note.level), one.note.subject) for one in new]
    assert any(note.remedy and plant.remedy in note.remedy.de for note in mine)
    assert any(plant.command in note.command for note in mine)
    allowed = {plant.check, *plant.beside} if plant.level is Level.problem else set()
    assert {one.check for one in serious(report)} - allowed == set()


def test_a_broken_city_still_gets_its_diagnosis(lindenstadt, healthy: Path, tmp_path: Path) -> None:
    """Nothing can be read, and the command still ends with findings and code 3, in both languages."""
    city = tmp_path / "city"
    shutil.copytree(healthy, city)
    (city / "stadtbuch.toml").write_bytes(b"\xff\xfe broken")
    for language in ("de", "en"):
        called = type(lindenstadt)(city, lindenstadt.demo).call("doctor", "--json", language=language)
        document = json.loads(called.out)
        assert (called.code, called.err) == (3, b"")
        assert document["ok"] is False
        assert "catalogue" in document["skipped"]


def test_the_doctor_changes_nothing(healthy: Path) -> None:
    """Not one file, right or time stamp is another one afterwards."""
    before = _everything(healthy)
    seen(healthy, public=True)
    assert _everything(healthy) == before


def _everything(city: Path) -> dict[str, tuple[int, int, int]]:
    """Give rights, size and time of every file; SQLite lays its two helpers beside the book for a moment."""
    found = {path: path.lstat() for path in city.rglob("*") if not path.name.endswith(("-wal", "-shm"))}
    return {
        str(path): (one.st_mode, one.st_size, 0 if path.name == "var" else one.st_mtime_ns)
        for path, one in found.items()
    }


def test_no_data_key_or_login_is_told(opened: Path, tmp_path: Path) -> None:
    """What the doctor says can be sent to anybody: no value of the register, no key, no login."""
    city = tmp_path / "city"
    shutil.copytree(opened, city)
    output_in(PREPARE)(city)
    key("pseudonyms", b"test-key-" * 3 + b"12345")(city)
    report = seen(city, public=True)
    told = json.dumps([one.as_dict("de") for one in report.seen] + [one.as_dict("en") for one in report.seen])
    assert "pseudonyms" in told
    for secret in ("4711", "m.muster", "test-key", *_keys(city)):
        assert secret not in told


def _keys(city: Path) -> list[str]:
    return [path.read_bytes().hex()[:16] for path in (city / "var" / "keys").glob("*.key")]
