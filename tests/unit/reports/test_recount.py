"""Counting again: a table says what the rows say, each unit once, and stands alone for its dataset."""

import json
from typing import Any

import pandas as pd
import pytest
from builders.city import CANARY, a_dataset, a_manifest, default_datasets, write_catalogue
from builders.reports import START, write_notebook, write_report
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.disclosure import clearance, tables, tabulation
from stadtbuch.disclosure.groupings import ages
from stadtbuch.disclosure.levels import Levels
from stadtbuch.disclosure.primary import Dominance
from stadtbuch.model.verdict import Finding
from stadtbuch.reports import build, recount, trial

REGISTER = "population.residents"
BANDS = ages(width=30, top=60)
PEOPLE = pd.DataFrame(
    {
        "borough": ["01"] * 10 + ["02"] * 10,
        "age": pd.array([5, 7, 9, 31, 35, 40, 61, 70, 80, 90] * 2, dtype="Int64"),
        "sex": (["f"] * 5 + ["m"] * 5) * 2,
    }
)


def a_record(counts: pd.Series, **changes: Any) -> dict[str, Any]:
    """Give the record of a table made from counts."""
    levels = list(counts.index.names)
    made = tables.protect(
        counts, rows=levels[0], columns=levels[1:] or None, min_count=2, node_limit=100, dataset=REGISTER,
        name="t", unit="person", column_names=["borough", "age", "sex", "year"], groupings=[BANDS],
    )  # fmt: skip
    return made.to_record() | changes


def counted(frame: pd.DataFrame = PEOPLE) -> pd.Series:
    """Count as a notebook should."""
    return frame.groupby(["borough", BANDS.apply(frame["age"]), "sex"], observed=False).size()


def judged(record: dict[str, Any], frame: pd.DataFrame = PEOPLE, **told: Any) -> list[Finding]:
    """Judge one table over the rows that the run saw."""
    return list(recount.judge({"t": record}, frames={REGISTER: frame}, inputs={REGISTER: told}))


def rules(*arguments: Any, **told: Any) -> list[str]:
    """Give the rules of the findings."""
    return [one.rule for one in judged(*arguments, **told)]


def test_a_table_of_counted_rows_passes() -> None:
    """Equal values, bands, crossed variables and all margins."""
    assert rules(a_record(counted())) == []


def test_the_largest_age_is_no_count() -> None:
    """Any whole number looks like a count; it is refused, and the finding holds no number of the table."""
    (found,) = judged(a_record(PEOPLE.groupby(["borough", "sex"])["age"].max().astype("int64")))
    assert found.rule == "reports.recount"
    assert found.text.en.endswith("(cell 1, 2, 3, 4, 5, … of 9).")
    assert "groupby" in found.remedy.en


def test_rows_dropped_in_the_notebook_are_noticed() -> None:
    """The grand total is not the number of rows that were read; the filter belongs into the manifest."""
    assert rules(a_record(counted(PEOPLE[PEOPLE["borough"] == "01"]))) == ["reports.recount"]


def test_rows_without_a_value_are_noticed() -> None:
    """`groupby` leaves them out; whoever wants that says so."""
    gaps = PEOPLE.assign(sex=PEOPLE["sex"].mask(PEOPLE.index == 0))
    assert rules(a_record(counted(gaps)), gaps) == ["reports.recount"]


def test_a_day_may_be_labelled_as_people_write_it() -> None:
    """``2025-12-31`` is the day that pandas writes with its midnight; another day is another one."""
    days = pd.to_datetime(["2024-12-31", "2025-12-31"] * 10)
    frame = PEOPLE.assign(year=days)
    told = a_record(frame.assign(year=frame["year"].dt.strftime("%Y-%m-%d")).groupby(["year", "sex"]).size())
    assert rules(told, frame) == []
    assert rules(told, frame.assign(year=days + pd.Timedelta(days=1))) == ["reports.recount"]


