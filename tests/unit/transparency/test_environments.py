"""A fresh environment: what a lock file may hold, and what is never handed to an installer."""

import pytest
from builders.packaged import PIN, an_edition

from stadtbuch.reports import library
from stadtbuch.transparency import environments, sources, unpacking
from stadtbuch.transparency.environments import Environments, Impossible

HASH = "    --hash=sha256:" + 64 * "0"


def lock(tmp_path, text, name="requirements.lock"):
    """Write a list of libraries."""
    path = tmp_path / name
    path.write_text(text)
    return path


def test_the_lock_of_this_city_is_one(root):
    """The real file passes, with its markers."""
    assert environments.locked(root / "requirements" / "runtime.lock")


@pytest.mark.parametrize(
    "text",
    [
        "--index-url https://evil.example/simple\n",
        "-r /etc/passwd\n",
        "pandas @ https://evil.example/pandas.whl\n",
        "git+https://evil.example/x\n",
        "pandas==3.1.0\n",
        "pandas==3.1.0 \\\n--extra-index-url https://evil.example\n",
        f"pandas==3.1.0 \\\n{HASH} --config-settings=x\n",
        "./local.whl\n",
        "${HOME}\n",
    ],
)
def test_options_addresses_and_bare_names_are_no_lock(tmp_path, text):
    """Only names, versions and hashes; an installer never sees the rest."""
    assert not environments.locked(lock(tmp_path, text))


def test_a_list_of_versions_is_one_by_its_name_only(tmp_path):
    """Without hashes it is less sure; the verdict says which of the two it was."""
    text = "pandas==3.1.0\nnumpy==2.4.0\n"
    assert environments.locked(lock(tmp_path, text, "installed.txt"))
    assert not environments.locked(lock(tmp_path, text + "-r x\n", "installed.txt"))
    assert not environments.locked(lock(tmp_path, text))


def test_a_foreign_lock_is_refused_before_anything_is_installed(tmp_path, monkeypatch):
    """No program is started for it."""
    monkeypatch.setattr("builders.packaged.PIN", PIN + "--index-url https://evil.example\n")
    opened = unpacking.unpack(sources.source(str(an_edition(tmp_path))), tmp_path / "into")
    started = []
    monkeypatch.setattr(environments, "_run", started.append)
    with pytest.raises(Impossible) as refused:
        Environments(tmp_path / "environments").python(opened)
    assert "does not belong there" in refused.value.why.en
    assert started == []


def test_only_wheels_with_hashes_are_installed_and_one_environment_serves_many(
    edition, tmp_path, monkeypatch
):
    """No package's setup runs; editions with the same lock and library share the environment."""
    started = []
    monkeypatch.setattr(environments, "_run", lambda command: started.append([str(one) for one in command]))
    opened = unpacking.unpack(sources.source(str(edition)), tmp_path / "into")
    fresh = Environments(tmp_path / "environments")
    assert fresh.python(opened) == fresh.python(opened)
    make, locked, own = started
    assert "venv" in make
    assert {"--require-hashes", "--only-binary", ":all:"} <= set(locked)
    assert own[-2:] == ["--no-deps", str(opened.folder / "package" / library.wheel().name)]


def test_another_library_that_is_missing_is_told(edition, tmp_path, monkeypatch):
    """The library that computed it is part of the edition; a neighbour's will not do."""
    opened = unpacking.unpack(sources.source(str(edition)), tmp_path / "into")
    monkeypatch.setattr(environments.key, "library", lambda: {"version": "9", "sha256": "9" * 64})
    with pytest.raises(Impossible) as refused:
        Environments(tmp_path / "environments").python(opened)
    assert library.wheel().name in refused.value.why.en


def test_an_index_that_lacks_something_is_told_and_not_raised(edition, tmp_path):
    """The edition's lock names a hash that no package has; the reason says at which step it ended."""
    opened = unpacking.unpack(sources.source(str(edition)), tmp_path / "into")
    with pytest.raises(Impossible) as refused:
        Environments(tmp_path / "environments").python(opened)
    assert "pip install" in refused.value.why.en
