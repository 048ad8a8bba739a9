"""What the generator writes and what the catalogue says about it belong together."""

from datetime import date
from pathlib import Path

import pytest

from stadtbuch.access import policy
from stadtbuch.catalog import index
from stadtbuch.texts import LANGUAGES

OPEN = (
    "environment.air_quality",
    "environment.air_stations",
    "environment.trees",
    "finance.budget",
    "finance.budget_areas",
    "geography.areas",
    "geography.boroughs",
    "geography.districts",
    "geography.river",
    "mobility.bicycle_counters",
    "mobility.bicycle_counts",
    "participation.air_sensors_donated",
    "population.residents_by_borough",
)


def test_every_dataset_is_described_and_every_description_has_data(made):
    """Nothing is made that the catalogue does not know, nothing is promised that is not made."""
    city = made("mini")
    assert set(index.load(city.settings).datasets) == set(city.told["tables"])


@pytest.mark.parametrize("size", ["mini", "small"])
def test_everything_is_read_back_through_the_catalogue(made, size):
    """Each source fits its schema, row by row."""
    city = made(size)
    for dataset, rows in city.told["tables"].items():
        frame = city.read(dataset)
        assert len(frame) == rows
        assert list(frame.columns) == list(index.load(city.settings).get(dataset).table.names)


def test_primary_keys_and_required_columns_hold(made):
    """What the schema promises is true."""
    city = made("mini")
    for dataset in index.load(city.settings).datasets.values():
        frame = city.read(dataset.id)
        assert not frame.duplicated(list(dataset.table.primary_key)).any(), dataset.id
        for column in dataset.table.fields:
            if column.constraints.required:
                assert frame[column.name].notna().all(), (dataset.id, column.name)
            if column.constraints.unique:
                assert frame[column.name].is_unique, (dataset.id, column.name)
            if column.constraints.pattern:
                assert frame[column.name].str.fullmatch(column.constraints.pattern).all()


def test_german_numbers_dates_and_umlauts_are_in_the_files(made):
    """The files are as offices publish them, so that parsing by schema is really needed."""
    data = made("mini").settings.folder("data") / "mobility"
    counts = (data / "bicycle_counts.csv").read_bytes()
    first, row = counts.split(b"\r\n")[:2]
    assert first == "Zählstelle;Datum;Anzahl Räder".encode("cp1252")
    assert row.startswith(b"001;01.01.2025;")
    assert b"k. A." in counts
    assert any(cell.count(b".") == 1 for cell in counts.split(b";") if cell[-3:].isdigit())
    stations = (data / "bicycle_counters.csv").read_bytes()
    assert stations.startswith("\ufeffNummer;Name".encode())
    assert ";7," in stations.decode("utf-8-sig")


def test_a_thousands_point_is_no_decimal(made):
    """``1.204`` bicycles are one thousand two hundred and four."""
    city = made("mini")
    lines = (
        (city.settings.folder("data") / "mobility" / "bicycle_counts.csv")
        .read_text("cp1252")
        .splitlines()[1:]
    )
    plain = [line.split(";")[2].replace(".", "") for line in lines if "k. A." not in line]
    assert city.read("mobility.bicycle_counts")["count"].dropna().sum() == sum(map(int, plain))


def test_there_are_open_shared_and_closed_data_with_their_reasons(made):
    """What is withheld says why, what was tried, and that nobody outside has a licence."""
    datasets = index.load(made("mini").settings).datasets
    assert tuple(id for id, one in datasets.items() if one.is_open) == OPEN
    withheld = {id: one for id, one in datasets.items() if not one.is_open}
    assert {id: (one.access_class, one.access.reason.kind) for id, one in withheld.items()} == {
        "environment.breeding_birds": ("closed", "nature-protection"),
        "environment.wells": ("closed", "security"),
        "finance.trade_tax": ("closed", "trade-secret"),
        "mobility.bicycle_counts_hourly": ("shared", "third-party-rights"),
        "population.households": ("closed", "personal-data"),
        "population.residents": ("closed", "personal-data"),
        "social.welfare_quarters": ("closed", "statistical-secrecy"),
    }
    for one in withheld.values():
        assert one.access.preparation.tried
        assert one.access.use_restrictions
        assert one.license is None
        assert one.attribution


def test_what_the_shared_hours_became_is_open(made):
    """The attempt to publish led to a dataset that exists, and whose columns have no hours."""
    datasets = index.load(made("mini").settings).datasets
    hourly = datasets["mobility.bicycle_counts_hourly"]
    assert hourly.access.preparation.tried == ("aggregate",)
    assert "mobility.bicycle_counts" in hourly.access.preparation.outcome.de
    assert datasets["mobility.bicycle_counts"].table.names == ("station_id", "day", "count")
    assert hourly.custody.kind == "third-party"
    assert hourly.custody.reason


