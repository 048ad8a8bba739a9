"""The register of trees and its mistakes."""

import pytest
import shapely

DATASET = "environment.trees"
CITIES = [("mini", 2026), ("small", 7)]


def ids(rows):
    """Give the tree numbers, in order."""
    return sorted(row["tree_id"] for row in rows)


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_a_tree_stands_in_the_district_that_it_names(made, size, seed):
    """Except for those that were moved on purpose."""
    city = made(size, seed)
    frame, quarters = city.read(DATASET), city.read("geography.areas")
    districts = quarters.dissolve("district").geometry
    right = shapely.covers(districts[frame["district"]].to_numpy(), frame.geometry.to_numpy())
    assert ids(frame[~right].to_dict("records")) == ids(city.defects(DATASET)["wrong-district"])


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_trees_that_stand_twice_in_the_register_are_known(made, pattern, size, seed):
    """Same place, same species, another number; the other of each pair is the tree itself."""
    city = made(size, seed)
    frame = city.read(DATASET)
    place = frame.geometry.to_wkt()
    twice = frame[place.duplicated(keep=False)]
    planted = ids(city.defects(DATASET)["duplicate"])
    assert len(planted) == pattern.traps.trees.duplicates
    assert len(twice) == 2 * len(planted)
    assert set(planted) < set(twice["tree_id"])


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_wrong_spellings_and_numbers_are_where_the_truth_says(made, pattern, size, seed):
    """No species outside the list, no year ahead, no tower, no stem of zero beside them."""
    city = made(size, seed)
    frame, told = city.read(DATASET), city.defects(DATASET)
    known = {one.latin for one in (*pattern.trees.species, pattern.trees.single)}
    wrong = {
        "spelling": ~frame["species_latin"].isin(known),
        "future-year": frame["planted"] > pattern.trees.last_year,
        "unit": frame["height_m"] > 80,
        "zero": frame["girth_cm"] == 0,
    }
    for kind, rows in wrong.items():
        assert ids(frame[rows].to_dict("records")) == ids(told[kind]), kind
    assert set(frame.loc[wrong["spelling"], "species_latin"]) == {
        one.wrong for one in pattern.traps.trees.spellings
    }


def test_harmless_trees_look_suspicious(made, pattern):
    """The only one of its kind, one of nearly four hundred years, and two neighbours of an avenue."""
    city = made("small")
    frame = city.read(DATASET).set_index("tree_id")
    looks = {kind: frame.loc[ids(rows)] for kind, rows in city.look_alikes(DATASET).items()}
    assert looks["rare-species"]["species_latin"].tolist() == [pattern.trees.single.latin]
    assert (frame["species_latin"] == pattern.trees.single.latin).sum() == 1
    assert looks["old-tree"]["girth_cm"].item() > 700
    one, other = looks["neighbours"].geometry
    assert 0 < one.distance(other) < 0.0002
    assert looks["neighbours"]["species_latin"].nunique() == 1


def test_old_trees_are_thick_and_tall(made):
    """Girth and height follow from age and species."""
    frame = made("small").read(DATASET)
    sane = frame[(frame["height_m"] < 80) & (frame["girth_cm"] > 0) & (frame["planted"] <= 2025)]
    age = 2026 - sane["planted"]
    old, young = sane[age > 90], sane[age < 15]
    assert old["girth_cm"].median() > 4 * young["girth_cm"].median()
    assert old["height_m"].median() > 2 * young["height_m"].median()
    assert sane["height_m"].max() < 50


@pytest.mark.parametrize(("size", "trees"), [("mini", 600), ("small", 6000)])
def test_a_larger_city_has_more_trees(made, size, trees):
    """And the copies on top."""
    assert len(made(size).read(DATASET)) == trees + 6
