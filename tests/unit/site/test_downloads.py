"""What the public gets of an open dataset: files, described, made again only when the data changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from builders.city import Made, a_city

from stadtbuch import atomic
from stadtbuch.catalog import index, reading
from stadtbuch.site import downloads


@pytest.fixture
def city(tmp_path: Path) -> Made:
    """Give a city with one open and one closed dataset."""
    return a_city(tmp_path)


def hand_out(city: Made, before: Path) -> downloads.Handout:
    """Hand out the open dataset."""
    dataset = index.load(city.settings).get("geography.boroughs")
    return downloads.hand_out(dataset, city.settings, before=before)


def test_handout_holds_files_and_a_package_that_describes_them(city: Made, tmp_path: Path) -> None:
    """CSV and Parquet with size and checksum, schema, licence, attribution, misuse note and version."""
    made = hand_out(city, tmp_path / "none")
    package = json.loads(made.files[downloads.PACKAGE])
    assert set(made.files) == {"boroughs.csv", "boroughs.parquet", "datapackage.json"}
    assert made.files["boroughs.csv"] == b"borough,area\n01,12.5\n02,7.25\n"
    assert [one["hash"] for one in package["resources"]] == [
        f"sha256:{atomic.digest(made.files[name])}" for name in ("boroughs.csv", "boroughs.parquet")
    ]
    assert [field["name"] for field in package["resources"][0]["schema"]["fields"]] == ["borough", "area"]
    assert package["version"] == made.version and package["licenses"][0]["path"].startswith("https://")
    assert package["misuse"].keys() == {"de", "en"}


def lay(made: downloads.Handout, folder: Path) -> Path:
    """Lay a handout into a folder, as the site does."""
    folder.mkdir()
    for name, data in made.files.items():
        (folder / name).write_bytes(data)
    return folder


def test_same_version_is_not_read_again(city: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of the same data are taken from the last build; the source is only hashed."""
    made = hand_out(city, tmp_path / "none")
    before = lay(made, tmp_path / "before")
    monkeypatch.setattr(reading, "read", None)
    again = hand_out(city, before)
    assert again == made
    assert list(again.files) == list(made.files)  # a page lists them in this order


@pytest.mark.parametrize("name", ["boroughs.csv", "datapackage.json"])
def test_damaged_file_of_the_last_build_is_made_again(city: Made, tmp_path: Path, name: str) -> None:
    """A file that somebody changed in the site is never taken over."""
    made = hand_out(city, tmp_path / "none")
    before = lay(made, tmp_path / "before")
    (before / name).write_bytes(b"{}")
    assert hand_out(city, before) == made


def test_missing_source_is_a_sentence_not_a_stop(city: Made, tmp_path: Path) -> None:
    """A dataset without its file gets words in place of a download."""
    dataset = index.load(city.settings).get("geography.boroughs")
    for path in (city.settings.folder("data")).rglob("boroughs.csv"):
        path.unlink()
    made = downloads.hand_out(dataset, city.settings, before=tmp_path / "none")
    assert (made.files, made.problem) == ({}, downloads.MISSING)


def test_a_bad_delivery_leaves_the_last_files_in_place(city: Made, tmp_path: Path) -> None:
    """While the source cannot be read, links to the files of before still work, and a sentence says so."""
    made = hand_out(city, tmp_path / "none")
    before = lay(made, tmp_path / "before")
    (city.settings.folder("data") / "boroughs.csv").unlink()
    kept = hand_out(city, before)
    assert (kept.version, kept.files, kept.problem) == (made.version, made.files, downloads.KEPT)


def test_files_that_the_catalogue_describes_differently_are_not_kept(city: Made, tmp_path: Path) -> None:
    """A column that was taken out of the schema does not stay public because a delivery failed."""
    before = lay(hand_out(city, tmp_path / "none"), tmp_path / "before")
    (city.settings.folder("data") / "boroughs.csv").unlink()
    file = city.root / "catalogs" / "geography.yaml"
    without_area = file.read_text(encoding="utf-8").partition("      - name: area")[0]
    file.write_text(without_area, encoding="utf-8")
    assert hand_out(city, before).files == {}


@pytest.mark.parametrize("content", [b"{}", b"[]", b"", b'{"version": "x"}'])
def test_without_whole_files_of_before_there_are_none(city: Made, tmp_path: Path, content: bytes) -> None:
    """A damaged description is no reason to hand out what lies beside it."""
    before = lay(hand_out(city, tmp_path / "none"), tmp_path / "before")
    (before / downloads.PACKAGE).write_bytes(content)
    (city.settings.folder("data") / "boroughs.csv").unlink()
    assert hand_out(city, before) == downloads.Handout(version="", files={}, problem=downloads.MISSING)


def test_closed_dataset_is_never_handed_out(city: Made, tmp_path: Path) -> None:
    """Even asked directly, nothing but open data becomes a file."""
    closed = next(one for one in index.load(city.settings).datasets.values() if not one.is_open)
    with pytest.raises(ValueError, match="not open"):
        downloads.hand_out(closed, city.settings, before=tmp_path / "none")
