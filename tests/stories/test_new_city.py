"""
A second city: the wheel in an environment of its own, a new folder, one command, a first page.

The wheel is built from a copy of the sources and installed by pip into a new virtual environment that cannot see
this checkout. Two things are lent to it, to spare the test the downloads: the libraries that the tests run with (a
``.pth`` file with their folder, which does not bring the checkout along: ``.pth`` files in it are not followed), and
their Jupyter data (kernel specs). Everything of Stadtbuch itself, code, templates, skeleton and commands, comes out
of the wheel.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PARTS = ("pyproject.toml", "README.md", "LICENSE", "lib")
NOW = ("--now", "2026-01-15T08:00")


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel in it, and an empty place to work in."""

    folder: Path
    wheel: Path
    work: Path

    def call(
        self, program: str, *arguments: str, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Call one of its programs as somebody does who has never heard of the checkout."""
        told = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "STADTBUCH"))
        }
        path = f"{self.folder / 'bin'}{os.pathsep}{told['PATH']}"
        lent = str(Path(sysconfig.get_path("data")) / "share" / "jupyter")
        return subprocess.run(
            [str(self.folder / "bin" / program), *arguments],
            cwd=cwd or self.work,
            env={**told, "PATH": path, "JUPYTER_PATH": lent, "STADTBUCH_LANGUAGE": "de"},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def installed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Build the wheel, and install it into a new environment."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling (requirements/build.lock) is not installed, so no wheel can be built")
    place = tmp_path_factory.mktemp("wheel")
    wheel = _built(root, place)
    environment = place / "environment"
    _run(sys.executable, "-m", "venv", str(environment))
    _run(str(environment / "bin" / "pip"), "install", "--no-index", "--no-deps", "--no-compile", str(wheel))
    site = next((environment / "lib").glob("python3*/site-packages"))
    (site / "lent.pth").write_text("\n".join({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}))
    (place / "work").mkdir()
    return Installed(environment, wheel, place / "work")


def _built(root: Path, place: Path) -> Path:
    """Build the wheel from a copy: nothing is written into the checkout."""
    source = place / "source"
    source.mkdir()
    for name in PARTS:
        path = root / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source)
    _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place), cwd=source)
    shutil.rmtree(source)
    (wheel,) = place.glob("*.whl")
    return wheel


def _run(*command: str, cwd: Path | None = None) -> None:
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def city(installed: Installed) -> Path:
    """Found a city and build it, with the two commands that its founder types."""
    founded = installed.call("stadtbuch", "init", "city", "--name", "Neustadt am Test", *NOW)
    assert (founded.returncode, founded.stderr) == (0, "")
    city = installed.work / "city"
    built = installed.call("stadtbuch", "build", "--json", *NOW, cwd=city)
    assert built.returncode == 0, built.stdout + built.stderr
    (run,) = json.loads(built.stdout)["runs"]
    assert (run["report"], run["status"], run["publication"]) == ("first-report", "ran", "published")
    return city


def test_the_wheel_holds_what_a_city_needs(root: Path, installed: Installed) -> None:
    """Every file of the library is in it, the skeleton with its hidden files too, and nothing else."""
    library = root / "lib"
    files = {
        path.relative_to(library).as_posix()
        for path in (library / "stadtbuch").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {name for name in zipfile.ZipFile(installed.wheel).namelist() if ".dist-info/" not in name}
    for_jupyter = {name for name in packed if ".data/" in name}
    assert {name.partition(".data/data/")[2] for name in for_jupyter} == {
        "etc/jupyter/jupyter_server_config.d/stadtbuch.json",
        "share/jupyter/kernels/stadtbuch/kernel.json",
    }
    assert packed - for_jupyter == files
    assert "stadtbuch/share/city/dot-gitignore" in packed


def test_the_code_that_runs_is_the_wheels(root: Path, installed: Installed) -> None:
    """Nothing of the checkout is in sight of the new environment."""
    asked = installed.call(
        "python", "-c", "import stadtbuch, sys; print(stadtbuch.__file__); print(*sys.path, sep='\\n')"
    )
    where, *path = asked.stdout.splitlines()
    assert Path(where).is_relative_to(installed.folder)
    assert not [one for one in path if one and Path(one) in (root, root / "lib")]


def test_two_commands_give_a_first_page(city: Path) -> None:
    """In German and English, with the city's name, a number, a picture and its data."""
    report = city / "public" / "reports" / "first-report"
    german, english = (
        (report / name).read_text(encoding="utf-8") for name in ("index.html", "index.en.html")
    )
    assert "Neustadt am Test" in german
    assert "Wie viele Bäume werden gepflanzt?" in german
    assert "1.830" in german
    assert "How many trees are planted?" in english
    assert "1,830" in english
    assert list(report.glob("2026-01-15/figures/*.svg"))
    assert list(report.glob("2026-01-15/data/*.csv"))
    assert "first-report" in (city / "public" / "index.html").read_text(encoding="utf-8")


def test_the_pages_say_that_the_data_are_made_up(city: Path) -> None:
    """A city that shows the example shows it as one."""
    page = (city / "public" / "index.html").read_text(encoding="utf-8")
    assert "Synthetische Daten" in page


def test_the_catalogue_is_clean(installed: Installed, city: Path) -> None:
    """The first thing that somebody changes starts from no mistakes."""
    checked = installed.call("stadtbuch", "catalog", "check", cwd=city)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_doctor_says_what_is_still_to_do(installed: Installed, city: Path) -> None:
    """The installation fits and all works; what the founder still has to write is refused before going public."""
    asked = installed.call("stadtbuch", "doctor", "--public", "--json", *NOW, cwd=city)
    seen = json.loads(asked.stdout)["seen"]
    severities = {one["check"]: one["severity"] for one in seen}
    assert asked.returncode == 3
    assert {one["check"] for one in seen if one["severity"] == "problem"} == {
        "placeholders",
        "contact",
        "official-key",
        "imprint",
        "privacy-notice",
        "accessibility",
        "signing-key-test",
    }
    assert (severities["libraries"], severities["book"], severities["archive"]) == ("ok", "ok", "ok")


def test_jupyter_knows_the_command(installed: Installed) -> None:
    """``jupyter stadtbuch`` does what ``stadtbuch`` does."""
    ended = installed.call("python", "-m", "jupyter", "stadtbuch", "--version")
    same = installed.call("stadtbuch", "--version")
    assert (ended.returncode, ended.stdout) == (0, same.stdout)
    assert same.stdout.strip() in installed.wheel.name
