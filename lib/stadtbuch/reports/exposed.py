"""`sb.exposure`: how exposed people are in rows, by the roles that the catalogue gives to their columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stadtbuch.model.dataset import PrivacyRole
from stadtbuch.reports import outputs

if TYPE_CHECKING:
    import pandas as pd

    from stadtbuch.disclosure.exposure import Exposure


def exposure(
    rows: pd.DataFrame,
    *,
    quasi: Sequence[str] | None = None,
    sensitive: Sequence[str] | None = None,
    least: int | None = None,
) -> Exposure:
    """
    Measure how many people stand alone in rows that name nobody: k, l and t, and which column tells most.

    It publishes nothing, and nothing it measures makes rows publishable: no gate lets rows about people pass.

    Parameters
    ----------
    rows
        As ``city.load`` gave them, or made of that; with the identifier's pseudonym, everybody counts once.
    quasi, sensitive
        Columns; without them, those of these roles in the catalogue.
    least
        How many must be alike; without it, the strictest minimum count that holds here.

    Raises
    ------
    UsageError
        ``exposure.columns`` if no column tells something about people.
    """
    from stadtbuch.disclosure import exposure as exposures  # noqa: PLC0415 - pandas; few notebooks need it

    out = outputs.current()
    roles = {name: column.get("privacy") for name, column in out.columns.items()}

    def of(role: PrivacyRole) -> list[str]:
        return [str(name) for name in rows.columns if roles.get(str(name)) == role]

    units = of(PrivacyRole.identifier)
    made = exposures.measure(
        rows,
        quasi=of(PrivacyRole.quasi_identifier) if quasi is None else list(quasi),
        sensitive=of(PrivacyRole.sensitive) if sensitive is None else list(sensitive),
        unit=units[0] if units else None,
        least=least or _least(out),
    )
    if out.folder is None:
        outputs.warn(made.findings)
    return made


def _least(out: outputs.Outputs) -> int:
    """Give how many must be alike: the strictest of the inputs, else the city's; two where nothing is known."""
    stated: list[Any] = [one.get("min_count") for one in out.inputs.values()]
    city = (out.facts.get("thresholds") or {}).get("min_count")
    return max([2, *(int(one) for one in [*stated, city] if one)])
