"""Protected tables: what goes in, what is refused, what the public record holds."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtbuch.disclosure import tables
from stadtbuch.disclosure.groupings import Grouping, age_group
from stadtbuch.disclosure.tables import ProtectedTable
from stadtbuch.errors import ProtectionError, UsageError
from stadtbuch.suppression import closing

COLUMNS = ["district", "sex", "age"]


def a_series(counts: dict[tuple, Any], names: tuple[str, ...] = ("district", "sex")) -> pd.Series:
    """Make counts over named variables."""
    return pd.Series(list(counts.values()), index=pd.MultiIndex.from_tuples(counts, names=names))


GOOD = {
    ("Nord", "m"): 2,
    ("Nord", "w"): 20,
    ("Süd", "m"): 30,
    ("Süd", "w"): 41,
    ("West", "m"): 9,
    ("West", "w"): 7,
}


def protect(counts: Any, **changed: Any) -> ProtectedTable:
    """Protect with everything as usual but for what is changed."""
    usual: dict[str, Any] = {
        "rows": "district", "columns": "sex", "min_count": 3, "node_limit": 1000, "dataset": "demo.people",
        "name": "people", "unit": "person", "column_names": COLUMNS,
    }  # fmt: skip
    return tables.protect(counts, **(usual | changed))


def refusal(counts: Any, **changed: Any) -> ProtectionError:
    """Give the error that protecting ends with."""
    with pytest.raises(ProtectionError) as caught:
        protect(counts, **changed)
    return caught.value


def test_total_and_margins_are_published() -> None:
    """The margins of rows and columns and the grand total belong to the table."""
    table = protect(a_series(GOOD))
    assert table.total() == 109
    assert table.select(district=None)["value"].tolist() == [41, 68]
    assert table.select(sex=None)["value"].tolist() == [22, 71, 16]
    assert table.suppressed == 4


def test_by_takes_the_margin() -> None:
    """Counts by one variable are the published margin."""
    by = protect(a_series(GOOD)).by("sex")
    assert by.columns.tolist() == ["sex", "value", "mark"]
    assert by["value"].tolist() == [41, 68]
    assert by["value"].dtype == "Int64"


def test_by_does_not_sum_over_hidden_cells() -> None:
    """Where a part of a sum is hidden there is no sum."""
    counts = a_series(
        {("Nord", "00–04", "m"): 2, ("Nord", "00–04", "w"): 8, ("Süd", "00–04", "w"): 9,
         ("Nord", "30–34", "m"): 12, ("Süd", "30–34", "m"): 14, ("Nord", "30–34", "w"): 15,
         ("Süd", "30–34", "w"): 16},
        ("district", "age_group", "sex"),
    )  # fmt: skip
    table = protect(counts, columns=["age_group", "sex"])
    by_age = table.by("age_group").set_index("age_group")
    parts = table.select(district=None).set_index(["age_group", "sex"])
    for label, row in by_age.iterrows():
        hidden = parts.loc[label]["value"].isna().any()
        assert pd.isna(row["value"]) == hidden
        assert row["mark"] == ("·" if hidden else "")
    assert pd.isna(by_age["value"]).any()
    assert table.by(["age_group", "sex"])["value"].tolist() == parts["value"].tolist()


def test_select_runs_through_what_is_not_named() -> None:
    """Selecting one label gives the inner cells of the other variable, without margins."""
    chosen = protect(a_series(GOOD)).select(district="Süd")
    assert chosen["sex"].tolist() == ["m", "w"]
    assert chosen["district"].tolist() == ["Süd", "Süd"]


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda table: table.by("age"), "table.unknown-variable"),
        (lambda table: table.select(age="3"), "table.unknown-variable"),
        (lambda table: table.select(sex="x"), "table.unknown-label"),
    ],
)
def test_unknown_names_are_said(ask: Any, code: str) -> None:
    """A variable or label that the table does not have is named, with those it has."""
    with pytest.raises(UsageError) as caught:
        ask(protect(a_series(GOOD)))
    assert caught.value.code == code


def test_one_dimension() -> None:
    """A table may have rows only."""
    table = protect(pd.Series([2, 9, 5], index=pd.Index(["a", "b", "c"], name="district")), columns=None)
    assert table.frame["mark"].tolist() == ["·", "", "·", ""]
    assert table.frame["district"].tolist() == ["a", "b", "c", "total"]
    assert table.columns == ()


def test_labels_keep_their_order() -> None:
    """Ordered categories keep their order, whole numbers count, other labels are sorted."""
    people = pd.DataFrame({"age": [95] * 9 + [7] * 9 + [31] * 9, "sex": [10, 9, 10] * 9})
    counts = people.groupby([age_group(people["age"]), "sex"]).size()
    table = protect(counts, rows="age_group")
    assert table.labels["age_group"] == ("05–09", "30–34", "90+")
    assert table.labels["sex"] == ("9", "10")


def test_predicates_of_cells() -> None:
    """Every cell says over catalogue columns which rows it counts; a margin has one condition less."""
    people = pd.DataFrame({"district": ["01", "02"] * 20, "age": [86] * 20 + [93] * 20})
    counts = people.groupby(["district", age_group(people["age"])]).size()
    table = protect(counts, columns="age_group")
    where = {cell.labels: list(cell.where) for cell in table.cells}
    assert where["01", "85–89"] == [
        {"column": "district", "equals": "01"},
        {"column": "age", "from": 85, "to": 89},
    ]
    assert where["01", None] == [{"column": "district", "equals": "01"}]
    assert where[None, "90+"] == [{"column": "age", "from": 90, "to": None}]
    assert where[None, None] == []


def test_predicate_of_a_number_stays_a_number() -> None:
    """The condition on a column of whole numbers holds a whole number."""
    counts = pd.Series([12, 15], index=pd.Index([2024, 2025], name="age"))
    table = protect(counts, rows="age", columns=None)
    assert table.cells[0].where == ({"column": "age", "equals": 2024},)


def test_order_of_the_input_does_not_matter() -> None:
    """Shuffled counts give the same table."""
    chance = np.random.default_rng(4)
    cells = {(f"d{row}", f"s{column}"): int(chance.poisson(5)) for row in range(6) for column in range(5)}
    counts = a_series(cells)
    first, again = protect(counts), protect(counts.sample(frac=1, random_state=3))
    assert first.to_record() == again.to_record()


def test_record_tells_no_reason_and_no_hidden_number() -> None:
    """The public record has no status, no finding, and nothing but a mark for a hidden cell."""
    table = protect(a_series(GOOD))
    record = json.loads(json.dumps(table.to_record()))
    hidden = [cell for cell in record["cells"] if cell["value"] is None]
    assert {tuple(cell) for cell in hidden} == {("labels", "value", "mark", "where")}
    assert {cell["mark"] for cell in hidden} == {"·"}
    assert set(record) == {
        "format", "kind", "name", "dataset", "unit", "rows", "columns", "min_count", "rules", "labels",
        "legend", "where", "cells",
    }  # fmt: skip
    assert table.findings[0].text.en == (
        "people: 1 cells below the minimum count and 3 more for their protection withheld."
    )


counts_of_tables = st.dictionaries(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["m", "w", 'ä "x"'])), st.integers(0, 40), min_size=1
)


@settings(max_examples=40, deadline=None)
@given(counts_of_tables)
def test_record_round_trip(cells: dict[tuple, int]) -> None:
    """What is written as JSON and read again is the same table, with the same page."""
    if sum(cells.values()) in (1, 2):
        return
    table = protect(a_series(cells))
    again = ProtectedTable.from_record(json.loads(json.dumps(table.to_record())))
    assert again == table
    assert again.frame.equals(table.frame)
    assert again._repr_html_() == table._repr_html_()


@pytest.mark.parametrize(
    "record", [{}, {"format": 2}, {"format": 1, "name": "x"}, [], {"format": 1, "cells": 3}]
)
def test_other_records_are_refused(record: Any) -> None:
    """What is no record of this version is said so."""
    with pytest.raises(UsageError) as caught:
        ProtectedTable.from_record(record)
    assert caught.value.code == "table.record"


def test_legend_explains_both_marks() -> None:
    """The legend names the rule in both languages and does not call it censored."""
    legend = protect(a_series(GOOD), min_count=5).legend
    assert legend.de.startswith("· geheim gehalten: Zahlen von 1 bis 4")
    assert legend.en.startswith("· withheld: counts from 1 to 4")
    assert "–" in legend.de


BAD = [
    ("protect.empty", a_series(GOOD).iloc[:0], {}),
    ("protect.negative", a_series(GOOD | {("Nord", "m"): -7}), {}),
    ("protect.missing-count", a_series(GOOD | {("Nord", "m"): float("nan")}), {}),
    ("protect.not-whole", a_series(GOOD | {("Nord", "m"): 7.5}), {}),
    ("protect.not-whole", a_series(GOOD | {("Nord", "m"): float("inf")}), {}),
    ("protect.not-whole", a_series({place: bool(count) for place, count in GOOD.items()}), {}),
    ("protect.not-whole", a_series({place: str(count) for place, count in GOOD.items()}), {}),
    ("protect.duplicate", pd.concat([a_series(GOOD).iloc[:3], a_series({("Nord", "m"): 7})]), {}),
    ("protect.unknown-variable", a_series(GOOD), {"columns": "gender"}),
    ("protect.variable-twice", a_series(GOOD), {"columns": "district"}),
    ("protect.too-many-dimensions", a_series(GOOD), {"columns": None}),
    ("protect.no-rows", a_series(GOOD), {"rows": []}),
    ("protect.label-missing", a_series(GOOD | {(None, "m"): 7}), {}),
    ("protect.label-missing", a_series(GOOD | {(" ", "m"): 7}), {}),
    ("protect.label-margin", a_series(GOOD | {("Insgesamt", "m"): 7}), {}),
    ("protect.label-margin", a_series(GOOD | {("Nord", "total"): 7}), {}),
    ("protect.unknown-grouping", a_series(GOOD), {"column_names": ["district"]}),
    (
        "protect.unknown-label",
        a_series(GOOD),
        {"groupings": [Grouping("district", "age", edges=(0,), labels=("Nord",))]},
    ),
    ("protect.min-count", a_series(GOOD), {"min_count": 1}),
    ("protect.impossible", a_series({("Nord", "m"): 2, ("Nord", "w"): 0}), {}),
    ("protect.too-large", a_series({(f"d{i}", f"s{j}"): 5 for i in range(150) for j in range(140)}), {}),
]


@pytest.mark.parametrize(
    ("code", "counts", "changed"), BAD, ids=[f"{number}-{bad[0]}" for number, bad in enumerate(BAD)]
)
def test_bad_input_has_its_own_words(code: str, counts: pd.Series, changed: dict) -> None:
    """Each kind of bad input has its code, says what to do in both languages, and names no count."""
    error = refusal(counts, **changed)
    assert error.code == code
    assert error.exit_code == 3
    assert error.remedy is not None
    assert error.what.de != error.what.en
    assert " 7" not in error.render("de") + error.render("en")


def test_a_list_is_no_counts() -> None:
    """What is no Series is refused like an empty one."""
    assert refusal([1, 2]).code == "protect.empty"


@pytest.mark.parametrize(
    ("nameable", "told"),
    [
        (["district", "sex"], "Das Feld 3 von 6 (district Süd, sex m) hat eine negative Zahl."),
        (["sex"], "Das Feld 3 von 6 (sex m) hat eine negative Zahl."),
        ([], "Das Feld 3 von 6 hat eine negative Zahl."),
    ],
)
def test_cell_errors_name_the_cell(nameable: list[str], told: str) -> None:
    """The text says which cell it is, with the labels that may be told, so that it can be found."""
    assert refusal(a_series(GOOD | {("Süd", "m"): -7}), nameable=nameable).what.de == told


def test_cells_that_cannot_be_protected_are_named() -> None:
    """The refusal of a whole table names the cell the same way, margins left out."""
    counts = a_series({("Nord", "m"): 1, ("Süd", "m"): 0, ("Nord", "w"): 9, ("Süd", "w"): 9})
    error = refusal(counts.iloc[:2] * 2, nameable=["district"])
    assert error.code == "protect.impossible"
    assert "Nord" not in refusal(counts.iloc[:2] * 2).render("de")


def test_a_grouping_tells_its_own_labels_only() -> None:
    """What stands under the name of a grouping and is none of its labels is not told."""
    bands = Grouping("band", "age", edges=(0, 18), labels=("0–17", "18+"))
    own, foreign = ("Nord", "18+"), ("Nord", "Erika Musterfrau")
    counts = a_series({own: -1, ("Nord", "0–17"): 5}, ("district", "band"))
    assert "(band 18+)" in refusal(counts, columns="band", groupings=[bands]).what.de
    for number in (-1, 5):
        error = refusal(
            a_series({foreign: number}, ("district", "band")),
            columns="band",
            groupings=[bands],
            nameable=["band"],
        )
        assert "Erika" not in error.render("de") + error.render("en")


SECRET = "Erika Musterfrau, Betreuung"


def spoilt() -> list[tuple[pd.Series, dict]]:
    """Give every kind of mistake with a secret among the labels."""
    bad = [series for code, series, _ in BAD if len(series) and len(series) < 20]
    named = [series.rename(index={"Nord": SECRET, "Süd": f"{SECRET} II"}) for series in bad]
    changes = [changed for code, series, changed in BAD if len(series) and len(series) < 20]
    return list(zip(named, changes, strict=True))


def test_no_message_tells_a_label_that_is_not_nameable() -> None:
    """Whatever is wrong: a label is data, and the message stands on screens and in results."""
    for series, changed in spoilt():
        error = refusal(series, **changed)
        assert "Erika" not in error.render("de") + error.render("en"), error.code


def test_asking_a_table_for_an_unknown_label_repeats_none() -> None:
    """The answer points to the labels, and tells neither them nor what was asked for."""
    with pytest.raises(UsageError) as caught:
        protect(a_series(GOOD)).select(district="Erika")
    assert not {"Nord", "Süd", "Erika"} & set(caught.value.render("de").replace(".", " ").split())


def test_whole_floats_are_counts() -> None:
    """Counts that pandas turned into floats are read as counts."""
    assert protect(a_series({place: float(count) for place, count in GOOD.items()})).total() == 109


def test_unproven_pattern_is_not_published(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the search hands over a pattern without proof, the table is refused."""

    def careless(problem: closing.Problem, *, node_limit: int) -> closing.Pattern:
        return closing.Pattern(problem.primary, {}, optimal=node_limit > 1, nodes=0)

    monkeypatch.setattr(closing, "close", careless)
    assert refusal(a_series(GOOD)).code == "protect.audit"
    assert refusal(a_series(GOOD), node_limit=1).code == "protect.node-limit"


