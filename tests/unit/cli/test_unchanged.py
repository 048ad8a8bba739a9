"""The quick answer: it says exactly what the long way says, and any change at all leads to the long way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from builders.city import a_city, a_manifest, write_data
from builders.reports import HEADLINE, ROLES, START, write_notebook, write_report

from stadtbuch import outside, settings, stamps
from stadtbuch.cli import main, start, unchanged

QUICK = "from stadtbuch.cli.start import main; import sys; code = main(sys.argv[1:]); "
TELL = "print(code, sorted(name for name in sys.modules if name.partition('.')[0] in HEAVY), file=sys.stderr)"
HEAVY = ("typer", "pydantic", "rich", "yaml", "pandas", "numpy", "nbformat", "jinja2", "click", "dataclasses")


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a city with two reports by the command itself: one kernel, since both do the same."""
    root = tmp_path_factory.mktemp("unchanged") / "city"
    a_city(root, roles=ROLES)
    for name in ("area", "other"):
        write_notebook(root, name, "import beside", START, HEADLINE, manifest=a_manifest())
        write_report(root, name)
    for name, text in {"notebooks/beside.py": "x = 1\n", "site/tokens.css": ":root {}\n"}.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    assert main.main(["build", "--city", str(root)]) == 0
    return root


@pytest.fixture
def root(made_once: Path, tmp_path: Path) -> Path:
    """Give a copy whose record was made anew: the numbers of its files are others."""
    copy = tmp_path / "city"
    shutil.copytree(made_once, copy)
    file = copy / "var/cache" / unchanged.FILE
    record = json.loads(file.read_text(encoding="utf-8").replace(str(made_once), str(copy)))
    for one in record["looks"]:
        seen = stamps.look(unchanged._scope(one), at=stamps.clock(copy))
        one["seen"] = {"digest": seen.digest, "young": seen.young}
    file.write_text(json.dumps(record), encoding="utf-8")
    return copy


def quick(root: Path, *more: str, now: float | None = None, language: str = "de") -> str | None:
    """Ask for the quick answer only."""
    return unchanged.answer(
        ["--city", str(root), *more], language=language, now=time.time() if now is None else now, here=root
    )


def test_it_says_what_the_long_way_says(root, capsys):
    """As one document and for people, to the last letter."""
    forms = ([], ["--json", "--jobs", "2"], ["area", "--json"])
    told = [quick(root, *form) for form in forms]
    capsys.readouterr()
    for form, expected in zip(forms, told, strict=True):
        assert main.main(["build", "--city", str(root), *form]) == 0
        assert capsys.readouterr().out == expected


