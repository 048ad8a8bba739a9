"""`sb.table`, `sb.headline`, `sb.publish`, `sb.points`, `sb.protect`."""

import json
import sys
import warnings
from types import SimpleNamespace

import pandas as pd
import pytest
from builders.city import a_city

from stadtbuch.disclosure.groupings import Grouping
from stadtbuch.disclosure.tables import ProtectedTable
from stadtbuch.errors import ProtectionError, UsageError
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


# ---- rows, hierarchies, several tables -----------------------------------------------------------------

PERSON = {"name": "person_id", "title": CAPTION, "type": "string", "privacy": "identifier", "labels": {}}
QUARTER = {"name": "quarter", "title": CAPTION, "type": "code", "privacy": "quasi-identifier", "labels": {}}
TAX = {"name": "tax", "title": CAPTION, "type": "number", "privacy": "sensitive", "labels": {}}
AREAS = pd.DataFrame({"quarter": ["0101", "0102", "0201"], "borough": ["01", "01", "02"]})
PEOPLE = pd.DataFrame(
    {
        "quarter": ["0101"] * 9 + ["0102"] * 2 + ["0201"] * 12,
        "sex": ["f", "m", "m"] * 7 + ["f", "f"],
        "tax": [100.0] * 23,
        "person_id": [f"psn_{number}" for number in range(23)],
    }
)


@pytest.fixture
def rows(run):
    """Stand in a run whose register has quarters, pseudonyms and taxes, in a city with a rule for sums."""
    facts = json.loads((run / "run.json").read_text(encoding="utf-8"))
    facts["inputs"]["population.residents"]["columns"] += [PERSON, QUARTER, TAX]
    facts["confidential"] = {"concentration": {"dominance": {"n": 1, "k": 83}, "p_percent": {"p": 17}}}
    (run / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    return run


def full(data=PEOPLE, **changed):
    """Protect rows by quarter and sex, with something changed."""
    usual = {"name": "people", "dataset": "population.residents", "by": ["quarter", "sex"]}
    return tables.protect(data, **(usual | changed))


def test_rows_are_counted_by_units_on_every_level(rows, shown):
    """Rows with a description: units are counted once, and boroughs are part of the table."""
    table = full(pd.concat([PEOPLE, PEOPLE]), unit="person_id", hierarchies={"quarter": AREAS})
    assert (table.total(), table.unit) == (23, "person")
    assert table.by("borough")["value"].tolist() == [11, 12]
    assert record(rows, "tables/people.json") == table.to_record()
    assert [kind for kind, _, _ in shown] == ["protected"]


def test_a_cross_table_is_what_its_counts_are(rows):
    """`pd.crosstab` and `groupby(...).size()` give the same record."""
    by = ["quarter", "sex"]
    crossed = full(pd.crosstab(PEOPLE["quarter"], PEOPLE["sex"]), name="crossed", by=None)
    counted = full(PEOPLE.groupby(by).size(), name="counted", by=None)
    assert crossed.to_record() | {"name": "counted"} == counted.to_record()
    assert crossed.layout == "grid"


def test_several_tables_are_protected_together(rows, shown):
    """From rows by several descriptions, or from counts by name; each is recorded, and each knows the other."""
    made = full(name=None, by={"t": ["quarter", "sex"], "u": "sex"})
    again = full(
        {"v": PEOPLE.groupby(["quarter", "sex"]).size(), "w": PEOPLE.groupby("sex").size()},
        name=None,
        by=None,
    )
    counts = full(
        PEOPLE.groupby(["quarter", "sex"]).size(), name=None, by={"x": ["quarter", "sex"], "y": ["sex"]}
    )
    for one, other in (("t", "v"), ("u", "w"), ("t", "x"), ("u", "y")):
        theirs = again[other] if other in again else counts[other]
        assert made[one].cells == theirs.cells
    assert record(rows, "tables/u.json")["together"] == ["t", "u"]
    assert [name for kind, name, _ in shown] == ["t", "u", "v", "w", "x", "y"]


def test_what_is_public_already_stays(rows):
    """Counts, too, may name cells that must be published."""
    table = full(PEOPLE.groupby(["quarter", "sex"]).size(), by=None, published=[{}])
    assert (table.layout, table.status[None, None], table.total()) == ("cube", "z", 23)


def test_sums_are_protected_by_the_city_s_rules(rows):
    """What one person prevails in is withheld; the rule's numbers stand nowhere in the record."""
    rich = PEOPLE.assign(tax=[9000.0, *[100.0] * 22])
    table = full(rich, by=["sex"], sum="tax", unit="person_id")
    assert table.select(sex="f")["mark"].tolist() == ["·"]
    told = json.dumps(record(rows, "tables/people.json")["rules"])
    assert "concentration" in told
    assert "83" not in told


BAD = [
    ("protect.unknown-unit", PEOPLE, {"unit": "household"}),
    ("protect.unknown-unit", PEOPLE, {"unit": "sex"}),
    ("protect.unknown-unit", PEOPLE.groupby("sex").size(), {"unit": "sex", "by": None}),
    ("protect.unknown-column", PEOPLE, {"sum": "income"}),
    ("protect.unknown-column", PEOPLE, {"sum": "person_id"}),
    ("protect.measure", PEOPLE, {"count": "tax", "sum": "tax"}),
    ("protect.measure", PEOPLE, {"places": 2}),
    ("protect.rows-needed", PEOPLE.groupby("sex")["tax"].sum(), {"sum": "tax", "by": ["sex"]}),
    ("protect.identifier", PEOPLE, {"by": ["person_id"]}),
    ("protect.by", PEOPLE.groupby("sex")[["tax"]].sum(), {"by": None}),
    ("protect.hierarchy-unused", PEOPLE, {"by": ["sex"], "hierarchies": {"quarter": AREAS}}),
    ("protect.node-missing", PEOPLE, {"hierarchies": {"quarter": AREAS[1:]}}),
    ("protect.name", PEOPLE, {"name": None}),
    ("protect.contradiction", None, {"name": None, "by": None}),
    ("protect.label-margin", pd.crosstab(PEOPLE["sex"], PEOPLE["quarter"], margins=True), {"by": None}),
    ("protect.unknown-grouping", PEOPLE.assign(mood="x"), {"by": ["mood"]}),
]


@pytest.mark.parametrize(("code", "data", "changed"), BAD, ids=[f"{n}-{one[0]}" for n, one in enumerate(BAD)])
def test_wrong_input_has_its_own_words(rows, code, data, changed):
    """Each mistake has its code and a remedy, and nothing is written."""
    if data is None:
        data = {"t": PEOPLE.groupby(["quarter", "sex"]).size(), "u": PEOPLE[1:].groupby("sex").size()}
    with pytest.raises((ProtectionError, UsageError)) as caught:
        full(data, **changed)
    assert caught.value.code == code
    assert caught.value.remedy is not None
    assert not list((rows / "outputs").rglob("*.json"))


def test_sums_without_a_rule_of_the_city_are_refused(run, rows):
    """Until a city has decided how much one unit may be of a sum."""
    facts = json.loads((run / "run.json").read_text(encoding="utf-8"))
    del facts["confidential"]
    (run / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(ProtectionError) as caught:
        full(sum="tax", by=["sex"])
    assert caught.value.code == "protect.concentration"


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


def test_the_lab_says_what_either_policy_for_zeros_withholds(lab):
    """Published zeros cost more; the analyst sees both sides before anything leaves."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tables.protect(lab, by=["borough", "age"], name="ages", dataset="population.residents")
    assert next(str(one.message).rpartition("(")[2] for one in caught) == "privacy.zeros)"
