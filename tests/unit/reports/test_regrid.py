"""The gate makes protected places again: whatever is finer, other or more than the rules give is refused."""

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from builders.city import Made
from builders.nature import BIRDS, a_nature_city, birds, evidence, outline, rules

from stadtbuch.disclosure import grid, places
from stadtbuch.errors import ProtectionError, UsageError
from stadtbuch.reports import figures, outputs, regrid
from stadtbuch.reports import places as doing
from stadtbuch.reports.outputs import Outputs
from stadtbuch.reports.tables import protect
from stadtbuch.texts import Text

PROTECTED = ("record", "day", "observer", "geometry")
COLUMNS = ["record", "species", "category", "day", "geometry"]


@pytest.fixture
def nature(tmp_path: Path) -> Made:
    """Give a city whose birds are protected."""
    return a_nature_city(tmp_path / "city")


def record(**changes: Any) -> dict[str, Any]:
    """Give the record that a faithful run leaves on 15 January 2026."""
    told = {
        "dataset": BIRDS, "name": "birds", "show": ["species"], "outline": outline(),
        "before": places.opens(rules().season, datetime(2026, 1, 15, tzinfo=UTC).date()),
        "titles": {name: Text(de=name.capitalize(), en=name.capitalize()) for name in PROTECTED},
    }  # fmt: skip
    return places.coarsen(birds(), rules(), **(told | changes)).to_record()


def found(city: Made, tmp_path: Path, made: dict[str, Any], **told: Any) -> list[str]:
    """Give the rules by which the gate refuses a run's record."""
    left = evidence(tmp_path / "run", {"birds": made}, **told)
    return [one.rule for one in regrid.findings(city.open(), left)]


def test_what_the_rules_give_passes(nature: Made, tmp_path: Path) -> None:
    """Two areas, one class each, nothing of this season."""
    made = record()
    assert [one["number"] for one in made["found"]] == ["1–3", "1–3"]
    assert found(nature, tmp_path, made) == []


def finer(made: dict[str, Any]) -> None:
    """Tell the owl in a cell of one kilometre."""
    made["found"][0]["place"] = "CRS3035RES1000mN3477000E4132000"


def elsewhere(made: dict[str, Any]) -> None:
    """Tell the owl in another area, as if it had been moved."""
    made["found"][0]["place"] = made["found"][1]["place"]


def counted(made: dict[str, Any]) -> None:
    """Tell the number itself."""
    made["found"][0]["number"] = "1"


def named(made: dict[str, Any]) -> None:
    """Hide an observer's name among the labels."""
    made["found"][0]["labels"] = ["owl (Friedhelm Ackerknecht)"]


def this_season(made: dict[str, Any]) -> None:
    """Tell a find of this spring."""
    made["found"].append({**made["found"][0], "year": 2026})


def cut(made: dict[str, Any]) -> None:
    """Take a cell away from an area, so that the area looks smaller."""
    name = next(iter(made["areas"]))
    made["areas"] = {**made["areas"], name: ["CRS3035RES1000mN3477000E4132000"]}


def unexplained(made: dict[str, Any]) -> None:
    """Say nothing about what is left out."""
    made["informationWithheld"] = {"de": "", "en": ""}


def smuggled(made: dict[str, Any]) -> None:
    """Add a field of one's own."""
    made["positions"] = [[54.3, 7.1]]


@pytest.mark.parametrize(
    "change",
    [finer, elsewhere, counted, named, this_season, cut, unexplained, smuggled],
    ids=lambda one: one.__name__,
)
def test_a_changed_record_is_refused(nature: Made, tmp_path: Path, change: Any) -> None:
    """The record must be, part for part, what the rules give."""
    made = deepcopy(record())
    change(made)
    assert found(nature, tmp_path, made) == ["reports.regrid"]


@pytest.mark.parametrize(
    "changes",
    [
        {"outline": outline().set_geometry(outline().scale(0.6, 0.6))},
        {"before": datetime(2026, 12, 1, tzinfo=UTC).date()},
        {"dataset": "environment.bird"},
    ],
    ids=["part of the city", "a later day", "another dataset"],
)
def test_made_by_other_rules_is_refused(nature: Made, tmp_path: Path, changes: dict[str, Any]) -> None:
    """What the notebook hands over does not count; the catalogue, the whole city and today do."""
    assert found(nature, tmp_path, record(**changes)) in (["reports.regrid"], ["reports.places-rules"])


def test_rules_that_became_stricter_hold_at_once(tmp_path: Path) -> None:
    """A record of yesterday's rules is refused today."""
    stricter = a_nature_city(tmp_path / "city", steps={"rare": {"withhold": True}, "common": {"grid": 1000}})
    assert found(stricter, tmp_path, record()) == ["reports.regrid"]


def test_what_the_rules_forbid_cannot_be_made_again(nature: Made, tmp_path: Path) -> None:
    """A record that shows another column than the rules allow is refused, not an error."""
    assert found(nature, tmp_path, record() | {"show": ["observer"]}) == ["reports.regrid"]


def test_counts_of_protected_places_need_places(nature: Made, tmp_path: Path) -> None:
    """A table by quarter would tell more than the rules: only places may leave."""
    table = {"kind": "protected-table", "dataset": BIRDS}
    assert found(nature, tmp_path, table) == ["reports.places-needed"]
    other = {"kind": "protected-table", "dataset": "population.residents"}
    assert found(nature, tmp_path, other) == []


def test_places_of_a_dataset_without_rules_are_refused(nature: Made, tmp_path: Path) -> None:
    """Nobody decided how exactly these may be told."""
    assert found(nature, tmp_path, record(dataset="population.residents")) == ["reports.places-rules"]
    assert found(nature, tmp_path, record(dataset="environment.unknown")) == ["reports.places-rules"]


