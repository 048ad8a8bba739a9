"""
All tables of the made-up city, in the order in which they need each other, and each as its office writes it.

Every table draws from a stream of its own (`stadtbuch.synthetic.seeds`): one more changes no other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from stadtbuch.synthetic import (
    air,
    areas,
    birds,
    budget,
    counters,
    hourly,
    households,
    residents,
    taxes,
    trees,
    truth,
    welfare,
    wells,
    write,
)
from stadtbuch.synthetic.config import PERSONS, Config
from stadtbuch.synthetic.nature import Size
from stadtbuch.synthetic.planted import Laid
from stadtbuch.synthetic.seeds import stream

TRUTH = "truth"

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Made:
    """
    One file that was made.

    `path` is below the data folder, that of the ground truth below the city's root; `dataset` and `rows` say
    what it holds, both empty for the ground truth; `private` whether only its owner may read it.
    """

    path: str
    data: bytes
    dataset: str = ""
    rows: int = 0
    private: bool = False

    @classmethod
    def of(
        cls,
        dataset: str,
        path: str,
        table: pd.DataFrame,
        written: Callable[[Any], bytes],
        *,
        private: bool = False,
    ) -> Made:
        """Write a table in the form of its office."""
        return cls(path, written(table), dataset, len(table), private)


@dataclass(frozen=True, slots=True)
class Job:
    """What to make: pattern, size, seed, the city's time zone, and who is told how far it is."""

    config: Config
    size: Size
    seed: int
    zone: str
    progress: Progress

    def begin(self, dataset: str) -> np.random.Generator:
        """Say which table comes next, and give its stream."""
        self.progress(dataset)
        return stream(self.seed, dataset.partition(".")[2])


def every(config: Config, *, size: Size, seed: int, progress: Progress, zone: str) -> list[Made]:
    """
    Make all files.

    Parameters
    ----------
    config
        The made-up city.
    size, seed
        As `stadtbuch.synthetic.make` takes them.
    progress
        Is told the name of each table before it is made.
    zone
        The city's time zone.
    """
    job = Job(config, size, seed, zone, progress)
    drawn = areas.draw(config, rng=job.begin("geography.areas"))
    register = residents.register(
        config, drawn.quarters, persons=PERSONS[size], rng=job.begin(residents.DATASET)
    )
    counts = _counts(job)
    society, environment = _society(job, drawn, register), _environment(job, drawn)
    laid = {**society, **environment}
    told = truth.privacy(config, register, drawn.quarters) | truth.places(
        config, laid[wells.DATASET].table, laid[birds.DATASET].table
    )
    told |= truth.small(config, drawn.quarters, laid[households.DATASET].table, laid[welfare.DATASET].table)
    told |= truth.dominance(config, laid[taxes.DATASET].table)
    return [
        *_geography(drawn),
        Made.of(residents.DATASET, "population/residents.parquet", register, write.parquet, private=True),
        _residents(config, register),
        *_mobility(job, drawn, counts),
        *_stations(job, drawn),
        *(_written(dataset, one) for dataset, one in laid.items()),
        Made(f"{TRUTH}/privacy.json", write.document(told), private=True),
        Made(f"{TRUTH}/quality.json", write.document(truth.quality(config, counts, laid.values()))),
    ]


def _residents(config: Config, register: pd.DataFrame) -> Made:
    """Write how many people live in each borough."""
    counted = residents.totals(config, register)
    return Made.of(residents.TOTALS, "population/residents_by_borough.csv", counted, _residents_csv)


def _residents_csv(counted: pd.DataFrame) -> bytes:
    """Write the residents as the statistics office publishes them."""
    return write.csv(
        {
            "Stichtag": write.days(counted["reference_date"]),
            "Bezirk": counted["borough"].tolist(),
            "Bevölkerung": write.whole(counted["persons"], missing=""),
        },
        encoding="utf-8-sig",
    )


def _geography(drawn: areas.Areas) -> list[Made]:
    levels = {
        "areas": drawn.quarters,
        "districts": drawn.districts,
        "boroughs": drawn.boroughs,
        "river": drawn.river,
    }
    names = {"areas": "quarters"}
    return [
        Made.of(f"geography.{name}", f"geography/{names.get(name, name)}.geojson", level, write.geojson)
        for name, level in levels.items()
    ]


