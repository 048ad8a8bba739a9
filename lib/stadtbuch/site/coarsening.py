"""What the pages of a dataset say of its protected places: how coarsely they are told, and why."""

from __future__ import annotations

from typing import Any

from stadtbuch.disclosure import places
from stadtbuch.model.dataset import Dataset
from stadtbuch.model.places import PlaceStep
from stadtbuch.texts import Text, same

NOT_AT_ALL = Text(de="gar nicht", en="not at all")
PRESENCE = Text(de="nur, dass es etwas gibt", en="only that there is something")


def told(dataset: Dataset) -> dict[str, Any] | None:
    """
    Say how the places of a dataset are coarsened; nothing if it has no such rules.

    Returns
    -------
    dict or None
        ``reason``, ``heading`` (the title of the category), ``steps`` (category, place, numbers; the strictest
        first), ``season`` and ``shown`` (titles of the columns that are told).
    """
    rules = dataset.privacy.places
    if rules is None:
        return None
    column = dataset.table.column(rules.category)
    ordered = sorted(rules.steps.items(), key=lambda pair: _strictness(pair[1]))
    return {
        "reason": rules.reason,
        "heading": column.title,
        "steps": [
            (column.labels.get(code, same(code)), place(step, dataset), numbers(step))
            for code, step in ordered
        ],
        "season": places.season_text(rules.season),
        "dated": rules.date is not None,
        "shown": [dataset.table.column(name).title for name in rules.show],
    }


def place(step: PlaceStep, dataset: Dataset) -> Text:
    """
    Say how exactly one step tells a place.

    Examples
    --------
    >>> place(PlaceStep(grid=5000), None).de, place(PlaceStep(withhold=True), None).en
    ('in Feldern, die 5 km breit sind', 'not at all')
    """
    if step.withhold or not (step.grid or step.column):
        return NOT_AT_ALL
    if step.grid:
        wide = step.grid // 1000
        return Text(de=f"in Feldern, die {wide} km breit sind", en=f"in cells {wide} km wide")
    title = dataset.table.column(str(step.column)).title
    return Text(de=f"nur: {title.de}", en=f"only: {title.en}")


def numbers(step: PlaceStep) -> Text:
    """
    Say in which classes one step tells numbers.

    Examples
    --------
    >>> numbers(PlaceStep(grid=5000, bands=(1, 4, 11))).en, numbers(PlaceStep(grid=5000)).en
    ('1–3, 4–10, 11+', 'only that there is something')
    """
    if step.withhold:
        return same("–")
    if len(step.bands) == 1:
        return (
            PRESENCE
            if step.bands[0] <= 1
            else Text(
                de=f"nur, ob es mindestens {step.bands[0]} sind",
                en=f"only whether there are at least {step.bands[0]}",
            )
        )
    lower = step.bands[1:] if step.bands[0] == 0 else step.bands
    return same(", ".join(places.banded(one, step.bands) for one in lower))


def _strictness(step: PlaceStep) -> tuple[bool, int]:
    """Order steps: withheld ones first, then large cells before small ones; areas of the city in between."""
    return not step.withhold, -(step.grid or 7500)