@pytest.mark.parametrize(
    "values", [["a", "b"] * 10, [2024, 2025] * 10, [True, False] * 10, pd.to_datetime(["2025-12-31"] * 20)]
)
def test_values_of_every_type_are_counted(values: Any) -> None:
    """The label is the value's text, whatever its type."""
    frame = PEOPLE.assign(year=values)
    assert rules(a_record(frame.groupby(["year", "sex"]).size()), frame) == []


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 99)), min_size=8, max_size=40))
def test_what_pandas_counts_is_what_is_counted_again(people: list[tuple[str, int]]) -> None:
    """Every cell and every margin agrees with `groupby(...).size()`."""
    frame = pd.DataFrame(people, columns=["borough", "age"])
    bands = {label: BANDS.condition(label) for label in BANDS.labels}
    named = {one: {"column": "borough", "equals": one} for one in "ab"}
    found = recount.counts(frame, {"borough": named, "age_group": bands})
    expected = frame.groupby(["borough", BANDS.apply(frame["age"]).astype("str")]).size().to_dict()
    assert {key: value for key, value in found.items() if None not in key} == expected
    assert found[None, None] == len(frame)
    assert found.get(("a", None), 0) == (frame["borough"] == "a").sum()


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record["cells"][0].update(where=[]),
        lambda record: record["cells"][0]["where"][0].update(equals="02"),
        lambda record: record["cells"][0]["where"][0].update(column="note"),
        lambda record: record.update(where=[{"column": "year", "equals": 2025}]),
        lambda record: record.update(dataset="geography.boroughs"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(change: Any) -> None:
    """Without sound conditions nothing can be counted, and so nothing passes."""
    record = a_record(counted())
    change(record)
    assert rules(record) == ["reports.recount"]


def test_a_person_who_stands_twice_is_refused() -> None:
    """Each row is counted rightly, each person twice."""
    assert rules(a_record(counted()), units_repeat=True) == ["reports.unit-repeated"]


# ---- the way through the gate -------------------------------------------------------------------------


def preparing(root: Any, code: str, *, name: str = "try", **changes: Any) -> Any:
    """Write a preparing notebook."""
    columns = {"columns": ["borough", "age"]} | changes.pop("read", {})
    told = a_manifest(
        purpose="age-structure", risk="low", inputs={REGISTER: columns}, **{"gives": ["t"], **changes}
    )
    return write_notebook(
        root, name, f"{START}\npeople = city.load('{REGISTER}')", code, manifest=told, words=[]
    )


def protecting(counts: str, name: str = "t") -> str:
    """Give the code that protects counts."""
    return f"sb.protect({counts}, name='{name}', dataset='{REGISTER}')"


def checked(built: Any, path: Any) -> set[str]:
    """Check a notebook as the command line does."""
    decision = trial.of_notebook(built.open(), path, [])
    assert CANARY not in str(decision)
    return {one.rule for one in decision.findings}


def test_the_gate_refuses_ages(built) -> None:
    """What nobody counted; a second table of the same register that tells nothing more may stand beside it."""
    sums = protecting("people.groupby('borough')['age'].max().astype('int64')")
    second = protecting("people.groupby('borough').size()", "u")
    path = preparing(built.root, f"{sums}\n{second}", gives=["t", "u"])
    assert checked(built, path) == {"reports.recount"}


def test_a_forgotten_reference_date_is_refused(built) -> None:
    """Each person stands there twice; with one day under rows: the table passes and states the day."""
    file = built.root / "data/residents.csv"
    head, *rows = file.read_text(encoding="utf-8").splitlines()
    doubled = [head, *rows, *(row.replace("2025-12-31", "2024-12-31") for row in rows)]
    file.write_text("\n".join(doubled) + "\n", encoding="utf-8")
    entry = a_dataset(access="closed")
    entry["schema"]["primaryKey"] = ["valid_on", "person_id"]
    write_catalogue(built.root, default_datasets() | {REGISTER: entry})
    count = protecting("people.groupby('borough').size()")
    assert checked(built, preparing(built.root, count)) == {"reports.unit-repeated"}
    one_day = preparing(built.root, count, name="one-day", read={"rows": {"valid_on": "2025-12-31"}})
    assert checked(built, one_day) == set()


PARAMETER = {
    "type": "choice",
    "choices": "catalogue:geography.boroughs.borough",
    "or": ["all"],
    "label": {"de": "Bezirk", "en": "Borough"},
}


def test_a_page_with_a_table_of_its_own_is_refused_beside_others(built) -> None:
    """Each is safe alone; the city's ages minus those of both boroughs are one person. `check` says the same."""
    file = built.root / "data/residents.csv"
    rows = [
        f"P{at:03};{'01' if at < 20 else '02'};{'30' if at % 2 else '70'};2025-12-31;x;ohne"
        for at in range(40)
    ]
    head = file.read_text(encoding="utf-8").splitlines()[0]
    file.write_text("\n".join([head, *rows, "P040;03;30;2025-12-31;x;ohne"]) + "\n", encoding="utf-8")
    told = a_manifest(
        purpose="age-structure", risk="low", gives=["t"], parameters={"borough": PARAMETER},
        inputs={REGISTER: {"columns": ["borough", "age"], "rows": {"borough": "{borough}"}}},
    )  # fmt: skip
    code = (
        f"{START}\npeople = city.load('{REGISTER}')",
        protecting("people.groupby(sb.age_group(people['age'], width=50, top=50)).size()"),
    )
    write_notebook(built.root, "each.prepare", *code, manifest=told, words=[], parameters="borough = 'all'")
    shown = "sb.table(city.load('each.t'), caption={'de': 'x', 'en': 'x'})"
    write_notebook(built.root, "each", START, shown, manifest=a_manifest(inputs={"each.t": {}}))
    write_report(
        built.root, "each", prepare="notebooks/each.prepare.ipynb", release="approval",
        cells={"borough": "catalogue:geography.boroughs.borough"}, also=[{"borough": "all"}],
    )  # fmt: skip
    summary = build.build(built.open(), ["each"], jobs=2)
    assert [one["publication"] for one in summary["runs"]] == ["awaiting-approval"] * 2 + ["refused"]
    (refused,) = [one for one in summary["runs"] if one["publication"] == "refused"]
    assert [one.rule for one in refused["findings"]] == ["privacy.differencing"]
    assert summary["counts"]["executed"] == 5
    assert {one.rule for one in trial.of_report(built.open(), "each").findings} == {"privacy.differencing"}


# ---- hierarchies, units, sums -------------------------------------------------------------------------

FIRMS = pd.DataFrame(
    {
        "branch": ["x"] * 4 + ["y"] * 4 + ["z"] * 4,
        "tax": [940, 20, 10, 10, 100, 110, 90, 120, 60, 61, 62, 63],
        "firm": [f"p{number}" for number in range(12)],
    }
)
CITY = (Dominance(1, 83),)


def cleared_record(measure: tabulation.Measure, frame: pd.DataFrame = FIRMS, **levels: Any) -> dict[str, Any]:
    """Give the record of a table made from rows."""
    made = tabulation.of_rows(frame, name="t", by=["branch"], measure=measure, hierarchies=levels)
    origin = clearance.Origin(REGISTER, "company", ["branch", "tax", "firm"])
    rules = clearance.Rules(2, 1000, concentration=CITY)
    return json.loads(json.dumps(clearance.clear([made], rules=rules, origin=origin)["t"].to_record()))


def found(record: dict[str, Any], frame: pd.DataFrame = FIRMS, **told: Any) -> list[str]:
    """Give the rules of the findings, by the city's rule of concentration."""
    judging = recount.judge(
        {"t": record}, frames={REGISTER: frame}, inputs={REGISTER: told}, concentration=CITY
    )
    return [one.rule for one in judging]


SUM = tabulation.Measure(sum="tax", unit="firm")
GROUPS = {"branch": Levels.of("branch", {"trade": ["x", "y"], "craft": ["z"]})}


@pytest.mark.parametrize(
    "measure", [SUM, tabulation.Measure(), tabulation.Measure(unit="firm"), tabulation.Measure(count="tax")]
)
def test_sums_units_and_groups_are_computed_again(measure: tabulation.Measure) -> None:
    """Every published number is what the rows say; units that stand in several rows are named by the table."""
    record = cleared_record(measure, **GROUPS)
    assert found(record, units_repeat=bool(measure.unit)) == []
    published = next(cell for cell in record["cells"] if cell["value"])
    published["value"] += 1
    assert found(record, units_repeat=bool(measure.unit)) == ["reports.recount"]


def test_a_published_sum_that_one_firm_dominates_is_refused() -> None:
    """Whatever a file says: the gate judges it by the city's rules."""
    record = cleared_record(SUM)
    cell = next(cell for cell in record["cells"] if cell["labels"] == ["x"])
    cell |= {"value": 980, "mark": ""}
    assert found(record) == ["reports.unsafe-cell"]


def shown(record: dict[str, Any], labels: list[str], value: int) -> dict[str, Any]:
    """Publish what is withheld in a record."""
    cell = next(cell for cell in record["cells"] if cell["labels"] == labels)
    assert cell["value"] is None
    cell |= {"value": value, "mark": "" if value else "–"}
    return record


def test_a_withheld_number_that_can_be_computed_is_refused() -> None:
    """Whoever publishes the second of a pair gives the first away: found in sums, groups and counts in a grid."""
    hidden = [cell["labels"] for cell in cleared_record(SUM, **GROUPS)["cells"] if cell["value"] is None]
    assert hidden == [["x"], ["y"]]
    assert found(shown(cleared_record(SUM, **GROUPS), ["y"], 420)) == ["reports.exposed-cell"]
    frame = PEOPLE[:11]
    record = a_record(frame.groupby(["borough", "sex"]).size())
    withheld = [cell["labels"] for cell in record["cells"] if cell["value"] is None]
    assert withheld == [["01", "f"], ["01", None], ["02", "f"], ["02", None]]
    assert rules(record, frame) == []
    assert rules(shown(record, ["01", "f"], 5), frame) == ["reports.exposed-cell"]


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record["hierarchies"]["branch"]["branch_group"].update(trade=["x", "z"]),
        lambda record: record["measure"].update(sum="turnover"),
        lambda record: record["cells"].reverse(),
    ],
)
def test_a_full_table_that_contradicts_itself_is_refused(change: Any) -> None:
    """Groups that are not their labels, a column that was not read, cells in another order."""
    record = cleared_record(SUM, **GROUPS)
    change(record)
    assert found(record) == ["reports.recount"]
