"""`sb.places`: from exact places to areas that may be published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from stadtbuch.errors import UsageError
from stadtbuch.model.places import PlaceRules
from stadtbuch.reports import outputs
from stadtbuch.session.snapshots import conditions
from stadtbuch.texts import Text, text

if TYPE_CHECKING:
    import pandas as pd

    from stadtbuch.disclosure.places import ProtectedPlaces


def places(
    found: pd.DataFrame,
    *,
    name: str,
    dataset: str,
    show: Sequence[str],
    outline: pd.DataFrame | None = None,
) -> ProtectedPlaces:
    """
    Turn exact places into areas that may be published, by the rules of their dataset.

    Parameters
    ----------
    found
        The rows as ``city.load`` gave them. Selections belong under ``rows:`` in the manifest.
    name
        Name of the result; the manifest's `gives` lists it.
    dataset
        The dataset the rows come from; its entry says under ``privacy.places`` what may be told.
    show
        Which of its columns are told beside the area.
    outline
        The areas of the city, as ``city.load`` gave them; needed for a grid.

    Raises
    ------
    ProtectionError
        ``places.*`` for what the rules do not allow or what is missing.
    UsageError
        ``places.dataset``, ``places.rules``, ``output.name-twice``.
    """
    from stadtbuch.disclosure import places as protection  # noqa: PLC0415 - pandas; only closed notebooks need it

    out = outputs.current()
    told = _rules(out, dataset)
    made = protection.coarsen(
        found,
        PlaceRules.model_validate(told["rules"]),
        dataset=dataset,
        name=name,
        show=show,
        before=date.fromisoformat(told["before"]) if told["before"] else None,
        titles={column: text(title) for column, title in told["titles"].items()},
        outline=outline,
        where=conditions(out.inputs[dataset].get("rows") or {}),
    )
    out.claim("tables", name)
    out.write_record(f"tables/{name}.json", made.to_record())
    if out.folder is None:
        outputs.warn(made.findings)  # in the lab the returned places show themselves
    else:
        outputs.show({"text/html": made._repr_html_()}, kind="protected", name=name)
    return made


def _rules(out: outputs.Outputs, dataset: str) -> Mapping[str, Any]:
    """Give what the catalogue says about the places of a dataset that this notebook reads."""
    if dataset not in out.inputs:
        raise UsageError(
            "places.dataset",
            Text(de=f"Dieses Notebook liest {dataset} nicht.", en=f"This notebook does not read {dataset}."),
            remedy=Text(
                de=f"Nehmen Sie {dataset} unter inputs: in das Manifest auf, oder berichtigen Sie dataset=.",
                en=f"Add {dataset} to inputs: in the manifest, or correct dataset=.",
            ),
        )
    if "places" not in out.inputs[dataset]:
        raise UsageError(
            "places.rules",
            Text(
                de=f"Für {dataset} sagt der Katalog nicht, wie genau Orte gezeigt werden dürfen.",
                en=f"The catalogue does not say for {dataset} how exactly places may be told.",
            ),
            remedy=Text(
                de="Die für die Daten Verantwortlichen ergänzen privacy.places im Katalog; Anzahlen von "
                "Menschen schützt sb.protect(...).",
                en="Those responsible for the data add privacy.places to the catalogue; counts of people are "
                "protected by sb.protect(...).",
            ),
        )
    told: Mapping[str, Any] = out.inputs[dataset]["places"]
    return told