def test_pattern_that_is_perhaps_too_dear_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A safe pattern without proof of being the cheapest is used, with a finding."""
    real = closing.close

    def tired(problem: closing.Problem, *, node_limit: int) -> closing.Pattern:
        found = real(problem, node_limit=node_limit)
        return closing.Pattern(found.hidden, found.moves, optimal=False, nodes=found.nodes)

    monkeypatch.setattr(closing, "close", tired)
    assert [one.rule for one in protect(a_series(GOOD)).findings] == [
        "privacy.suppressed",
        "privacy.not-optimal",
    ]


def test_status_says_inside_why_a_cell_is_withheld() -> None:
    """Unsafe, withheld for others, published: known in the house only, and gone from the record."""
    table = protect(a_series(GOOD))
    kinds = sorted(table.status.values())
    assert (kinds.count("u"), kinds.count("x")) == (1, 3)
    assert {labels for labels, kind in table.status.items() if kind != "s"} == {
        cell.labels for cell in table.cells if cell.value is None
    }
    assert ProtectedTable.from_record(table.to_record()).status == {}


def test_intervals_come_from_published_numbers_only() -> None:
    """Whoever has the record computes the same intervals; each holds the value and more than one number."""
    table = protect(a_series(GOOD))
    again = ProtectedTable.from_record(table.to_record()).intervals
    assert table.intervals.equals(again)
    assert len(again) == table.suppressed
    assert (again["at_least"] >= 1).all()
    assert ((again["at_most"] - again["at_least"]).fillna(9) >= 1).all()


def test_table_is_what_readers_see() -> None:
    """One line per label, margins last, signs where nothing or a secret stands."""
    shown = protect(a_series(GOOD)).table
    assert shown.index.tolist()[-1] == "total"
    assert shown.loc["total", "total"] == "109"
    assert (shown == "·").sum().sum() == 4


def test_all_of_a_row_in_one_column_is_said() -> None:
    """Group disclosure is found and told inside, without the cell's number or label."""
    counts = a_series({("Nord", "m"): 30, ("Nord", "w"): 0, ("Süd", "m"): 20, ("Süd", "w"): 40})
    found = protect(counts).findings
    assert [one.rule for one in found] == ["privacy.suppressed", "privacy.group-disclosure"]
    assert "2 cells" in found[1].text.en


def test_a_pattern_that_the_audit_doubts_is_not_published(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proofs that are believed do not suffice: the audit from outside must agree."""

    def careless(problem: closing.Problem, *, node_limit: int) -> closing.Pattern:
        return closing.Pattern(problem.primary, {}, optimal=node_limit > 1, nodes=0)

    monkeypatch.setattr(closing, "close", careless)
    monkeypatch.setattr(closing, "proven", lambda problem, pattern: [])
    assert refusal(a_series(GOOD)).code == "protect.audit"


def test_shown_in_the_lab() -> None:
    """In the lab the table shows its marks, its margins and its legend, with labels escaped."""
    html = protect(a_series(GOOD | {("<b>", "m"): 12, ("<b>", "w"): 0}))._repr_html_()
    assert "<td>·</td>" in html
    assert "&lt;b&gt;" in html
    assert "<td>–</td>" in html
    assert "geheim gehalten" in html
