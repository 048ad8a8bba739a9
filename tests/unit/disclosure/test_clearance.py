"""Clearance: tabulations become protected tables, together where they measure the same."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stadtbuch.disclosure.clearance import Origin, Rules, clear, policies
from stadtbuch.disclosure.groupings import ages
from stadtbuch.disclosure.levels import Levels
from stadtbuch.disclosure.primary import Dominance
from stadtbuch.disclosure.tables import ProtectedTable
from stadtbuch.disclosure.tabulation import Measure, Tabulation, of_counts, of_rows
from stadtbuch.errors import ProtectionError, UsageError

AREAS = pd.DataFrame(
    {
        "area": [f"a{n}" for n in range(6)],
        "district": list("AABBCC"),
        "borough": ["North"] * 4 + ["South"] * 2,
    }
)
ORIGIN = Origin("demo.people", "person", ["area", "sex", "age", "branch", "tax", "firm"])
RULES = Rules(min_count=3, node_limit=2000)


def counted(
    seed: int = 3, name: str = "t", by: tuple[str, ...] = ("area", "sex"), **levels: Any
) -> Tabulation:
    """Tabulate made-up people."""
    chance = np.random.default_rng(seed)
    people = pd.DataFrame(
        {"area": chance.choice(AREAS["area"], 70), "sex": chance.choice(["f", "m"], 70, p=[0.3, 0.7])}
    )
    return of_rows(people, name=name, by=by, measure=Measure(), hierarchies=levels or HIERARCHY)


HIERARCHY = {"area": Levels.of("area", AREAS)}


def firms(rows: list[tuple[str, int, str]], **measure: Any) -> Tabulation:
    """Tabulate what firms pay."""
    frame = pd.DataFrame(rows, columns=["branch", "tax", "firm"])
    return of_rows(
        frame, name="s", by=["branch"], measure=Measure(sum="tax", unit="firm", **measure), hierarchies={}
    )


def cleared(one: Tabulation, **changed: Any) -> ProtectedTable:
    """Clear one tabulation."""
    return clear([one], rules=Rules(**({"min_count": 3, "node_limit": 2000} | changed)), origin=ORIGIN)[
        one.name
    ]


def test_groups_and_margins_are_published_and_asked_for() -> None:
    """A level is asked for like a variable; a group like a label; margins by None."""
    table = cleared(counted())
    assert table.total() == 70
    assert table.by("borough")["borough"].tolist() == ["North", "South"]
    assert table.by(["district", "sex"]).columns.tolist() == ["district", "sex", "value", "mark"]
    assert table.select(area="North", sex=None)["value"].tolist() == [table.by("borough")["value"][0]]
    assert len(table.select()) == 12
    assert table.table.index.tolist()[-4:] == ["C", "North", "South", "total"]


def test_the_predicate_of_a_group_is_that_of_its_labels() -> None:
    """So the gate can count it again, and later tables can be compared with it."""
    where = {cell.labels: list(cell.where) for cell in cleared(counted()).cells}
    assert where["A", "f"] == [{"column": "area", "in": ["a0", "a1"]}, {"column": "sex", "equals": "f"}]
    assert where[None, "f"] == [{"column": "sex", "equals": "f"}]


def test_bands_are_joined_to_bands() -> None:
    """A group of age bands is a longer band; one with a gap is refused."""
    bands = ages(width=30, top=60)
    counts = pd.Series([20, 30, 40], index=pd.Index(bands.labels, name="age_group"))
    origin = Origin("demo.people", "person", ["age"], groupings=[bands])
    joined = of_counts(
        counts, name="t", by=["age_group"], hierarchies={"age_group": grouped(bands.labels[:2], ("60+",))}
    )
    where = {cell.labels: cell.where for cell in clear([joined], rules=RULES, origin=origin)["t"].cells}
    assert where["first",] == ({"column": "age", "from": 0, "to": 59},)
    apart = of_counts(
        counts, name="t", by=["age_group"], hierarchies={"age_group": grouped(bands.labels[::2], ("30–59",))}
    )
    with pytest.raises(ProtectionError) as caught:
        clear([apart], rules=RULES, origin=origin)
    assert caught.value.code == "protect.node-gap"


def grouped(first: tuple[str, ...], second: tuple[str, ...]) -> Levels:
    """Group age bands."""
    return Levels.of("age_group", {"first": first, "second": second})


def test_the_record_holds_everything_that_readers_need() -> None:
    """Read back it is the same table, with the same intervals; no status, no finding, no hidden number."""
    table = cleared(counted())
    record = json.loads(json.dumps(table.to_record()))
    again = ProtectedTable.from_record(record)
    assert (again, again.status) == (table, {})
    assert again.intervals.equals(table.intervals)
    assert (record["format"], record["safety"], record["layout"]) == (2, "U", "cube")
    assert {tuple(cell) for cell in record["cells"]} == {("labels", "value", "mark", "where")}
    assert {key for cell in record["cells"] if cell["mark"] == "·" for key in [cell["value"]]} == {None}


@pytest.mark.parametrize(
    "change", [{"safety": "R"}, {"zeros": "sometimes"}, {"layout": "x"}, {"hierarchies": 3}]
)
def test_other_full_records_are_refused(change: dict[str, Any]) -> None:
    """What is no record of this version is said so."""
    with pytest.raises(UsageError) as caught:
        ProtectedTable.from_record(cleared(counted()).to_record() | change)
    assert caught.value.code == "table.record"


def test_tables_of_one_call_are_protected_together() -> None:
    """What both count is withheld in both or in none, and each knows the other."""
    made = clear(
        [counted(name="t"), counted(name="u", by=("sex", "area")), counted(name="v", by=("area",))],
        rules=RULES, origin=ORIGIN,
    )  # fmt: skip
    shown = {cell.labels: cell.value for cell in made["t"].cells}
    assert {cell.labels[::-1]: cell.value for cell in made["u"].cells} == shown
    assert {(*cell.labels, None): cell.value for cell in made["v"].cells}.items() <= shown.items()
    assert made["v"].together == ("t", "u", "v")
    assert ProtectedTable.from_record(made["v"].to_record()) == made["v"]


def test_a_dominated_sum_is_withheld() -> None:
    """One firm with nearly everything of its branch, by a rule whose parameters are nowhere in the record."""
    rows = [("x", 970, "p1"), ("x", 10, "p2"), ("x", 9, "p3"), ("y", 100, "p4"), ("y", 110, "p5"), ("y", 90, "p6"),
            ("z", 300, "p7"), ("z", 310, "p8"), ("z", 290, "p9")]  # fmt: skip
    table = cleared(firms(rows), concentration=(Dominance(1, 83),))
    assert table.status["x",] == "u"
    assert table.frame["mark"].tolist()[0] == "·"
    assert table.total() == sum(value for _, value, _ in rows)
    told = json.dumps(table.to_record(), ensure_ascii=False)
    assert '"concentration"' in told
    assert "83" not in told
    assert "83" not in "".join(one.text.de + one.remedy.de for one in table.findings)


def test_one_payer_in_several_rows_is_one() -> None:
    """Split into three payments, the only payer of a branch stays the only one."""
    rows = (
        [("x", 30, "p1")] * 3
        + [("y", 30, f"q{n}") for n in range(4)]
        + [("z", 30, f"r{n}") for n in range(4)]
    )
    assert cleared(firms(rows), concentration=(Dominance(1, 99),)).status["x",] == "u"


def test_cents_are_published_as_euros() -> None:
    """Inside whole cents, outside two decimals."""
    rows = [("x", 10.25, f"p{n}") for n in range(4)] + [("y", 20.5, f"q{n}") for n in range(4)]
    table = cleared(firms(rows, places=2), concentration=(Dominance(1, 90),))  # type: ignore[arg-type]
    assert (table.frame["value"].tolist(), table.total()) == ([41.0, 82.0, 123.0], 123.0)
    assert table.table.loc["x", "value"] == "41.00"
    assert ProtectedTable.from_record(json.loads(json.dumps(table.to_record()))) == table


def test_sums_need_a_rule_of_concentration() -> None:
    """A city that decided none publishes no sums."""
    with pytest.raises(ProtectionError) as caught:
        cleared(firms([("x", 3, "p")]))
    assert caught.value.code == "protect.concentration"


@pytest.mark.parametrize(
    ("rules", "code"), [({"min_count": 1}, "protect.min-count"), ({"min_count": 99}, "protect.impossible")]
)
def test_what_cannot_be_protected_is_refused(rules: dict[str, Any], code: str) -> None:
    """No minimum, or fewer in all than it asks for."""
    with pytest.raises(ProtectionError) as caught:
        cleared(counted(), **rules)
    assert caught.value.code == code


def test_what_is_public_already_stays() -> None:
    """A cell that must be published is, whatever it costs, and its status says so."""
    before = cleared(counted())
    lost = next(labels for labels, kind in before.status.items() if kind == "x" and labels[0] is not None)
    known = [dict(zip(before.variables, lost, strict=True)), {}]
    after = clear([counted()], rules=RULES, origin=ORIGIN, published=known)["t"]
    assert (after.status[lost], after.status[None, None]) == ("z", "z")
    assert after.total() == 70
    assert after.suppressed > 0


def test_what_cannot_be_public_is_refused() -> None:
    """A cell that no table has, and one that is unsafe by itself; named by its place in the list."""
    unsafe = next(labels for labels, kind in cleared(counted()).status.items() if kind == "u")
    for known in ({"area": "Erika"}, {"district": "A"}, dict(zip(("area", "sex"), unsafe, strict=True))):
        with pytest.raises(ProtectionError) as caught:
            clear([counted()], rules=RULES, origin=ORIGIN, published=[{}, known])
        assert caught.value.code == "protect.published"
        assert "cell 2" in caught.value.what.en
        assert "Erika" not in caught.value.render("de")


def test_both_policies_for_zeros_say_what_they_cost() -> None:
    """The analyst sees what is withheld where zeros are published and where they may be withheld too."""
    (found,) = policies([counted()], rules=RULES)
    assert (found.rule, found.subject) == ("privacy.zeros", "t")
    table = cleared(counted())
    assert f"published {table.suppressed} cells" in found.text.en
    either = cleared(counted(), zeros="may-be-withheld")
    assert f"too it is {either.suppressed} (" in found.text.en
    assert "hidden-at-least-0" in either.rules
    assert (either.intervals["at_least"] >= 0).all()


def test_what_withholding_costs_is_a_choice() -> None:
    """By cells there are no more withheld than by values."""
    few = cleared(counted(), cost="cell").suppressed
    assert 0 < few <= cleared(counted()).suppressed


def test_everybody_in_one_cell_is_said() -> None:
    """Group disclosure is told inside, without a label."""
    counts = pd.Series(
        [30, 20, 40],
        index=pd.MultiIndex.from_tuples([("a", "f"), ("b", "f"), ("b", "m")], names=["area", "sex"]),
    )
    found = cleared(of_counts(counts, name="t", by=["area", "sex"], hierarchies={})).findings
    assert [one.rule for one in found] == ["privacy.suppressed", "privacy.group-disclosure"]


def test_a_record_that_was_sorted_by_name_is_read_in_the_order_of_its_cells() -> None:
    """Runs keep records with sorted keys; what readers can compute is the same, level by level."""
    table = clear([counted()], rules=RULES, origin=ORIGIN)["t"]
    again = ProtectedTable.from_record(json.loads(json.dumps(table.to_record(), sort_keys=True)))
    assert list(again.hierarchies["area"]) == ["district", "borough"]
    pd.testing.assert_frame_equal(again.intervals, table.intervals)
    assert len(again.intervals) > 0
