"""The breeding birds: places, notes and names that lead to nests and people."""

import json
from collections import Counter

import pytest

from stadtbuch.catalog import index
from stadtbuch.privacy import values

DATASET = "environment.breeding_birds"
CITIES = [("mini", 2026), ("small", 2026), ("small", 7)]
METRES = 25832  # EPSG: UTM zone 32


def records(city):
    """Give all records but the test record."""
    return city.without_test_record(DATASET)


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_there_is_one_pair_of_owls_at_one_place(made, pattern, size, seed):
    """Once a year, always within a hundred metres, and every note tells the way."""
    city = made(size, seed)
    frame, told = records(city), city.truth("privacy")["nest"]
    owls = frame[frame["species_latin"] == told["species"]]
    assert owls["record_id"].tolist() == told["records"]
    assert (
        owls["year"].is_unique and (owls["pairs"] == 1).all() and set(owls["category"]) == {"very-sensitive"}
    )
    place = owls.geometry.to_crs(METRES)
    assert place.distance(place.iloc[0]).max() < 100
    assert owls["notes"].str.contains(told["field"]).all()


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_a_careless_note_about_a_common_bird_names_the_place(made, size, seed):
    """Whoever leaves out rare species and keeps the notes has published it."""
    city = made(size, seed)
    told = city.truth("privacy")["nest"]
    careless = records(city).set_index("record_id").loc[told["careless_records"]]
    assert len(careless) == 1
    assert set(careless["category"]) == {"common"}
    assert told["field"] in careless["notes"].item()


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_kingfishers_breed_by_the_river(made, size, seed):
    """No further than two hundred metres from it; blackbirds breed anywhere."""
    city = made(size, seed)
    river = city.read("geography.river").geometry.to_crs(METRES).iloc[0]
    frame = records(city)
    away = frame.geometry.to_crs(METRES).distance(river)
    assert away[frame["species_de"] == "Eisvogel"].max() < 200
    assert away[frame["species_de"] == "Amsel"].max() > 1000


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_positions_of_rare_birds_are_in_the_truth(made, size, seed):
    """All of them, and of no common bird."""
    city = made(size, seed)
    frame = records(city)
    told = [one["record_id"] for one in city.truth("privacy")["places"] if one["dataset"] == DATASET]
    assert sorted(told) == sorted(frame.loc[frame["category"] != "common", "record_id"])


def test_common_birds_are_many(made):
    """Nine of ten records; so that rare ones stand out."""
    frame = records(made("small"))
    assert (frame["category"] == "common").mean() > 0.85
    counts = frame["species_de"].value_counts()
    assert counts["Amsel"] > 20 * counts["Uhu"]


def test_observers_are_people_except_for_the_society(made, pattern):
    """The society's name is no person's: the truth counts its records as harmless."""
    city = made("small")
    frame, told = records(city), city.truth("privacy")
    names = set(frame["observer"])
    assert names == {*told["observers"]["names"], pattern.birds.society}
    assert all(len(name.split()) == 2 for name in told["observers"]["names"])
    harmless = {
        row["record_id"] for one in told["harmless"] if one["dataset"] == DATASET for row in one["rows"]
    }
    assert set(frame.loc[frame["observer"] == pattern.birds.society, "record_id"]) <= harmless


def test_some_notes_hold_a_name(made):
    """Free text holds what nobody expects there."""
    city = made("small")
    told = city.truth("privacy")["observers"]
    named = [note for note in records(city)["notes"].dropna() if any(name in note for name in told["names"])]
    assert len(named) == told["notes_with_names"] > 0


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_a_date_that_contradicts_its_year_is_known(made, size, seed):
    """One record, of a common bird."""
    city = made(size, seed)
    frame = records(city)
    wrong = frame.loc[frame["date"].dt.year != frame["year"], "record_id"].tolist()
    assert wrong == [one["record_id"] for one in city.defects(DATASET)["contradiction"]]


@pytest.mark.parametrize(("size", "seed"), CITIES)
def test_words_about_common_birds_are_vocabulary(made, pattern, size, seed):
    """Each stands in so many rows that a report may use it, too."""
    notes = records(made(size, seed))["notes"].dropna()
    rows = Counter(word for note in notes for word in set(values.words(note)))
    often = {word: rows[word] for wording in pattern.birds.wordings for word in values.words(wording)}
    assert min(often.values()) >= values.VOCABULARY


def test_no_name_of_a_place_is_an_everyday_word(made, root):
    """No report may be refused because a field is called like a thing: names of fields stand in no notebook."""
    city = made("small")
    catalogue = index.load(city.settings).datasets.values()
    public = values.vocabulary(
        json.dumps(one.model_dump(mode="json"), ensure_ascii=False) for one in catalogue
    )
    closed = [*records(city)["notes"].dropna(), *city.without_test_record("environment.wells")["name"]]
    secret = {word for text in closed for word in values.words(text) if len(word) >= values.SHORTEST} - public
    written = [path.read_text(encoding="utf-8") for path in (root / "notebooks").rglob("*.ipynb")]
    used = {word for text in written for word in values.words(text)}
    assert len(secret) > 20
    assert secret & used - {"gehört"} == set()
