"""environment.yml, pyproject.toml and the lock files describe one environment."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# Where conda-forge's name differs from the one in pyproject.toml.
CONDA = {"jupyter-client": "jupyter_client", "jupyter-server": "jupyter_server", "tzdata": "python-tzdata"}
LOCKS = ["runtime", "test", "lab", "docs", "cluster", "budget", "build", "crates", "uv"]
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)( ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, list[Requirement]]:
    """Give the declared dependencies: runtime, the extras, test."""
    content = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    declared = {
        "runtime": content["project"]["dependencies"],
        **content["project"]["optional-dependencies"],
        "test": content["dependency-groups"]["test"],
    }
    return {name: [Requirement(one) for one in some] for name, some in declared.items()}


def _pins(root: Path, name: str) -> dict[str, str]:
    """Give package and version of every pin of a lock file."""
    lines = (root / "requirements" / f"{name}.lock").read_text(encoding="utf-8").splitlines()
    return {match[1]: match[2] for line in lines if (match := PINNED.match(line))}


def test_conda_and_pip_users_get_the_same(root: Path, project: dict[str, list[Requirement]]) -> None:
    """environment.yml lists exactly the runtime dependencies, with the same lower bounds."""
    listed = set(yaml.safe_load((root / "environment.yml").read_text(encoding="utf-8"))["dependencies"])
    declared = {f"{CONDA.get(one.name, one.name)}{one.specifier}" for one in project["runtime"]}
    assert listed == declared | {"python>=3.11", "pip"}


def test_environment_says_that_no_solve_was_run(root: Path) -> None:
    """Nobody believes a file tested that was only written."""
    assert "no conda solve was run" in (root / "environment.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["runtime", "lab", "docs", "cluster", "budget", "test"])
def test_lock_holds_what_is_declared(root: Path, project: dict[str, list[Requirement]], name: str) -> None:
    """Each declared dependency is pinned, at a version that its bound allows."""
    pins = _pins(root, "runtime") | _pins(root, name)
    wrong = [
        str(one)
        for one in project[name]
        if not one.specifier.contains(pins.get(canonicalize_name(one.name), "0"), prereleases=True)
    ]
    assert wrong == []


def test_locks_do_not_contradict_each_other(root: Path) -> None:
    """What two locks both pin, because a marker may leave it out of one, they pin at the same version."""
    runtime = _pins(root, "runtime")
    for name in ("test", "lab", "docs", "cluster", "budget"):
        added = _pins(root, name)
        assert added
        assert {one: version for one, version in added.items() if runtime.get(one, version) != version} == {}


def test_tests_have_what_the_extras_need(root: Path) -> None:
    """The tests open the real lab, render the documentation and start real workers: their lock holds all extras."""
    extras = [_pins(root, name).items() for name in ("lab", "docs", "cluster", "budget")]
    assert set().union(*extras) <= _pins(root, "test").items()


@pytest.mark.parametrize("name", LOCKS)
def test_lock_holds_names_versions_and_hashes_only(root: Path, name: str) -> None:
    """No address, no path, no comment, and at least one hash for every pin."""
    text = (root / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    lines = text.splitlines()
    assert [line for line in lines if not (PINNED.match(line) or HASH.match(line))] == []
    assert all(
        HASH.match(after) for line, after in zip(lines, [*lines[1:], ""], strict=True) if PINNED.match(line)
    )


def test_every_lock_is_known(root: Path) -> None:
    """A new lock file joins the list above."""
    assert {path.stem for path in (root / "requirements").glob("*.lock")} == set(LOCKS)
