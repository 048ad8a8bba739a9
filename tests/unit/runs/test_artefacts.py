"""Artefacts: sealed pieces by content, in any folder that fsspec can reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from stadtbuch.errors import Failed, UsageError
from stadtbuch.runs.artefacts import FOLDER, Artefacts

KEY, OTHER = bytes(range(64)), bytes(range(1, 65))


@pytest.mark.parametrize("content", [b"", b"x", b"KANARI" * 1000])
@pytest.mark.parametrize("kind", ["file", "memory"])
def test_what_is_put_comes_back(tmp_path: Path, kind: str, content: bytes) -> None:
    """Also nothing, on a disk and elsewhere; the limit counts the content and not its wrapping."""
    shelf = Artefacts(tmp_path.as_uri() if kind == "file" else "memory://test_artefacts", KEY)

    assert shelf.get(shelf.put(content), limit=len(content)) == content


def test_the_same_content_is_there_once(tmp_path: Path) -> None:
    """Equal inputs of many runs travel once; a unit that is repeated writes the same bytes."""
    shelf = Artefacts(tmp_path.as_uri(), KEY)

    assert shelf.put(b"same") == shelf.put(b"same")
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_whoever_reads_the_folder_reads_nothing(tmp_path: Path) -> None:
    """Neither contents nor their checksums lie there in the clear."""
    import hashlib

    content = b"KANARI-7731-Quendel"
    name = Artefacts(tmp_path.as_uri(), KEY).put(content)
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]

    assert content not in path.read_bytes()
    assert name != hashlib.sha256(content).hexdigest()
    with pytest.raises(Failed):
        Artefacts(tmp_path.as_uri(), OTHER).get(name, limit=100)


@pytest.mark.parametrize("damage", ["flipped", "cut", "longer", "gone"])
def test_a_changed_piece_is_an_error(tmp_path: Path, damage: str) -> None:
    """One flipped bit, a cut end, something added, nothing at all."""
    shelf = Artefacts(tmp_path.as_uri(), KEY)
    name = shelf.put(b"content")
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    data = path.read_bytes()
    path.unlink()
    changed = {"flipped": data[:-1] + bytes([data[-1] ^ 1]), "cut": data[:-1], "longer": data + b"x"}
    if damage in changed:
        path.write_bytes(changed[damage])

    with pytest.raises(Failed) as refused:
        shelf.get(name, limit=100)
    assert refused.value.code == "cluster.artefacts"


@pytest.mark.parametrize("name", ["../" * 10 + "etc/passwd", "", "A" * 64, "a" * 63])
def test_a_name_is_a_checksum_and_nothing_else(tmp_path: Path, name: str) -> None:
    """A worker names pieces: a name leads nowhere else."""
    with pytest.raises(Failed):
        Artefacts(tmp_path.as_uri(), KEY).get(name, limit=100)


def test_a_piece_that_is_longer_than_said_is_not_read(tmp_path: Path) -> None:
    """A worker that understates a size does not fill the coordinator's memory."""
    shelf = Artefacts(tmp_path.as_uri(), KEY)
    name = shelf.put(b"x" * 1000)

    with pytest.raises(Failed):
        shelf.get(name, limit=999)


def test_clearing_leaves_what_is_not_ours(tmp_path: Path) -> None:
    """Only the folder of our own name is emptied."""
    (tmp_path / "mine.txt").write_text("bleibt")
    shelf = Artefacts(tmp_path.as_uri(), KEY)
    shelf.put(b"content")
    shelf.clear()

    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert FOLDER not in str(list(tmp_path.rglob("*")))


def test_an_address_of_an_unknown_kind_says_what_to_install() -> None:
    """A kind that is misspelt, or whose package is missing, is told before anything is sent."""
    with pytest.raises(UsageError) as refused:
        Artefacts("s3x://bucket/x", KEY).put(b"content")
    assert refused.value.code == "cluster.artefacts-address"
    assert "s3fs" in refused.value.render("en")
