"""Differencing at the release: what is remembered, repaired, refused; and what hangs together."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders.city import Made, a_city, a_dataset

from stadtbuch.disclosure import tables
from stadtbuch.disclosure.groupings import Grouping
from stadtbuch.reports import differencing
from stadtbuch.reports.differencing import Base, Beside, Told
from stadtbuch.session import City

REGISTER = "population.residents"
PEOPLE = np.array([[11, 30, 20], [12, 28, 15]])
"""By borough and band of ages; one of the first is 18."""


@pytest.fixture
def city(tmp_path) -> City:
    """Give a city that has released nothing."""
    return a_city(tmp_path / "city").open()


def a_record(
    counts: np.ndarray, *edges: int, name: str = "t", boroughs: tuple[str, ...] = ("01", "02"), **changes: Any
) -> dict[str, Any]:
    """Give the record of a table of ages by borough."""
    bands = Grouping("band", "age", edges, tuple(f"from {edge}" for edge in edges))
    index = pd.MultiIndex.from_product([boroughs, bands.labels], names=["borough", "band"])
    made = tables.protect(
        pd.Series(counts.ravel(), index=index), rows="borough", columns="band", min_count=3, node_limit=100,
        dataset=REGISTER, name=name, unit="person", column_names=["borough", "age"], groupings=[bands],
    )  # fmt: skip
    return json.loads(json.dumps(made.to_record())) | changes


def tell(city: City, record: dict[str, Any], edition: str = "young@2026-01-15") -> None:
    """Remember a table as if an edition had released it."""
    digest = differencing._put(city.state, record)
    index = city.state.folder("disclosure") / differencing.INDEX
    told = Told(edition, record["name"], Base.of(record), digest, "2026-01-15T09:30:00+00:00", {"exposed": 0})
    before = index.read_text() if index.exists() else ""
    index.write_text(f"{before}{told.line()}\n")


YOUNG = a_record(np.array([[10, 51], [12, 43]]), 0, 18)
ALL = a_record(PEOPLE, 0, 19, 65)


def test_a_table_is_repaired_and_the_note_names_the_earlier_one(city: City) -> None:
    """More of the new one is withheld, its total is not; the number that gave somebody away is gone."""
    tell(city, YOUNG)
    found, kept = differencing.judged(city, {"t": ALL}, Beside())
    assert [(one.rule, str(one.severity)) for one in found] == [("privacy.differencing", "note")]
    assert "young@2026-01-15 (t)" in found[0].text.en
    before, after = ([cell["value"] for cell in one["cells"]] for one in (ALL, kept["t"]))
    assert all(new in (None, old) for old, new in zip(before, after, strict=True))
    assert (after[0], after[-1]) == (None, before[-1])
    assert tables.ProtectedTable.from_record(kept["t"]).to_record() == kept["t"]
    assert differencing.withholds_more(kept["t"], ALL)
    assert not differencing.withholds_more(YOUNG, ALL)
    again, _ = differencing.judged(city, {"t": kept["t"]}, Beside())
    assert again == []


def test_what_was_withheld_once_is_withheld_again(city: City) -> None:
    """The next build of the same report gives the same table, without searching; another report searches anew."""
    tell(city, YOUNG)
    _, kept = differencing.judged(city, {"t": ALL}, Beside(), report="all")
    tell(city, kept["t"], "all@2026-01-16")
    assert differencing.judged(city, {"t": ALL}, Beside(), report="all") == ([], kept)
    found, _ = differencing.judged(city, {"t": ALL}, Beside(), report="other")
    assert found


def test_what_only_the_total_tells_is_refused(city: City) -> None:
    """A table without its total is none."""
    tell(city, a_record(np.array([[20], [30]]), 0, boroughs=("01", "02")))
    wide = a_record(np.array([[20], [30], [4]]), 0, boroughs=("01", "02", "03"))
    narrow = {**wide, "cells": [cell for cell in wide["cells"] if not any(cell["labels"])]}
    narrow["cells"][0] = {**narrow["cells"][0], "value": 51}
    seen = {
        **YOUNG,
        "cells": [{**YOUNG["cells"][-1], "value": 50, "where": [{"column": "borough", "in": ["01", "02"]}]}],
    }
    tell(city, seen, "two@2026-01-15")
    found, kept = differencing.judged(city, {"t": narrow}, Beside())
    assert [(one.rule, str(one.severity)) for one in found] == [("privacy.differencing", "refuse")]
    assert kept == {"t": narrow}


def test_two_tables_of_one_build_are_tested_with_each_other(city: City) -> None:
    """The second is repaired beside the first; equal ones, and those of other datasets or measures, are left alone."""
    found, _ = differencing.judged(city, {"t": YOUNG, "u": {**ALL, "name": "u"}, "v": YOUNG}, Beside())
    assert [one.subject for one in found] == ["u"]
    others = ({**ALL, "dataset": "social.benefits"}, {**ALL, "measure": {"sum": "age"}})
    for other in others:
        assert differencing.judged(city, {"t": YOUNG, "u": other}, Beside())[0] == []


def test_areas_that_hang_together_are_read_from_open_data(tmp_path) -> None:
    """A dataset with one line per area and both columns; one that merely has both says nothing."""
    fields = [
        {"name": name, "type": "code", "title": {"de": name, "en": name}} for name in ("borough", "district")
    ]
    source = {"reader": "csv", "url": "{DATA}/districts.csv", "options": {"sep": ";"}}
    datasets = {
        f"geography.{name}": a_dataset(schema={"primaryKey": key, "fields": fields}, source=source)
        for name, key in (("districts", ["district"]), ("pairs", ["borough", "district"]))
    }
    made: Made = a_city(tmp_path / "city", datasets=datasets)
    (made.root / "data/districts.csv").write_text(
        "borough;district\n01;011\n01;012\n02;021\n", encoding="utf-8"
    )
    city = made.open()
    release = differencing._content(
        {
            **YOUNG,
            "cells": [
                {"where": [{"column": name, "equals": "01"} for name in ("borough", "district")], "value": 9}
            ],
        }
    )[0]
    assert differencing._together(city, [release]) == {
        ("borough", "district"): {("01", "011"), ("01", "012"), ("02", "021")}
    }
    assert list(city._sources) == ["geography.districts"]


def test_a_changed_file_of_the_history_is_no_pass(city: City) -> None:
    """What was released is not kept as it was: then nothing can be judged, and the gate refuses."""
    tell(city, YOUNG)
    (path,) = city.state.folder("disclosure").glob("*.json")
    path.write_text(path.read_text().replace("51", "52"))
    with pytest.raises(ValueError, match="not kept"):
        differencing.judged(city, {"t": ALL}, Beside())