def _counts(job: Job) -> pd.DataFrame:
    rng = job.begin(counters.DATASET)
    return counters.counts(job.config, size=job.size, weather=stream(job.seed, "weather"), rng=rng)


def _mobility(job: Job, drawn: areas.Areas, counts: pd.DataFrame) -> list[Made]:
    stations = counters.stations(job.config, drawn.quarters, size=job.size)
    impulses = hourly.counts(job.config, counts, zone=job.zone, rng=job.begin(hourly.DATASET))
    sign = job.config.traps.gaps.signs.sign
    return [
        Made.of("mobility.bicycle_counters", "mobility/bicycle_counters.csv", stations, _stations_csv),
        Made.of(counters.DATASET, "mobility/bicycle_counts.csv", counts, partial(_counts_csv, sign=sign)),
        Made.of(hourly.DATASET, "mobility/bicycle_counts_hourly.csv", impulses, _hourly_csv, private=True),
    ]


def _society(job: Job, drawn: areas.Areas, register: pd.DataFrame) -> dict[str, Laid]:
    """Make what follows from the people: households, welfare, budget, taxes."""
    config = job.config
    homes = households.register(config, register, rng=job.begin(households.DATASET))
    benefits = welfare.counts(config, drawn.quarters, register, rng=job.begin(welfare.DATASET))
    lines = budget.lines(config, persons=PERSONS[job.size], rng=job.begin(budget.DATASET))
    return {
        households.DATASET: homes,
        welfare.DATASET: benefits,
        budget.DATASET: lines,
        budget.AREAS: budget.areas(config, lines.table),
        taxes.DATASET: taxes.notices(config, persons=PERSONS[job.size], rng=job.begin(taxes.DATASET)),
    }


def _environment(job: Job, drawn: areas.Areas) -> dict[str, Laid]:
    """Make what grows, flows, flies and hangs in the air."""
    config, quarters, size = job.config, drawn.quarters, job.size
    river = drawn.river.geometry.iloc[0]
    sky = air.weather(config, size=size, rng=stream(job.seed, "weather"))
    official = air.values(config, sky, size=size, rng=job.begin(air.VALUES))
    return {
        trees.DATASET: trees.register(config, quarters, size=size, rng=job.begin(trees.DATASET)),
        air.VALUES: official,
        air.DONATED: air.donated(
            config, quarters, sky, official.table, size=size, rng=job.begin(air.DONATED)
        ),
        wells.DATASET: wells.register(config, quarters, size=size, rng=job.begin(wells.DATASET)),
        birds.DATASET: birds.register(config, quarters, river, size=size, rng=job.begin(birds.DATASET)),
    }


def _stations(job: Job, drawn: areas.Areas) -> list[Made]:
    places = air.stations(job.config, drawn.quarters, size=job.size)
    return [Made.of(air.STATIONS, "environment/air_stations.geojson", places, write.geojson)]


def _written(dataset: str, laid: Laid) -> Made:
    """Write a table in the form of its office."""
    path, form, private = FORMS[dataset]
    return Made.of(dataset, path, laid.table, form, private=private)


def _welfare_csv(counts: pd.DataFrame) -> bytes:
    """Write the benefits as the office for social affairs exports them."""
    return write.csv(
        {
            "Stichtag": write.days(counts["reference_date"]),
            "Bezirk": counts["borough"].tolist(),
            "Stadtteil": counts["district"].tolist(),
            "Viertel": counts["quarter"].tolist(),
            "Bevölkerung": write.whole(counts["persons"], missing=""),
            "Leistungsberechtigte": write.whole(counts["recipients"], missing=""),
            "davon unter 15": write.whole(counts["recipients_under_15"], missing=""),
            "davon 65 und älter": write.whole(counts["recipients_65_plus"], missing=""),
        },
        encoding="cp1252",
    )


def _air_csv(values: pd.DataFrame) -> bytes:
    """Write the air's values as the network's computer gives them out."""
    return write.csv(
        {
            "Station": values["station_id"].tolist(),
            "Datum": write.days(values["date"]),
            "Schadstoff": values["pollutant"].tolist(),
            "Tagesmittel": write.exact(values["value"], missing="-"),
            "Einheit": values["unit"].tolist(),
            "Gültige Stunden": values["valid_hours"].astype(str).tolist(),
        },
        encoding="cp1252",
    )


