"""
Coarsening at the door: places of a person only by the cell, moments only by the slot of time.

Where somebody was at which minute tells who it is, even without a name: the start of a morning's ride is a front door
(Y.-A. de Montjoye et al., Unique in the Crowd, 2013: four moments single out 95 of 100 people). So exact places and
moments of columns that the catalogue calls `coarse` never reach a run or a session. What remains is counted per cell
and slot, and protected like every table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from stadtbuch.model.dataset import Coarseness

EPSG = 3035
SLOTS: Mapping[str, str] = {"hour": "h", "quarter-day": "6h", "day": "D"}
"""Name of a slot -> how pandas cuts it."""


def coarsened(values: pd.Series, coarse: Coarseness) -> pd.Series:
    """
    Move every value of a column to the lower end of its cell or slot.

    Parameters
    ----------
    values
        Numbers (coordinates) for a step, moments for a slot, points for a grid. What is missing stays missing.
    coarse
        The step, in the unit of the column, the slot, or the side of the grid's cells.

    Examples
    --------
    >>> coarsened(pd.Series([4131250.5, 4131999.9]), Coarseness(step=1000)).tolist()
    [4131000.0, 4131000.0]
    >>> coarsened(pd.Series([7.4567]), Coarseness(step=0.01)).tolist()
    [7.45]
    >>> moments = pd.Series(pd.to_datetime(["2026-03-02T07:41"]))
    >>> coarsened(moments, Coarseness(slot="quarter-day")).astype(str).tolist()
    ['2026-03-02 06:00:00']
    """
    if coarse.step is not None:
        return _stepped(values, coarse.step)
    if coarse.grid is not None:
        return _cells(values, coarse.grid)
    assert coarse.slot is not None  # the catalogue holds one of the three
    zone = values.dt.tz
    plain = values if zone is None else values.dt.tz_localize(None)  # a slot begins by the clock on the wall
    floored = plain.dt.floor(SLOTS[coarse.slot])
    if zone is None:
        return floored
    return floored.dt.tz_localize(
        zone, ambiguous=np.zeros(len(floored), dtype=bool), nonexistent="shift_forward"
    )


def _stepped(values: pd.Series, step: float) -> pd.Series:
    """Floor to a multiple; rounded, so that 0.07 is not 0.07000000000000001."""
    cells = np.floor(values.astype("Float64") / step + 1e-9)
    digits = max(0, -int(np.floor(np.log10(step))) + 2)
    made = (cells * step).round(digits)
    return made.astype(values.dtype) if pd.api.types.is_integer_dtype(values.dtype) else made.astype(float)


def _cells(points: pd.Series, size: int) -> pd.Series:
    """Name the cell of each point; a line or an area is a trace or a plot, and has none."""
    projected: Any = points.to_crs(EPSG)  # type: ignore[operator]
    inside = (projected.geom_type == "Point") & ~projected.is_empty
    known = projected[inside]
    east, north = (np.floor(one / size).astype("int64") * size for one in (known.x, known.y))
    named = [f"CRS{EPSG}RES{size}mN{y}E{x}" for x, y in zip(east, north, strict=True)]
    return pd.Series(named, index=known.index, dtype="str").reindex(points.index)
