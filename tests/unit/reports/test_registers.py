"""Registers: what a city knows about its data, as datasets that are read like any other."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from builders.asking import a_question
from builders.city import (
    CANARY,
    NOW,
    TOML,
    Made,
    a_city,
    a_dataset,
    a_manifest,
    default_datasets,
    write_catalogue,
)
from builders.reports import ROLES, START, a_publishing_city, write_notebook, write_report

from stadtbuch.errors import SourceError
from stadtbuch.reports import registers

NAMES = ("datasets", "measurements", "uses", "withheld")


def own_registers(root: Path) -> dict[str, dict[str, Any]]:
    """Give the entries of this repository's registers: the library writes what they describe."""
    content = yaml.safe_load((root / "catalogs" / "stadtbuch.yaml").read_text(encoding="utf-8"))
    return {f"stadtbuch.{name}": content["defaults"] | entry for name, entry in content["datasets"].items()}


@pytest.fixture
def city(tmp_path: Path, root: Path) -> Made:
    """Give a city with registers, an open report and one from the closed register."""
    toml = TOML.replace('"population"]', '"population", "stadtbuch"]')
    return a_publishing_city(
        tmp_path / "city", datasets=default_datasets() | own_registers(root), roles=ROLES, toml=toml
    )


def write_third(city: Made, dataset: str, *code: str) -> None:
    """Write a third report that reads one input."""
    write_notebook(city.root, "third", START, *code, manifest=a_manifest(inputs={dataset: {}}))
    write_report(city.root, "third")


def load(city: Made, name: str, *, now: datetime = NOW) -> pd.DataFrame:
    """Renew the registers and read one through the door."""
    registers.refresh(city.open(now=now))
    return city.open(now=now).load(f"stadtbuch.{name}")


def test_a_city_without_entries_has_no_registers_and_no_work(tmp_path: Path) -> None:
    """Nobody asked for them: nothing is measured, nothing written."""
    city = a_city(tmp_path / "city")
    assert registers.refresh(city.open()) == []
    assert list((city.root / "var" / "registers").iterdir()) == []
    assert not (city.root / "var" / "store" / "measured").exists()


def test_every_register_fits_its_description(city: Made) -> None:
    """Same columns, same types, readable through the door as any dataset."""
    assert registers.refresh(city.open()) == list(NAMES)
    for name in NAMES:
        described = city.open().dataset(f"stadtbuch.{name}").table.names
        assert tuple(city.open().load(f"stadtbuch.{name}").columns) == described


def test_nothing_changed_nothing_written(city: Made) -> None:
    """The next day has the same registers to the last byte: no report is made again because of a date."""
    registers.refresh(city.open())
    assert registers.refresh(city.open(now=NOW + timedelta(days=1))) == []


def test_datasets_lists_all_and_counts_rows_of_open_ones_only(city: Made) -> None:
    """One row per entry, the registers among them."""
    found = load(city, "datasets").set_index("id")
    assert list(found.index) == sorted(city.open().catalog.datasets)
    assert found.loc["geography.boroughs", "rows"] == 2
    assert pd.isna(found.loc["population.residents", "rows"])
    assert found.loc["population.residents", "reason_kind"] == "personal-data"
    assert list(found.index[found["register"]]) == [f"stadtbuch.{name}" for name in NAMES]


def test_withheld_says_why_and_when_it_is_looked_at_again(city: Made) -> None:
    """Reason, law, role, day; overdue only once the day is over."""
    (row,) = load(city, "withheld").to_dict("records")
    assert (row["id"], row["legal_basis"], row["decided_by"]) == (
        "population.residents",
        "BMG § 3",
        "data-owner",
    )
    assert (row["review"].date().isoformat(), row["overdue"]) == ("2028-01-10", False)
    later = load(city, "withheld", now=datetime.fromisoformat("2028-01-11T12:00+00:00"))
    assert later["overdue"].tolist() == [True]