def test_a_damaged_snapshot_is_not_judged(nature: Made, tmp_path: Path) -> None:
    """The gate refuses what it cannot judge."""
    with pytest.raises(ValueError, match="not the one that was planned"):
        found(nature, tmp_path, record(), sha256="0" * 64)


def test_the_reason_stands_beside_the_places(tmp_path: Path) -> None:
    """A page that reads places says on one of its pictures or tables why they are coarse."""
    left = evidence(tmp_path, {}, protection={"de": "Ruhe.", "en": "Quiet."})
    assert [one.rule for one in regrid.beside(left)] == ["reports.reason-missing"]
    told = {"de": "Legende. Ruhe.", "en": "Legend. Quiet."}
    assert list(regrid.beside(replace(left, figures={"map": {"marks": told}}))) == []
    assert list(regrid.beside(replace(left, shown={"table": {"legend": told}}))) == []
    half = replace(left, figures={"map": {"marks": told | {"en": ""}}})
    assert [one.rule for one in regrid.beside(half)] == ["reports.reason-missing"]


def test_a_picture_takes_the_reason_from_its_sources() -> None:
    """Nobody has to remember it: what a picture is made from says why it is coarse."""
    reason, legend = {"de": "Ruhe.", "en": "Quiet."}, {"de": "Zeichen.", "en": "Signs."}
    out = Outputs(folder=None, facts={"inputs": {"r.birds": {"protection": reason}, "geography.city": {}}})
    assert figures.reasons(out, ["r.birds"], None) == reason
    assert figures.reasons(out, None, legend) == {"de": "Zeichen. Ruhe.", "en": "Signs. Quiet."}
    assert figures.reasons(out, ["geography.city"], None) is None


# ---- sb.places ------------------------------------------------------------------------------------------


def facts(nature: Made) -> dict[str, Any]:
    """Give what a run knows that reads the birds."""
    city = nature.open()
    snapshot = city.snapshot(BIRDS, purpose="age-structure", columns=COLUMNS)
    return {"inputs": {BIRDS: city.describe(snapshot)}, "thresholds": {"min_count": 3}}


def test_a_notebook_hands_out_what_the_gate_expects(nature: Made, tmp_path: Path) -> None:
    """The rows as the door gives them, the rules from the catalogue, today's season: and the gate agrees."""
    city = nature.open()
    rows = city.load(BIRDS, purpose="age-structure", columns=COLUMNS)
    assert set(rows["record"].str.startswith("psn_")) == {True}
    with outputs.into(Outputs(folder=tmp_path, facts=facts(nature))):
        made = doing.places(
            rows, name="birds", dataset=BIRDS, show=["species"], outline=city.load("geography.city")
        )
    assert made.frame["place"].tolist() == [
        grid.code((4130000, 3475000), size=5000),
        grid.code((4138000, 3471000), size=1000),
    ]
    assert (tmp_path / "outputs" / "tables" / "birds.json").exists()
    assert found(nature, tmp_path, made.to_record()) == []


def test_places_need_rules_and_a_dataset_that_is_read(nature: Made, tmp_path: Path) -> None:
    """Each with its own code, and what to do."""
    told = facts(nature)
    bare = {"inputs": {BIRDS: {**told["inputs"][BIRDS]}}}
    del bare["inputs"][BIRDS]["places"]
    for known, dataset, code in (
        (told, "environment.frogs", "places.dataset"),
        (bare, BIRDS, "places.rules"),
    ):
        with outputs.into(Outputs(folder=tmp_path, facts=known)), pytest.raises(UsageError) as refused:
            doing.places(birds(), name="x", dataset=dataset, show=[])
        assert refused.value.code == code
        assert refused.value.remedy is not None


def test_protect_refuses_places(nature: Made, tmp_path: Path) -> None:
    """Counts of nests by district are no way around the grid."""
    counts = birds().groupby("species").size()
    with (
        outputs.into(Outputs(folder=tmp_path, facts=facts(nature))),
        pytest.raises(ProtectionError) as refused,
    ):
        protect(counts, name="x", dataset=BIRDS)
    assert refused.value.code == "protect.places"


def test_the_key_of_a_run_changes_with_the_season_only(nature: Made) -> None:
    """The lock is part of what a run is made from: it is run anew when the season ends, and not every day."""
    told = [
        nature.open(now=datetime(2026, month, 15, tzinfo=UTC)).describe(
            nature.open().snapshot(BIRDS, purpose="age-structure", columns=COLUMNS)
        )
        for month in (1, 6, 10)
    ]
    assert [one["places"]["before"] for one in told] == ["2026-02-01", "2026-02-01", "2027-02-01"]


def test_rows_chosen_by_place_are_refused(nature: Made, tmp_path: Path) -> None:
    """Whoever reads one day or one district only learns more than the grid tells; so does who reads the page."""
    made = record() | {"where": [{"column": "day", "equals": "2025-03-02"}]}
    assert found(nature, tmp_path, made, rows={"day": "2025-03-02"}) == ["reports.regrid"]


def test_a_command_that_runs_ahead_of_the_clock_opens_no_season(tmp_path: Path) -> None:
    """In May, nobody gets this spring's nests by saying it is December."""
    made = a_nature_city(tmp_path / "city")
    ahead = made.open(now=datetime(2026, 12, 1, tzinfo=UTC), clock=datetime(2026, 5, 1, tzinfo=UTC))
    opened = evidence(tmp_path / "run", {"birds": record(before=datetime(2027, 2, 1, tzinfo=UTC).date())})
    assert [one.rule for one in regrid.findings(ahead, opened)] == ["reports.regrid"]
