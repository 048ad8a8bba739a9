"""`sb.table`, `sb.headline`, `sb.publish`, `sb.points`, `sb.protect`."""

import json
import sys
import warnings
from types import SimpleNamespace

import pandas as pd
import pytest
from builders.city import a_city

from stadtbuch.errors import ProtectionError, UsageError
from stadtbuch.privacy.groupings import Grouping
from stadtbuch.privacy.tables import ProtectedTable
from stadtbuch.reports import tables

CAPTION = {"de": "Menschen", "en": "People"}
UNIT = {"de": "Menschen", "en": "people"}


def counts(numbers=(5, 4, 20, 1)) -> pd.Series:
    """Count people by borough and sex."""
    index = pd.MultiIndex.from_product([["01", "02"], ["f", "m"]], names=["borough", "sex"])
    return pd.Series(numbers, index=index)


def record(run, path) -> dict:
    """Read one record of the run."""
    return json.loads((run / "outputs" / path).read_text(encoding="utf-8"))


def protected(numbers=(5, 4, 20, 1)):
    """Protect the counts."""
    return tables.protect(counts(numbers), name="people", dataset="population.residents")


def test_protect_writes_a_public_record(run, shown):
    """The record holds marks instead of small counts, and no hidden number."""
    table = protected()
    told = record(run, "tables/people.json")
    assert told == table.to_record()
    assert [cell["value"] for cell in told["cells"] if cell["labels"] == ["02", "m"]] == [None]
    assert [kind for kind, _, _ in shown] == ["protected"]