@pytest.mark.parametrize(
    ("role", "purpose", "day", "allowed"),
    [
        ("analyst", "traffic-planning", date(2027, 12, 31), True),
        ("analyst", "traffic-planning", date(2028, 1, 1), False),
        ("research", "cycling-research", date(2027, 6, 30), True),
        ("research", "traffic-planning", date(2027, 6, 30), False),
        ("visitor", "traffic-planning", date(2026, 6, 30), False),
    ],
)
def test_shared_means_for_a_role_a_purpose_and_a_time(made, role, purpose, day, allowed):
    """Planning may see the hours until the end of 2027, research under its agreement; others may not."""
    hourly = index.load(made("mini").settings).get("mobility.bicycle_counts_hourly")
    decision = policy.decide(hourly, role=role, purpose=purpose, columns=["station_id", "count"], now=day)
    assert decision.allowed is allowed
    agreements = {grant.role: grant.agreement for grant in hourly.access.grants}
    assert agreements["research"]


def test_purposes_allow_what_the_analyses_need(made):
    """The age structure may be read without identifiers; names may be read for no purpose at all."""
    privacy = index.load(made("mini").settings).get("population.residents").privacy
    assert privacy.purposes["age-structure"] == ("reference_date", "borough", "district", "age", "sex")
    assert "person_id" in privacy.purposes["address-check"]
    assert not any("full_name" in columns for columns in privacy.purposes.values())


def test_there_is_a_grant_that_has_expired(made):
    """Tests of refusals need one."""
    grants = index.load(made("mini").settings).get("population.residents").access.grants
    assert {grant.role: grant.until.isoformat() for grant in grants} == {
        "analyst": "2027-12-31",
        "planner": "2025-06-30",
    }


def test_every_title_says_that_the_data_are_made_up(made):
    """In both languages."""
    words = {"de": "(synthetisch)", "en": "(synthetic)"}
    for dataset in index.load(made("mini").settings).datasets.values():
        assert all(dataset.title.pick(language).endswith(words[language]) for language in LANGUAGES), (
            dataset.id
        )


def test_labels_name_the_boroughs_as_the_map_does(made):
    """The code list of the register and the map cannot drift apart."""
    city = made("mini")
    boroughs = city.read("geography.boroughs").set_index("borough")["borough_name"].to_dict()
    labels = index.load(city.settings).get("population.residents").table.column("borough").labels
    assert {code: label.de for code, label in labels.items()} == boroughs


def test_labels_cover_every_code_of_the_last_stock(made):
    """No code in a table stays without a wording."""
    city = made("small")
    table = index.load(city.settings).get("population.residents").table
    for column in ("borough", "sex", "nationality_group"):
        assert set(city.stock()[column]) == set(table.column(column).labels)


def test_look_alikes_exist_in_open_data_and_resemble_a_secret(made):
    """A harmless look-alike that is not there would prove nothing."""
    city = made("small")
    stock, looks = city.stock(), city.truth("privacy")["look_alikes"]
    datasets = index.load(city.settings).datasets
    assert len(looks) >= 3
    for one in looks:
        dataset = datasets[one["dataset"]]
        assert dataset.is_open
        if one["column"] == "description":
            assert one["value"] in dataset.description.de
        else:
            assert one["value"] in set(city.read(dataset.id)[one["column"]]), one
    surname = looks[0]["value"].split("-")[1]
    assert stock["full_name"].str.endswith(f" {surname}").any()
    canary = city.canaries()["population.residents"]["age"]
    assert sorted(looks[1]["value"]) == sorted(str(canary))
    assert looks[1]["value"] != str(canary)


def test_no_canary_stands_in_open_data_or_in_the_catalogue(made):
    """Else finding one outside would mean nothing."""
    city = made("small").settings
    canaries = [str(value) for one in made("small").canaries().values() for value in one.values()]
    datasets = index.load(city).datasets.values()
    sources = [one.source.url.replace("{DATA}", str(city.folder("data"))) for one in datasets if one.is_open]
    assert len(sources) == len(OPEN)
    for path in [*map(Path, sources), *city.folder("catalogs").glob("*")]:
        content = path.read_bytes()
        assert not [value for value in canaries if value.encode() in content], path.name


def test_every_column_that_is_not_open_has_a_canary_of_its_own(made):
    """One test record of each dataset holds them, nowhere else does one occur, and all are different."""
    city = made("small")
    withheld = [one.id for one in index.load(city.settings).datasets.values() if not one.is_open]
    canaries = city.canaries()
    assert sorted(canaries) == withheld
    values = [str(value) for one in canaries.values() for value in one.values()]
    assert len(set(values)) == len(values)
    for dataset, planted in canaries.items():
        frame = city.read(dataset)
        assert list(planted) == list(frame.columns)
        for column, value in planted.items():
            assert (written(frame[column]) == str(value)).sum() == 1, (dataset, column)


def written(values):
    """Give a column's values as the page of truth writes them."""
    if values.dtype == "geometry":
        return values.to_wkt()
    if values.dtype.kind != "M":
        return values.astype("string")
    pattern = "%Y-%m-%d" if values.dt.tz is None else "%Y-%m-%d %H:%M"
    return values.dt.strftime(pattern)
