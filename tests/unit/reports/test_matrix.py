"""The matrix of a report: lists, ranges and the catalogue combined, and every mistake told before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from builders.city import Made, a_city, a_dataset, a_manifest
from builders.reports import HEADLINE, ROLES, START, write_notebook, write_report
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.errors import ReportError
from stadtbuch.model.report import Report
from stadtbuch.reports import build, definitions, editions, matrix
from stadtbuch.texts import same

PLACES = ["Mitte", "Nord", "Süd"]


def a_report(**changes: Any) -> Report:
    """Give a valid report without cells."""
    told = {
        "name": "area", "title": same("A"), "summary": same("A"), "report": "a.ipynb", "release": "automatic",
        "roles": {"author": "analyst", "release": "head"},
    }  # fmt: skip
    return Report(**{**told, **changes})


def values(dataset: str, column: str) -> list[str]:
    """Give what the catalogue has."""
    return PLACES if (dataset, column) == ("a.b", "place") else []


def combined(**changes: Any) -> list[tuple[Any, ...]]:
    """Give the cells of a report as tuples."""
    return [tuple(one.values()) for one in matrix.combinations(a_report(**changes), values=values)]


def wrong(**changes: Any) -> list[tuple[str, str, str]]:
    """Give the mistakes of a report: place, code, sentence in English."""
    return [
        (".".join(map(str, place)), code, what.en)
        for place, code, what, _ in matrix.mistakes(a_report(**changes))
    ]


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        (["x", "y"], ["x", "y"]),
        ([2024, 2025], [2024, 2025]),
        ("catalogue:a.b.place", PLACES),
        ({"from": 2020, "to": 2022}, [2020, 2021, 2022]),
        ({"from": 2000, "to": 2025, "every": 10}, [2000, 2010, 2020]),
        (
            {"from": date(2027, 12, 31), "to": date(2028, 3, 31), "every": "month"},
            [date(2027, 12, 31), date(2028, 1, 31), date(2028, 2, 29), date(2028, 3, 31)],
        ),
        (
            {"from": date(2028, 2, 29), "to": date(2030, 3, 1), "every": "year"},
            [date(2028, 2, 29), date(2029, 2, 28), date(2030, 2, 28)],
        ),
        (
            {"from": date(2025, 3, 31), "to": date(2025, 12, 31), "every": "quarter"},
            [date(2025, 3, 31), date(2025, 6, 30), date(2025, 9, 30), date(2025, 12, 31)],
        ),
        (
            {"from": date(2026, 1, 5), "to": date(2026, 1, 20), "every": "week"},
            [date(2026, 1, 5), date(2026, 1, 12), date(2026, 1, 19)],
        ),
        ({"from": date(2026, 2, 28), "to": date(2026, 3, 1)}, [date(2026, 2, 28), date(2026, 3, 1)]),
    ],
)
def test_a_parameter_runs_through_a_list_a_column_or_a_range(axis: Any, expected: list[Any]):
    """Whole numbers and days keep their type; the end of a month stays the end of a month."""
    assert combined(cells={"x": axis}) == [(one,) for one in expected]


def test_parameters_are_combined_excluded_and_added_to():
    """The first parameter slowest; what `also` names comes first and is not excluded."""
    found = combined(
        cells={"place": "catalogue:a.b.place", "year": [2024, 2025]},
        exclude=[{"place": "Süd"}, {"place": ["Mitte"], "year": "2024"}],
        also=[{"year": 2025, "place": "all"}],
    )
    assert found == [("all", 2025), ("Mitte", 2025), ("Nord", 2024), ("Nord", 2025)]


@given(
    sizes=st.lists(st.integers(min_value=1, max_value=4), min_size=1, max_size=3),
    data=st.data(),
)
def test_what_is_excluded_is_what_is_missing(sizes: list[int], data: st.DataObject):
    """All combinations are either there once or match a line of `exclude`."""
    cells = {f"p{number}": list(range(size)) for number, size in enumerate(sizes)}
    rows = data.draw(
        st.lists(
            st.fixed_dictionaries({}, optional={name: st.sampled_from(axis) for name, axis in cells.items()}),
            max_size=3,
        )
    )
    rows = [row for row in rows if row]
    everything = set(combined(cells=cells))
    out = {
        one
        for one in everything
        if any(all(one[list(cells).index(k)] == v for k, v in row.items()) for row in rows)
    }
    if out == everything:
        with pytest.raises(ReportError, match="keine einzige Seite"):
            combined(cells=cells, exclude=rows)
    else:
        found = combined(cells=cells, exclude=rows)
        assert len(found) == len(set(found))
        assert set(found) == everything - out


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"cells": {"x": "catalogue:a.b.nothing"}}, "report.no-cells"),
        ({"cells": {"x": [1, 2]}, "exclude": [{"x": [1, 2]}]}, "report.no-cells"),
        ({"cells": {"x": {"from": 1, "to": 3000}, "y": {"from": 1, "to": 3000}}}, "report.too-many-cells"),
    ],
)
def test_a_matrix_that_is_empty_or_too_large_is_refused(changes: Mapping[str, Any], code: str):
    """Nine million pages are not even counted."""
    with pytest.raises(ReportError) as caught:
        combined(**changes)
    assert caught.value.code == code


def test_as_many_cells_as_are_allowed_are_allowed():
    """The limit itself is fine."""
    assert len(combined(cells={"x": {"from": 1, "to": matrix.MOST_CELLS}})) == matrix.MOST_CELLS


@pytest.mark.parametrize("axis", ["Mitte", "catalogue:boroughs", 5, None, True])
def test_what_is_no_set_of_values_is_refused(axis: Any):
    """A single word is most likely a forgotten pair of brackets."""
    assert wrong(cells={"x": axis}) == [
        ("cells.x", "cells", "is neither a list nor a reference nor a range"),
    ]


@pytest.mark.parametrize(
    ("changes", "place", "words"),
    [
        ({"cells": {"x": []}}, "cells.x", "empty list"),
        ({"cells": {"x": ["a", "a"]}}, "cells.x", "twice"),
        ({"cells": {"x": [["a"]]}}, "cells.x", "no value"),
        ({"cells": {"x": {"from": 1}}}, "cells.x", "no range"),
        ({"cells": {"x": {"from": 1, "to": 2, "step": 1}}}, "cells.x", "no range"),
        ({"cells": {"x": {"from": 1, "to": date(2026, 1, 1)}}}, "cells.x", "no range"),
        ({"cells": {"x": {"from": 1.5, "to": 2.5}}}, "cells.x", "whole numbers or days"),
        ({"cells": {"x": {"from": 1, "to": 9, "every": 0}}}, "cells.x", "unusable step"),
        ({"cells": {"x": {"from": 1, "to": 9, "every": "month"}}}, "cells.x", "unusable step"),
        ({"cells": {"x": {"from": 9, "to": 1}}}, "cells.x", "ends before it begins"),
        ({"cells": {"x": [1]}, "exclude": [{"y": 1}]}, "exclude.0", "names y, which"),
        ({"cells": {"x": [1]}, "exclude": [{}]}, "exclude.0", "is empty"),
        ({"cells": {"x": [1]}, "exclude": [{"x": 2}]}, "exclude.0", "a value of x that cells does not have"),
        ({"cells": {"x": [1]}, "also": [{"y": 1}]}, "also.0", "other parameters"),
        ({"cells": {"x": [1]}, "fixed": {"x": 1}}, "fixed.x", "under cells as well"),
    ],
)
def test_a_mistake_is_said_where_it_stands(changes: Mapping[str, Any], place: str, words: str):
    """One mistake, one sentence."""
    ((found, _code, what),) = wrong(**changes)
    assert (found, words in what) == (place, True)


def test_two_combinations_with_one_address_are_refused_by_name():
    """a-b with c and a with b-c would both be a-b-c."""
    report = a_report(cells={"x": ["a-b", "a"], "y": ["c", "b-c"]})
    with pytest.raises(ReportError) as caught:
        definitions.cells(report, values=values)
    assert caught.value.code == "report.cells-alike"
    assert "a-b-c" in caught.value.what.en


# ---- in a city ------------------------------------------------------------------------------------------


@pytest.fixture
def city(tmp_path: Path) -> Made:
    """Give a city with a report about places and years."""
    made = a_city(tmp_path / "city", datasets={"geography.boroughs": a_dataset()}, roles=ROLES)
    label = {"de": "Wert", "en": "Value"}
    told = {
        "borough": {"type": "choice", "choices": "catalogue:geography.boroughs.borough", "label": label},
        "year": {"type": "integer", "minimum": 2000, "label": label},
    }
    drawing = (
        "sb.table(frame.assign(year=year)[frame['borough'] == borough], name='areas', "
        "caption={'de': 'Flächen', 'en': 'Areas'})"
    )
    source = "borough = '01'\nyear = 2025"
    write_notebook(
        made.root, "area", START, HEADLINE, drawing, manifest=a_manifest(parameters=told), parameters=source
    )
    return made


def test_cells_do_not_overwrite_each_others_tables(city: Made):
    """Each cell has a run and a folder of its own, and in it what belongs to its values."""
    write_report(
        city.root,
        "area",
        cells={"borough": "catalogue:geography.boroughs.borough", "year": {"from": 2024, "to": 2025}},
        exclude=[{"borough": "01", "year": 2025}, {"borough": "02", "year": 2024}],
    )
    opened = city.open()
    summary = build.build(opened, jobs=2)
    assert {one["cell"]: one["publication"] for one in summary["runs"]} == {
        "01-2024": "published", "02-2025": "published",
    }  # fmt: skip
    tables = {
        one.edition.cell: next(one.folder.rglob("areas.csv")).read_text(encoding="utf-8").splitlines()[1]
        for one in editions.history(opened.state)
    }
    assert set(tables) == {"01-2024", "02-2025"}
    assert "2024" in tables["01-2024"] and "2025" in tables["02-2025"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"cells": {"borough": ["01"], "year": ["abc"]}}, "parameter.type"),
        ({"cells": {"borough": ["01"], "year": [1999]}}, "parameter.range"),
        ({"cells": {"borough": ["03"]}, "fixed": {"year": 2025}}, "parameter.choice"),
        ({"cells": {"borough": ["01"]}, "fixed": {"year": 2025.5}}, "parameter.type"),
        ({"cells": {"borough": ["01"]}, "fixed": {"year": True}}, "parameter.type"),
        ({"cells": {"borough": ["01"]}, "fixed": {"year": 2025, "yaer": 1}}, "report.parameter"),
        ({"cells": {"borough": ["01"]}}, "parameter.missing"),
    ],
)
def test_values_that_do_not_fit_the_notebook_start_no_kernel(
    city: Made, monkeypatch: pytest.MonkeyPatch, changes: Mapping[str, Any], code: str
):
    """Wrong type, range, choice or name in a definition: told for the cell, and nothing is executed."""
    monkeypatch.setattr("stadtbuch.runs.execute.execute", _nothing_to_execute)
    write_report(city.root, "area", **changes)
    summary = build.build(city.open())
    assert [one["error"].code for one in summary["runs"]] == [code]
    assert summary["counts"]["executed"] == 0


def _nothing_to_execute(requests: list[Any], **options: Any) -> list[Any]:
    assert requests == []
    return []


def test_a_name_with_code_in_it_is_no_parameter(city: Made):
    """A definition cannot smuggle a statement into a notebook by the name of a parameter."""
    write_report(city.root, "area", fixed={"year=1;import os": 2025})
    with pytest.raises(ReportError) as caught:
        definitions.load(city.settings)
    assert [one.path for one in caught.value.problems] == ["fixed.year=1;import os"]