def test_uses_tell_direct_from_protected(city: Made) -> None:
    """The open report reads the boroughs; the other gets only protected tables of the register."""
    found = load(city, "uses")
    assert found[["dataset", "report", "how"]].to_numpy().tolist() == [
        ["geography.boroughs", "area", "open"],
        ["population.residents", "people", "protected"],
    ]


def test_whoever_reads_another_reports_table_uses_what_is_behind_it(city: Made) -> None:
    """A third report takes the protected table: the register is used by two."""
    write_third(city, "people.by_borough")
    found = load(city, "uses")
    assert found.loc[found["dataset"] == "population.residents", "report"].tolist() == ["people", "third"]


def test_whoever_asks_with_noise_uses_what_is_asked(city: Made) -> None:
    """A question to the register is a use of it, though no row is read."""
    asking = a_manifest(purpose="age-structure", private={"residents": a_question()})
    write_notebook(city.root, "third", START, manifest=asking)
    write_report(city.root, "third")
    found = load(city, "uses")
    assert found.loc[found["dataset"] == "population.residents", "report"].tolist() == ["people", "third"]


def test_a_broken_notebook_costs_its_own_line_only(city: Made) -> None:
    """A report whose manifest cannot be read uses nothing that we know of."""
    (city.root / "notebooks" / "area.ipynb").write_text("{", encoding="utf-8")
    assert load(city, "uses")["report"].tolist() == ["people"]


def test_measurements_hold_no_age_in_days(city: Made) -> None:
    """An age would change every night; newest day, due day and verdict stand instead."""
    boroughs = a_dataset(accrualPeriodicity="ANNUAL", modified="2025-12-31")
    write_catalogue(city.root, {"geography.boroughs": boroughs})
    found = load(city, "measurements")
    assert found.groupby("dataset").size().unique().tolist() == [14]
    (row,) = found[(found["dataset"] == "geography.boroughs") & (found["criterion"] == "timely")].to_dict(
        "records"
    )
    assert (row["verdict"], row["newest"].date().isoformat(), row["due"].date().isoformat()) == (
        "good", "2025-12-31", "2027-01-01",
    )  # fmt: skip
    assert pd.isna(row["value"])


def test_registers_are_not_measured_by_themselves(city: Made) -> None:
    """Their own rows would depend on themselves."""
    found = load(city, "measurements").set_index(["dataset", "criterion"])
    assert found.loc[("stadtbuch.uses", "complete"), "gap"] == "self-made"


def test_no_value_of_the_closed_register_is_in_any_register(city: Made) -> None:
    """Neither the planted mark nor the number of persons."""
    registers.refresh(city.open())
    frames = {name: city.open().load(f"stadtbuch.{name}") for name in NAMES}
    assert all(CANARY not in frame.to_csv() for frame in frames.values())
    own = frames["measurements"].query("dataset == 'population.residents'")
    counted = own.loc[
        ~own["criterion"].isin(["understandable", "controlled"]), ["looked_at", "failed", "newest", "due"]
    ]
    assert counted.isna().all(axis=None)


def test_before_the_first_build_the_error_says_what_to_do(city: Made) -> None:
    """The file is not the steward's to deliver."""
    with pytest.raises(SourceError) as caught:
        city.open().load("stadtbuch.uses")
    assert caught.value.code == "source.missing"
    assert "stadtbuch build" in caught.value.remedy.de


def test_a_report_that_reads_a_register_runs_once(city: Made) -> None:
    """It is made, and neither the same nor the next day makes it again."""
    from stadtbuch.reports import build

    unit = "{'de': 'Nutzungen', 'en': 'uses'}"
    counted = f"sb.headline(len(city.load('stadtbuch.uses')), unit={unit}, at='2026-01-15')"
    write_third(city, "stadtbuch.uses", counted)
    first = build.build(city.open(), ["third"])
    assert (first["counts"]["executed"], first["runs"][0]["publication"]) == (1, "published")
    for days in (0, 1):
        again = build.build(city.open(now=NOW + timedelta(days=days)), ["third"])
        assert (again["counts"]["executed"], again["runs"][0]["publication"]) == (0, "unchanged")
