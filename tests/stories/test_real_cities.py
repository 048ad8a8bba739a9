"""A second city: files of Köln and Berlin as published, read right to the last number, and built."""

from __future__ import annotations

import csv
import json
import re
import shutil
import struct
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from stadtbuch import settings
from stadtbuch.catalog import index, reading
from stadtbuch.disclosure.tables import protect

pytestmark = pytest.mark.shared
NOW = "2026-01-15T08:00"
SAMPLE = {"02", "07", "10", "12"}  # boroughs whose fine age groups are protected; all twelve take ten seconds
REPORTS = {"how-large-are-the-districts", "how-old-are-the-boroughs", "what-does-the-city-plan-to-spend"}


@pytest.fixture(scope="module")
def city(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the city's folder that reads the published files where they are."""
    folder = tmp_path_factory.mktemp("two cities") / "city"
    shutil.copytree(Path(__file__).with_name("realcity"), folder)
    file = folder / "stadtbuch.toml"
    told = file.read_text(encoding="utf-8").replace(
        'data = "data"', f"data = {json.dumps(str(shared / 'data'))}"
    )
    file.write_text(told, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def read(city: Path) -> Any:
    """Give a function that reads a dataset by its id."""
    here = settings.read(city)
    catalog = index.load(here)
    return lambda name: reading.read(catalog.get(name), here)


@pytest.fixture(scope="module")
def budget(shared: Path) -> list[dict[str, str]]:
    """Give the budget's file as the csv module reads it."""
    return _rows(shared / "data" / "koeln" / "teilergebnisplan.csv")


@pytest.fixture(scope="module")
def matrix(shared: Path) -> list[dict[str, str]]:
    """Give the residents' file as the csv module reads it."""
    return _rows(shared / "data" / "berlin" / "EWR202012E_Matrix.csv")


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def _euros(written: str) -> int:
    """Read a German whole number the plain way."""
    return int(written.replace(".", ""))


def _dbase(path: Path) -> list[dict[str, str]]:
    """Read the attribute table of a shapefile without any library (dBase III)."""
    raw = path.read_bytes()
    count, start, width = struct.unpack("<IHH", raw[4:12])
    fields = [raw[at : at + 32] for at in range(32, start - 1, 32)]
    names = [(field[:11].split(b"\0")[0].decode("ascii"), field[16]) for field in fields]
    rows = []
    for number in range(count):
        record, at, row = raw[start + number * width : start + (number + 1) * width], 1, {}
        for name, size in names:
            row[name] = record[at : at + size].decode("latin-1").strip()
            at += size
        rows.append(row)
    return rows


# ---- reading ----------------------------------------------------------------------------------


def test_a_thousands_point_is_no_decimal_point(read: Any) -> None:
    """`203.726` is 203726."""
    row = read("finance.budget").iloc[1]
    assert (row["plan_part"], row["line"], row["result_2010"]) == (
        "0101",
        "02 - Zuwendungen und allg. Umlagen",
        203726,
    )


def test_every_amount_is_the_one_in_the_file(read: Any, budget: list[dict[str, str]]) -> None:
    """All 16,968 amounts are equal to those that the csv module and a plain replacement give."""
    columns = {"result_2010": "Ergebnis 2010"} | {
        f"plan_{year}": f"Plan {year}" for year in range(2011, 2016)
    }
    frame = read("finance.budget")
    for name, heading in columns.items():
        assert frame[name].tolist() == [_euros(row[heading]) for row in budget]
    assert frame["plan_2012"].isna().sum() == 0
    assert len(frame) * len(columns) == 16_968


def test_codes_keep_their_zeros(read: Any, matrix: list[dict[str, str]]) -> None:
    """`01011101` and `0101` are texts, not numbers."""
    areas = read("population.residents_by_area")
    assert areas["area"].iloc[0] == "01011101"
    assert areas["area"].tolist() == [row["RAUMID"] for row in matrix]
    assert set(areas["area"].str.len()) == {8}
    assert read("finance.budget")["product_area"].iloc[0] == "01"


def test_residents_equal_an_independent_sum(read: Any, matrix: list[dict[str, str]]) -> None:
    """The city has 3,769,962 residents, whichever way they are counted."""
    areas = read("population.residents_by_area")
    fine = [name for name in areas.columns if name.startswith("age_")]
    coarse = [name for name in areas.columns if name.startswith("group_")]
    counted = {areas[some].to_numpy().sum() for some in (["residents"], ["men", "women"], fine, coarse)}
    assert counted == {sum(int(row["E_E"]) for row in matrix)} == {3_769_962}
    assert (len(fine), len(coarse)) == (32, 9)


def test_umlauts_without_a_code_page_file(read: Any, shared: Path) -> None:
    """The shapefile says nowhere how it is encoded; the catalogue does."""
    districts = read("geography.districts")
    attributes = _dbase(shared / "data" / "koeln" / "stadtteil" / "Stadtteil.dbf")
    assert districts["district_name"].tolist() == [row["STT_NAME"] for row in attributes]
    assert "Höhenberg" in set(districts["district_name"])


def test_areas_equal_an_independent_sum(read: Any, shared: Path) -> None:
    """The 86 districts have the area that the file's own table says, and nearly that of the nine boroughs."""
    districts, boroughs = read("geography.districts"), read("geography.boroughs")
    attributes = _dbase(shared / "data" / "koeln" / "stadtteil" / "Stadtteil.dbf")
    assert districts["area_m2"].sum() == pytest.approx(
        sum(float(row["SHAPE_AREA"]) for row in attributes), abs=0.01
    )
    assert (len(districts), len(boroughs)) == (86, 9)
    assert boroughs["area_m2"].sum() == pytest.approx(districts["area_m2"].sum(), rel=1e-3)


def test_a_coordinate_system_without_a_code_is_understood(read: Any) -> None:
    """The districts, in a system of their own, cover the boroughs, in degrees."""
    districts, boroughs = read("geography.districts"), read("geography.boroughs")
    assert districts.crs.to_epsg() is None
    assert districts.to_crs(4326).total_bounds == pytest.approx(boroughs.total_bounds, abs=1e-4)


# ---- what our rules would do to data that are published already ------------------------------


def test_the_file_holds_181_small_cells(read: Any, matrix: list[dict[str, str]]) -> None:
    """Ours and an independent count agree."""
    areas = read("population.residents_by_area")
    counts = areas.loc[:, "residents":].astype("int64")
    independent = sum(
        1 <= int(value) <= 4 for row in matrix for name, value in row.items() if name.startswith("E_")
    )
    assert int((counts.ge(1) & counts.le(4)).to_numpy().sum()) == independent == 181


def test_protect_would_hide_each_of_them(read: Any) -> None:
    """With a minimum count of 5, exactly the 181 cells fall below it, and none is published (a sample)."""
    areas = read("population.residents_by_area")
    below = 0
    for start in ("age_", "group_"):
        bands = [name for name in areas.columns if name.startswith(start)]
        for name, borough in areas.groupby("borough"):
            counts = borough.set_index("area")[bands].rename_axis(columns="band").stack().astype("int64")
            small = counts[counts.between(1, 4)]
            below += len(small)
            if start == "group_" or name in SAMPLE:
                table = _protected(counts, bands)
                assert table.loc[small.index, "value"].isna().all()
                assert not table["value"].dropna().between(1, 4).any()
    assert below == 181


def _protected(counts: pd.Series, bands: list[str]) -> pd.DataFrame:
    table = protect(
        counts,
        rows="area",
        columns="band",
        min_count=5,
        node_limit=20_000,
        dataset="population.residents_by_area",
        name="small",
        unit="person",
        column_names=["area", "band"],
    )
    assert set(table.labels["band"]) == set(bands)
    return table.frame.set_index(["area", "band"])


# ---- building ---------------------------------------------------------------------------------


def _stadtbuch(city: Path, *arguments: str, code: int = 0) -> Any:
    """Run a command in the city, as anybody would, and give its JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "stadtbuch", *arguments, "--city", str(city), "--json"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == code, done.stdout[-2000:] + done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def built(city: Path) -> dict[str, Any]:
    """Build all reports once."""
    return _stadtbuch(city, "build", "--jobs", "2", "--now", NOW)


def _edition(city: Path, report: str) -> Path:
    return city / "var" / "editions" / report / "_" / NOW[:10]


def _results(city: Path, report: str) -> dict[str, Any]:
    written = json.loads((_edition(city, report) / "results.json").read_text(encoding="utf-8"))
    return {one["name"]: one["value"] for one in written if one["kind"] == "result"}


def test_the_catalogue_passes_its_check(city: Path) -> None:
    """The entries of the second city are held to the same rules."""
    assert _stadtbuch(city, "catalog", "check", "--write")["decision"] == "allow"
    assert _stadtbuch(city, "catalog", "check")["decision"] == "allow"
    listed = {one["id"]: one["class"] for one in _stadtbuch(city, "catalog", "list")}
    assert listed == dict.fromkeys(
        ["finance.budget", "geography.boroughs", "geography.districts", "population.residents_by_area"],
        "open",
    )


def test_every_report_is_published(built: dict[str, Any]) -> None:
    """All inputs are open, so nothing waits."""
    assert {one["report"]: one["publication"] for one in built["runs"]} == dict.fromkeys(REPORTS, "published")


def test_check_says_what_the_gate_says(city: Path, built: dict[str, Any]) -> None:
    """The same command works in the second city."""
    assert _stadtbuch(city, "check", "how-old-are-the-boroughs", "--now", NOW)["decision"] == "allow"


def test_nothing_runs_twice(city: Path, built: dict[str, Any]) -> None:
    """A second build finds that nothing changed."""
    again = _stadtbuch(city, "build", "--now", NOW)
    assert {one["status"] for one in again["runs"]} == {"unchanged"}


def test_published_totals_equal_an_independent_sum(
    city: Path, built: dict[str, Any], budget: list[dict[str, str]], matrix: list[dict[str, str]]
) -> None:
    """Every named result is what the csv module and a plain sum give."""
    lines: dict[str, int] = defaultdict(int)
    for row in budget:
        lines[row["Teilplanzeile"][:2]] += _euros(row["Plan 2012"])
    assert _results(city, "what-does-the-city-plan-to-spend") == {
        "expense_total": lines["17"],
        "revenue_total": lines["10"],
        "grants_0101": 203_726,
    }
    boroughs = _results(city, "how-old-are-the-boroughs")
    assert boroughs["residents_total"] == sum(int(row["E_E"]) for row in matrix)
    assert boroughs["cells_of_1_to_4"] == 181


def test_the_chart_s_numbers_equal_an_independent_sum(
    city: Path, built: dict[str, Any], budget: list[dict[str, str]]
) -> None:
    """The CSV beside the chart holds every product area with its zero and its sum."""
    areas: dict[str, int] = defaultdict(int)
    for row in budget:
        if row["Teilplanzeile"].startswith("17"):
            areas[row["Produktbereich"]] += _euros(row["Plan 2012"])
    path = _edition(city, "what-does-the-city-plan-to-spend") / "figures" / "expenses.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        shown = {row["product_area"]: int(row["expense"]) for row in csv.DictReader(file)}
    assert shown == {code: amount for code, amount in areas.items() if amount}
    assert "01" in shown


def test_the_page_writes_the_number_in_both_languages(city: Path, built: dict[str, Any]) -> None:
    """German readers see 203.726, English ones 203,726, and both who published it under which licence."""
    folder = city / "public" / "reports" / "what-does-the-city-plan-to-spend"
    german = (folder / "index.html").read_text(encoding="utf-8")
    english = (folder / "index.en.html").read_text(encoding="utf-8")
    assert "203.726" in german
    assert "203,726" in english
    for page in (german, english):
        assert re.search("Stadt Köln|City of Cologne", page)
        assert "creativecommons.org/licenses/by" in page


def test_nothing_of_the_synthetic_city_is_needed(city: Path, built: dict[str, Any], root: Path) -> None:
    """No page of the second city knows the first one's name, and none is marked as invented."""
    first = settings.read(root).city.name
    pages = [path.read_text(encoding="utf-8") for path in (city / "public").rglob("*.html")]
    assert pages
    assert not [page for page in pages if first in page]


def test_no_page_knows_where_the_files_lie(city: Path, built: dict[str, Any], shared: Path) -> None:
    """Paths of this machine stay on this machine."""
    public = [path for path in (city / "public").rglob("*") if path.is_file()]
    assert not [path.name for path in public if str(shared).encode() in path.read_bytes()]