def test_protect_records_the_row_filter(run, shown):
    """Which rows were counted at all belongs to what each number says; reading it back loses nothing."""
    facts = json.loads((run / "run.json").read_text(encoding="utf-8"))
    facts["inputs"]["population.residents"]["rows"] = {"valid_on": "2025-12-31", "borough": ["01", "02"]}
    (run / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    protected()
    told = record(run, "tables/people.json")
    assert told["where"] == [
        {"column": "valid_on", "equals": "2025-12-31"},
        {"column": "borough", "in": ["01", "02"]},
    ]
    assert ProtectedTable.from_record(told).to_record() == told


def test_protect_takes_the_strictest_threshold(run):
    """City, dataset, sensitive groups and every other closed input: the largest number holds."""
    facts = {
        "thresholds": {"min_count": 3, "min_count_sensitive": 5},
        "inputs": {"b": {"class": "closed", "min_count": 7}},
    }
    assert tables.threshold(facts, {"min_count": None, "sensitive": False}) == 7
    assert tables.threshold(facts | {"inputs": {}}, {"sensitive": True}) == 5
    assert tables.threshold(facts | {"inputs": {}}, {"min_count": 4}) == 4


def test_protect_refuses_a_dataset_that_is_not_read(run):
    """Counts must come from an input of the notebook."""
    with pytest.raises(UsageError) as caught:
        tables.protect(counts(), name="people", dataset="social.benefits")
    assert caught.value.code == "protect.dataset"


def test_protect_refuses_a_variable_it_cannot_relate(run):
    """A variable that is neither a column nor a grouping of one cannot be checked later."""
    with pytest.raises(ProtectionError):
        tables.protect(
            counts().rename_axis(["borough", "mood"]), name="people", dataset="population.residents"
        )


SECRET = "Erika Musterfrau"


def told_of(caught) -> str:
    """Give all that an error says."""
    return caught.value.render("de") + caught.value.render("en")


@pytest.mark.parametrize("role", ["identifier", "free-text"])
@pytest.mark.parametrize("variable", ["note", "note_group", "band"])
def test_protect_refuses_to_group_by_what_names_persons(run, role, variable):
    """Such a column, and a grouping of one, is refused before any of its labels could be told."""
    facts = json.loads((run / "run.json").read_text(encoding="utf-8"))
    note = {"name": "note", "title": CAPTION, "unit": None, "type": "string", "privacy": role, "labels": {}}
    facts["inputs"]["population.residents"]["columns"].append(note)
    (run / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    shares = pd.Series([0.5, 0.5], index=pd.Index([SECRET, "total"], name=variable))
    bands = [Grouping("band", "note", edges=(0,), labels=("all",))]
    with pytest.raises(ProtectionError) as caught:
        tables.protect(shares, name="people", dataset="population.residents", groupings=bands)
    assert (caught.value.code, SECRET in told_of(caught)) == ("protect.identifier", False)
    assert "note" in caught.value.what.de


def test_protect_tells_labels_of_codes_only(run):
    """A cell is named by its number and by codes; what stands under any other name is not told."""
    for names, told in (
        (["borough", "sex"], "1 of 4 (borough 01, sex f)"),
        (["borough", "mood"], "(borough 01)"),
    ):
        spoilt = counts((0.5, 4, 20, 1)).rename(index={"f": SECRET} if "mood" in names else {})
        with pytest.raises(ProtectionError) as caught:
            tables.protect(spoilt.rename_axis(names), name="people", dataset="population.residents")
        assert caught.value.code == "protect.not-whole"
        assert told in told_of(caught)
        assert SECRET not in told_of(caught)


def test_protect_in_the_lab_needs_a_city(monkeypatch, tmp_path):
    """Outside of a run and without a loaded dataset there is nothing to protect."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError):
        protected()


def test_a_protected_table_is_shown_crossed(run, shown):
    """Rows by one variable, columns by the other, totals and signs in words and marks."""
    tables.table(protected(), name="t", caption=CAPTION)
    told = record(run, "shown/t.json")
    assert [column["title"]["en"] for column in told["columns"]] == ["Borough", "female", "male", "Total"]
    assert told["rows"][-1][0] == {"total": True}
    assert told["rows"][1][2] == {"mark": "·"}
    assert told["legend"]["de"].startswith("·")


def test_a_frame_is_shown_as_it_stands(run, shown):
    """Columns get their titles from the catalogue."""
    tables.table(pd.DataFrame({"borough": ["01"], "value": [1234]}), name="t", caption=CAPTION)
    assert "1.234" in shown[0][2]["text/html"]
    assert record(run, "shown/t.json")["legend"] is None


@pytest.mark.parametrize(
    ("length", "caption", "code"),
    [(0, CAPTION, "table.empty"), (201, CAPTION, "table.too-long"), (1, None, "table.caption")],
)
def test_tables_nobody_can_read_are_refused(run, length, caption, code):
    """Empty, endless or nameless tables are refused."""
    with pytest.raises(UsageError) as caught:
        tables.table(pd.DataFrame({"value": range(length)}), caption=caption)
    assert caught.value.code == code


def test_results_are_kept_in_their_order(run, shown):
    """Headlines and named results stand in one file, with unit, day and label."""
    tables.headline(protected().total(), unit=UNIT, at=pd.Timestamp("2025-12-31"))
    tables.publish("people_total", protected_total := 30, unit="persons", label=CAPTION)
    tables.publish("largest", "01", unit=UNIT)
    tables.publish("secret", pd.NA, unit=UNIT)
    told = record(run, "results.json")
    assert [(one["kind"], one["name"], one["value"]) for one in told] == [
        ("headline", "headline-1", 30),
        ("result", "people_total", protected_total),
        ("result", "largest", "01"),
        ("result", "secret", None),
    ]
    assert told[0]["at"] == "2025-12-31"
    assert told[1]["unit"] == {"de": "persons", "en": "persons"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"unit": None}, "headline.unit"),
        ({"unit": {"de": "x"}}, "headline.unit"),
        ({"at": None}, "headline.date"),
        ({"at": "gestern"}, "headline.date"),
        ({"value": None}, "headline.value"),
        ({"value": float("nan")}, "headline.value"),
        ({"value": True}, "headline.value"),
    ],
)
def test_a_headline_needs_number_unit_and_day(run, change, code):
    """A number without a unit or a day says nothing; a hidden number cannot be a headline."""
    given = {"value": 3, "unit": UNIT, "at": "2025-12-31"} | change
    with pytest.raises(UsageError) as caught:
        tables.headline(given.pop("value"), **given)
    assert caught.value.code == code


def test_a_result_has_a_name_of_its_own(run):
    """The second result of a name is refused: editions are compared by these names."""
    tables.publish("total", 1, unit="persons")
    with pytest.raises(UsageError) as caught:
        tables.publish("total", 2, unit="persons")
    assert caught.value.code == "output.name-twice"


@pytest.mark.parametrize("value", [[1], object(), True])
def test_a_result_is_a_number_or_a_text(run, value):
    """Anything else could not be compared."""
    with pytest.raises(UsageError) as caught:
        tables.publish("total", value, unit="persons")
    assert caught.value.code in ("result.value",)


@pytest.mark.parametrize("number", [0, 7])
def test_main_points_are_one_to_six(run, number):
    """Nobody reads seven main points."""
    with pytest.raises(UsageError) as caught:
        tables.points([CAPTION] * number)
    assert caught.value.code == "points.count"


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Stand in a notebook of the lab that opened a city and loaded its register."""
    session = a_city(tmp_path / "city").open()
    people = session.load("population.residents", purpose="age-structure", columns=["borough", "age"])
    shell = SimpleNamespace(user_ns={"city": session, "people": people})
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    return people


def test_protect_in_the_lab_uses_the_city_s_thresholds_and_writes_nothing(lab, tmp_path):
    """The same line as in a run; what the gate would see comes as a warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = tables.protect(
            lab.groupby(["borough", "age"]).size(), name="ages", dataset="population.residents"
        )
    assert table.min_count == 3
    assert table.suppressed > 0
    assert len(caught) == len(table.findings)
    assert not list((tmp_path / "city").rglob("outputs"))
