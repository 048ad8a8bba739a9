"""
The rehearsal: what notebooks usually do, once, on made-up data, before the first run is forked.

Much is set up at its first use only: the database of map projections, drivers for geodata, the checks of a chart's
description, the forms in which tables are shown. What the rehearsal sets up, every run inherits. It must leave no other
trace: no variable, no counted cell, no warning that a run would then not show. It never draws a chart.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

from stadtbuch.disclosure import released
from stadtbuch.store import frame_bytes, read_frame

TABLE = {
    "kind": released.TABLE,
    "format": 1,
    "name": "people_by_place",
    "dataset": "demo.people",
    "unit": "persons",
    "rows": ["place"],
    "columns": [],
    "min_count": 5,
    "labels": {"place": ["a", "b"]},
    "cells": [
        {"labels": ["a"], "value": 7, "where": [{"place": "a"}]},
        {"labels": ["b"], "value": None, "where": [{"place": "b"}]},
        {"labels": [None], "value": None, "where": [{}]},
    ],
}
"""A released table, in the form in which runs read it."""


def rehearse(shell: Any) -> None:
    """Go through the usual steps with this shell, and clean up."""
    with warnings.catch_warnings(record=True):
        _tables(shell)
        _protected(shell)
        _charts(shell)
    shell.run_cell("pass", store_history=False, silent=True)
    shell.execution_count = 1
    for module in list(
        sys.modules.values()
    ):  # a warning is shown once for each place: the runs' first is theirs
        if isinstance(module, ModuleType):
            vars(module).pop("__warningregistry__", None)


def _tables(shell: Any) -> None:
    import geopandas as gpd  # noqa: PLC0415 - of the zygote alone
    import pandas as pd  # noqa: PLC0415 - of the zygote alone
    from shapely.geometry import box  # noqa: PLC0415 - of the zygote alone

    plain = pd.DataFrame(
        {
            "place": ["a", "b"] * 4,
            "day": pd.date_range("2025-01-01", periods=8).date,
            "at": pd.date_range("2025-01-01", periods=8, tz="UTC"),
            "value": [1.5, 2.5] * 4,
        }
    )
    plain = read_frame(frame_bytes(plain))
    squares = [box(8, 51, 8.1, 51.1), box(8.1, 51, 8.2, 51.1)]
    places = gpd.GeoDataFrame({"place": ["a", "b"]}, geometry=squares, crs=4326)
    places = read_frame(frame_bytes(places))
    sums = (
        plain.groupby("place", observed=True).agg(mean=("value", "mean"), n=("value", "size")).reset_index()
    )
    joined = places.merge(sums, on="place").to_crs(25832)
    joined["area"] = joined.area
    wide = plain.pivot_table(index="place", columns=plain["at"].dt.strftime("%m"), values="value")
    for shown in (sums, wide, joined[["place", "area"]].round(2), plain["value"]):
        shell.display_formatter.format(shown)


def _protected(shell: Any) -> None:
    table: Any = released.from_record(TABLE)
    shown = table.by("place").set_index("place")["value"]
    shell.display_formatter.format(shown)
    table.select(place="a")


def _charts(shell: Any) -> None:
    import altair as alt  # noqa: PLC0415 - of the zygote alone
    import geopandas as gpd  # noqa: PLC0415 - of the zygote alone
    import pandas as pd  # noqa: PLC0415 - of the zygote alone
    from shapely.geometry import box  # noqa: PLC0415 - of the zygote alone

    _know_schemas_by_heart()
    data = pd.DataFrame({"place": ["a", "b"], "value": [1.5, 2.5]})
    shapes = gpd.GeoDataFrame(data, geometry=[box(8, 51, 8.1, 51.1), box(8.1, 51, 8.2, 51.1)], crs=4326)
    encoded = alt.Chart(data).encode(x=alt.X("place:N", sort="-y", title=None), y=alt.Y("value:Q"))
    places = alt.Chart(shapes).mark_geoshape().encode(color=alt.Color("value:Q", legend=alt.Legend()))
    for chart in (encoded.mark_bar(), encoded.mark_line() + encoded.mark_text(), places.project("mercator")):
        chart.to_dict()


def _know_schemas_by_heart() -> None:
    """
    Let Altair remember the digests of its own schemas.

    It writes out several hundred of them, anew for each part of a chart that is given as a dictionary: nearly half of
    what building a chart costs. They never change while a process lives. If a later Altair does it another way,
    nothing is lost but that time.
    """
    from altair.utils import schemapi  # noqa: PLC0415 - of the zygote alone

    table = getattr(schemapi, "_FromDict", None)
    if table is not None and callable(getattr(table, "hash_schema", None)):
        table.hash_schema = staticmethod(_remembering(table.hash_schema))


def _remembering(make: Callable[..., int]) -> Callable[..., int]:
    known: dict[tuple[int, bool], tuple[Any, int]] = {}

    @wraps(make)
    def told(schema: Any, use_json: bool = True) -> int:
        place = (id(schema), use_json)
        found = known.get(place)
        if found is None or found[0] is not schema:  # kept beside its digest, so that its place is not taken
            found = known[place] = (schema, make(schema, use_json))
        return found[1]

    return told
