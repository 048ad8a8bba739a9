"""The allow-list: addresses, readers and options that may stand in a catalogue, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stadtbuch.catalog import allowed, reading
from stadtbuch.model.dataset import Source
from stadtbuch.settings import Settings


@pytest.mark.parametrize(
    "url",
    [
        "{DATA}/a.csv",
        "{DATA}/sub folder/a b.parquet",
        "{CITY}/data/x.geojson",
        "data/größe.csv",
        "{DATA}/a..b.csv",
    ],
)
def test_files_of_the_city_may_be_named(url: str) -> None:
    """Folders of the settings and paths below the city's root."""
    assert allowed.address_mistake(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "", " ", "/etc/passwd", "~/x.csv", "../x.csv", "{DATA}/../x.csv", "{DATA}/a/../../x", "{CITY}/..",
        r"{DATA}\..\x", r"C:\x.csv", "C:/x.csv", "file:///etc/passwd", "http://h.example/x.csv",
        "https://h.example/x.csv", "s3://bucket/x", "memory://x", "simplecache::file://x", "zip://a.csv::b.zip",
        "{env(HOME)}/x", "{DATA}/{env(HOME)}", "{data(other)}", "{import(os:system)}", "{func(os:system)}",
        "{pickle64(x)}", "{DATA}{DATA}/x", "x{DATA}", "{DATA}", "{data}/x", "{DATA}/*.csv", "{DATA}/a?.csv",
        "{DATA}/a[0].csv", "{DATA}/a\nb", "{DATA}/a\x00b", "{DATA}/x.zip!a.csv", "/vsicurl/http://h.example/x",
        "vsicurl:x", "{DATA}/a|b", "{DATA}/a#b", "{CATALOG_DIR}/x",
    ],
)  # fmt: skip
def test_everything_else_is_refused(url: str) -> None:
    """Absolute paths, ways upward, schemes, hosts, templates, patterns."""
    assert allowed.address_mistake(url) is not None


def test_folders_come_from_the_settings(
    a_city: Callable[..., Settings], an_entry: Callable[..., Any]
) -> None:
    """A data folder outside the city is allowed, because the settings say so and not the catalogue."""
    settings = a_city({"a": an_entry("open")}, data="../elsewhere")
    data = allowed.locate(Source(reader="csv", url="{DATA}/a.csv"), settings)
    assert data.resolve() == settings.root.parent / "elsewhere" / "a.csv"
    assert allowed.locate(Source(reader="csv", url="{CITY}/a.csv"), settings) == settings.root / "a.csv"
    assert allowed.locate(Source(reader="csv", url="sub/a.csv"), settings) == settings.root / "sub" / "a.csv"


def test_address_is_checked_again_before_it_is_opened(a_city: Callable[..., Settings], an_entry: Any) -> None:
    """A dataset that did not come through the catalogue is no way around."""
    with pytest.raises(ValueError, match=r"\.\."):
        allowed.locate(Source(reader="csv", url="{DATA}/../x"), a_city({"a": an_entry("open")}))


@pytest.mark.parametrize(
    ("reader", "option", "value", "fits"),
    [
        ("csv", "sep", ";", True),
        ("csv", "sep", "\n", False),
        ("csv", "sep", 1, False),
        ("csv", "encoding", "cp1252", True),
        ("csv", "encoding", "rot13", False),
        ("csv", "encoding", ["utf-8"], False),
        ("csv", "skip_rows", 3, True),
        ("csv", "skip_rows", True, False),
        ("csv", "skip_rows", -1, False),
        ("csv", "header", False, True),
        ("csv", "header", 0, False),
        ("geojson", "crs", "EPSG:25832", True),
        ("geojson", "crs", "+proj=longlat", False),
        ("geopackage", "layer", "Bäume 2024", True),
        ("geopackage", "layer", "x; DROP TABLE y", False),
    ],
)
def test_options_have_a_test_of_their_value(reader: str, option: str, value: object, fits: bool) -> None:
    """An option takes values of its kind only."""
    assert allowed.READERS[reader].options[option].fits(value) is fits


def test_every_reader_on_the_list_can_be_compiled() -> None:
    """The list and the module that knows Intake name the same readers."""
    assert set(allowed.READERS) == set(reading._COMPILERS)