def test_it_imports_next_to_nothing(root):
    """A process of its own that ends before anything heavy is imported; the code is 0."""
    ended = subprocess.run(
        [sys.executable, "-c", f"HEAVY = {HEAVY!r}\n{QUICK}{TELL}", "build", "--city", str(root)],
        env={**os.environ, "PYTHONPATH": str(Path(main.__file__).parents[2])},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ended.stderr == "0 []\n"
    assert ended.stdout.endswith("0 Notebooks ausgeführt.\n")


def test_only_what_it_understands_is_answered(root):
    """Any other option may mean something."""
    others = (
        "--dry-run",
        "--now=2026-01-15",
        "--as=analyst",
        "--help",
        "--rehash",
        "--jobs=0",
        "--jobs",
        "--city=",
    )
    assert [one for one in others if quick(root, one) is not None] == []
    assert quick(root, "nowhere") is None
    assert quick(root, language="en") is None
    assert start._quick(["report", "list"]) is None


def test_another_day_goes_the_long_way(root):
    """Grants, reviews and seasons change with the date."""
    assert quick(root) is not None
    assert quick(root, now=time.time() + 86_400) is None
    assert quick(root, now=time.time() - 86_400) is None


def test_a_build_of_another_day_leaves_no_record(root):
    """What ``--now`` told is no promise about today."""
    assert main.main(["build", "--city", str(root), "--now", "2026-01-15"]) in (0, 1)
    assert quick(root) is None


def _write(name: str, text: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    return change


def _append(name: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        with (root / name).open("ab") as file:
            file.write(b" ")

    return change


def _flip(pattern: str) -> Callable[[Path], None]:
    """Change one byte of one file, and set its time back."""

    def change(root: Path) -> None:
        path = sorted(root.glob(pattern))[0]
        before = path.stat()
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    return change


def _remove(pattern: str) -> Callable[[Path], None]:
    return lambda root: sorted(root.glob(pattern))[0].unlink()


CHANGES: dict[str, Callable[[Path], object]] = {
    "settings": _append("stadtbuch.toml"),
    "roles": _append("roles.yaml"),
    "a catalogue": _append("catalogs/geography.yaml"),
    "a catalogue more": _write("catalogs/new.yaml", "x"),
    "a report": _append("reports/area.yaml"),
    "a report more": _write("reports/new.yaml", "x"),
    "approvals": _write("reports/approvals.yaml", "approvals: []"),
    "a notebook": _append("notebooks/area.ipynb"),
    "a module": _append("notebooks/beside.py"),
    "the lock": _write("requirements/runtime.lock", "x==1"),
    "style": _append("site/tokens.css"),
    "words": _write("site/imprint.de.md", "x"),
    "one byte of the data": _flip("data/boroughs.csv"),
    "closed data that no report reads": lambda root: write_data(root, seventh=65),
    "data that are gone": _remove("data/boroughs.csv"),
    "the archive": _flip("var/editions/area/_/*/results.json"),
    "a withdrawn edition": lambda root: (
        next(root.glob("var/editions/area/_/2*")) / "status.json"
    ).write_text("{}"),
    "a run": _flip("var/runs/*/notebook.ipynb"),
    "a run that is gone": _remove("var/runs/*/result.json"),
    "the book": _flip("var/book.sqlite"),
    "a key": _flip("var/keys/*.key"),
    "the layout": _append("var/VERSION"),
    "something new in the state": _write("var/journal/x.json", "{}"),
    "a page": _flip("public/reports/area/index.html"),
    "a page that is gone": _remove("public/index.html"),
    "a file that does not belong there": _write("public/stray.txt", "x"),
    "the record itself": _append("var/cache/unchanged.json"),
    "no record": lambda root: shutil.rmtree(root / "var/cache"),
}


@pytest.mark.parametrize("name", [name for name in CHANGES if name != "the record itself"])
def test_any_change_leads_to_the_long_way(root, name):
    """Each file that a build looks at, by itself; also those of which nothing would come."""
    assert quick(root) is not None
    CHANGES[name](root)
    assert quick(root) is None


def test_a_change_of_the_library_leads_to_the_long_way(root, monkeypatch, tmp_path):
    """The files of the package are looked at like everything else."""
    record = json.loads((root / "var/cache/unchanged.json").read_bytes())
    folders = record["looks"][0]["scope"]["folders"]
    assert str(Path(unchanged.__file__).parents[1]) in folders
    monkeypatch.setattr(unchanged, "about", lambda: ["another Python"])
    assert quick(root) is None


def test_a_damaged_record_is_no_answer(root):
    """And no traceback either."""
    for data in (b"", b"{", b"[]", b"{}", b'{"about": 1}'):
        (root / "var/cache/unchanged.json").write_bytes(data)
        assert quick(root) is None


def test_whoever_saves_while_a_build_runs_gets_no_record(root, monkeypatch):
    """The build may have read the old content; the stamp would vouch for the new one."""
    from stadtbuch.cli import build as building

    def saving(city):
        _append("notebooks/area.ipynb")(root)
        return 0, True

    monkeypatch.setattr(building, "render_site", saving)
    assert main.main(["build", "--city", str(root)]) == 0
    assert quick(root) is None


def test_the_record_goes_before_a_build_begins(root, monkeypatch):
    """Whatever a killed build leaves behind, no old record vouches for it."""
    from stadtbuch.reports import build as reports

    def killed(*rest, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(reports, "build", killed)
    main.main(["build", "--city", str(root)])
    assert quick(root) is None


def test_a_decision_in_the_middle_leaves_no_record(root, monkeypatch):
    """An edition that was withdrawn while the pages were written is not called unchanged."""
    from stadtbuch.cli import build as building

    def withdrawing(city):
        folder = next((root / "var/editions/area/_").glob("2*"))
        (folder / "status.json").write_text("{}", encoding="utf-8")
        return 0, True

    monkeypatch.setattr(building, "render_site", withdrawing)
    main.main(["build", "--city", str(root)])
    assert not (root / "var/cache/unchanged.json").exists()


def test_what_has_something_else_to_tell_leaves_no_record():
    """A failure, a refusal, a notice, damaged pages: the next build has to look again."""
    run = {
        "report": "area", "cell": "", "status": "ran", "publication": "published", "reason": [], "notices": [],
        "seconds": 1.5, "edition": "area@2026-01-15", "findings": [],
    }  # fmt: skip
    counts = {"executed": 1, "runs": 1, "ran": 1, "unchanged": 0, "published": 1, "withheld": 0}
    told = unchanged.unchanged({"runs": [run], "counts": counts})
    assert told["runs"][0] == {**run, "status": "unchanged", "publication": "unchanged", "seconds": 0}
    assert told["counts"] == dict.fromkeys(counts, 0) | {"runs": 1, "unchanged": 1}
    others = [
        {"status": "failed"},
        {"status": "refused"},
        {"notices": ["x"]},
        {"error": {}},
        {"publication": "none"},
    ]
    for change in (*others[:3], {"error": {"code": "x"}}, others[4]):
        assert unchanged.unchanged({"runs": [{**run, **change}], "counts": counts}) is None
    assert unchanged.unchanged({"runs": [run], "counts": counts, "site": {}}) is None


def test_the_language_of_the_process_is_the_same_everywhere():
    """The quick way and the long way ask the same module."""
    assert settings.environment() == outside.environment()
    assert datetime.fromtimestamp(stamps.clock(Path("/tmp")) / 1e9, UTC) is not None