def _sensors_csv(values: pd.DataFrame) -> bytes:
    """Write what the sensors sent, as the society that collects it offers it."""
    return write.csv(
        {
            **{name: values[name].tolist() for name in ("sensor_id", "district", "calibration")},
            "date": values["date"].dt.strftime("%Y-%m-%d").tolist(),
            "pollutant": values["pollutant"].tolist(),
            "value": values["value"].map("{:.10g}".format).tolist(),
        },
        encoding="utf-8",
    )


def _budget_csv(lines: pd.DataFrame) -> bytes:
    """Write the budget as the treasury hands it out."""
    headings = {
        "year": "Jahr", "area": "Produktbereich", "area_title_de": "Bezeichnung", "area_title_en": "Designation",
        "product": "Produkt", "product_title": "Produktbezeichnung", "kind": "Art",
    }  # fmt: skip
    told = {heading: lines[name].astype(str).tolist() for name, heading in headings.items() if name in lines}
    amounts = {"Ansatz": write.money(lines["planned_eur"]), "Ergebnis": write.money(lines["actual_eur"])}
    return write.csv(told | amounts, encoding="utf-8-sig")


def _taxes_csv(notices: pd.DataFrame) -> bytes:
    """Write the notices as the tax office exports them."""
    headings = {
        "year": "Jahr", "notice": "Bescheid", "company_id": "Unternehmen", "company_name": "Firma",
        "branch": "Branche", "borough": "Bezirk", "kind": "Art",
    }  # fmt: skip
    told = {heading: notices[name].astype(str).tolist() for name, heading in headings.items()}
    return write.csv(told | {"Betrag": write.whole(notices["tax_eur"], missing="")}, encoding="cp1252")


FORMS: dict[str, tuple[str, Callable[[Any], bytes], bool]] = {
    households.DATASET: ("population/households.parquet", write.parquet, True),
    welfare.DATASET: ("social/welfare_quarters.csv", _welfare_csv, True),
    budget.DATASET: ("finance/budget.csv", _budget_csv, False),
    budget.AREAS: ("finance/budget_areas.csv", _budget_csv, False),
    taxes.DATASET: ("finance/trade_tax.csv", _taxes_csv, True),
    trees.DATASET: ("environment/trees.geojson", write.geojson, False),
    air.VALUES: ("environment/air_quality.csv", _air_csv, False),
    air.DONATED: ("participation/air_sensors_donated.csv", _sensors_csv, False),
    wells.DATASET: ("environment/wells.geojson", write.geojson, True),
    birds.DATASET: ("environment/breeding_birds.parquet", write.geoparquet, True),
}
"""Where each table is written, in which form, and whether only its owner may read it."""


def _stations_csv(stations: pd.DataFrame) -> bytes:
    """Write the stations as the office for cycling hands them out."""
    return write.csv(
        {
            "Nummer": stations["station_id"].tolist(),
            "Name": stations["name"].tolist(),
            "Art": stations["kind"].tolist(),
            "Stadtbezirk": stations["borough"].tolist(),
            "Längengrad": write.decimal(stations["longitude"]),
            "Breitengrad": write.decimal(stations["latitude"]),
            "In Betrieb seit": write.days(stations["since"]),
            "Gerätenummer": stations["serial"].tolist(),
        },
        encoding="utf-8-sig",
    )


def _counts_csv(counts: pd.DataFrame, *, sign: str) -> bytes:
    """Write the counts as they come out of the office's old software."""
    return write.csv(
        {
            "Zählstelle": counts["station_id"].tolist(),
            "Datum": write.days(counts["day"]),
            "Anzahl Räder": write.whole(counts["count"], missing=sign),
        },
        encoding="cp1252",
    )


def _hourly_csv(impulses: pd.DataFrame) -> bytes:
    """Write the raw counts as the maker of the loops delivers them."""
    return write.csv(
        {
            "Stelle": impulses["station_id"].tolist(),
            "Beginn (MEZ)": write.times(impulses["hour"].dt.tz_convert(hourly.DEVICE_ZONE)),
            "Richtung": impulses["direction"].tolist(),
            "Impulse": impulses["count"].astype(str).tolist(),
        },
        encoding="utf-8",
    )
