"""Which dashboards a city has: the ``dashboard:`` key of ``reports/*.yaml``, read with the notebook it names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import Field, ValidationError

from stadtbuch.dashboards import controls
from stadtbuch.dashboards.controls import Control
from stadtbuch.errors import AccessDenied, ReportError
from stadtbuch.model.analysis import Identifier
from stadtbuch.model.frozen import Frozen
from stadtbuch.model.report import Report
from stadtbuch.reports import definitions as reports
from stadtbuch.runs import manifest as manifests
from stadtbuch.runs import parameters
from stadtbuch.runs.manifest import Analysis
from stadtbuch.session.city import City
from stadtbuch.session.snapshots import parameter_of
from stadtbuch.texts import Text

FOLDER = "notebooks/dashboards"


class Offer(Frozen):
    """
    What a report says about its dashboard.

    `parameters` are those that visitors choose, in the order in which they see them; `notebook` is the notebook
    with the view, ``notebooks/dashboards/<report>.ipynb`` if left out.
    """

    parameters: tuple[Identifier, ...] = Field(min_length=1, max_length=3)
    notebook: str | None = None


@dataclass(frozen=True)
class Dashboard:
    """One dashboard before it runs: its report, its notebook, what visitors choose, what stays the same."""

    report: Report
    analysis: Analysis
    controls: tuple[Control, ...]
    parameters: dict[str, Any]

    @property
    def name(self) -> str:
        """Give the dashboard's name: that of its report."""
        return self.report.name


def read(city: City, report: Report) -> Dashboard:
    """
    Read the dashboard of a report.

    Raises
    ------
    ReportError
        ``dashboard.invalid``, ``dashboard.filter``, and as `controls.declared`.
    AccessDenied
        ``dashboard.input`` if the notebook reads anything but open data and released tables.
    ManifestError
        If the notebook or its manifest is wrong.
    """
    offer = _offer(report)
    root = city.settings.root
    path = (root / (offer.notebook or f"{FOLDER}/{report.name}.ipynb")).resolve()
    if path.suffix != ".ipynb" or not path.is_relative_to(root.resolve()) or not path.is_file():
        raise _no_notebook(report)
    analysis = manifests.read(path, root=root)
    require_open(city, analysis)
    _require_whole(analysis, offer)
    offered = controls.declared(analysis.manifest, offer.parameters, choices=city.choices)
    known = analysis.manifest.parameters
    common = reports.fixed(report, day=reports.day_of(report, city))
    fixed = {name: value for name, value in common.items() if name in known}
    given = fixed | controls.values(controls.start(offered))
    bound = parameters.bind(analysis.manifest, given, choices=city.choices)
    return Dashboard(report, analysis, offered, bound)


def require_open(city: City, analysis: Analysis) -> None:
    """
    Refuse a dashboard that would have closed data within reach.

    Raises
    ------
    AccessDenied
        ``dashboard.input`` names the input.
    """
    for name in analysis.manifest.inputs:
        dataset = city.catalog.datasets.get(name)
        if dataset is not None and not dataset.is_open:
            raise _not_open(name)


def _require_whole(analysis: Analysis, offer: Offer) -> None:
    """Refuse a row filter by something that visitors choose: a kernel sees its inputs before anybody chose."""
    for name, declared in analysis.manifest.inputs.items():
        for wanted in declared.rows.values():
            if parameter_of(wanted) in offer.parameters:
                raise _filtered(name)


def _offer(report: Report) -> Offer:
    try:
        return Offer.model_validate(report.dashboard)
    except ValidationError as error:
        places = ", ".join(".".join(map(str, one["loc"])) or "dashboard" for one in error.errors())
        raise _invalid(report, places) from None


def _invalid(report: Report, places: str) -> ReportError:
    return ReportError(
        "dashboard.invalid",
        Text(
            de=f"{report.name}: Die Angaben unter dashboard sind nicht gültig ({places}).",
            en=f"{report.name}: what stands under dashboard is not valid ({places}).",
        ),
        remedy=Text(
            de="Schreiben Sie dashboard: {parameters: [name]}; ein bis drei Parameter, notebook: nach Wunsch.",
            en="Write dashboard: {parameters: [name]}; one to three parameters, notebook: if wanted.",
        ),
    )


def _no_notebook(report: Report) -> ReportError:
    return ReportError(
        "dashboard.notebook",
        Text(
            de=f"{report.name}: Das Notebook des Dashboards fehlt.",
            en=f"{report.name}: the dashboard's notebook is missing.",
        ),
        remedy=Text(
            de=f"Legen Sie {FOLDER}/{report.name}.ipynb an oder nennen Sie es unter dashboard: notebook:.",
            en=f"Create {FOLDER}/{report.name}.ipynb, or name it under dashboard: notebook:.",
        ),
    )


def _not_open(name: str) -> AccessDenied:
    return AccessDenied(
        "dashboard.input",
        Text(de=f"{name} ist nicht offen.", en=f"{name} is not open."),
        why=Text(
            de="Ein Dashboard rechnet auf Zuruf von Fremden; geschlossene Daten sind dort nie in Reichweite.",
            en="A dashboard computes for strangers; closed data are never within its reach.",
        ),
        remedy=Text(
            de="Lesen Sie die geschützte Tabelle, die der Bericht daraus freigegeben hat: <bericht>.<tabelle>.",
            en="Read the protected table that the report released from it: <report>.<table>.",
        ),
    )


def _filtered(name: str) -> ReportError:
    return ReportError(
        "dashboard.filter",
        Text(
            de=f"Die Zeilen von {name} sind nach einer Auswahl gefiltert, die erst die Besuchenden treffen.",
            en=f"The rows of {name} are filtered by something that only the visitors choose.",
        ),
        remedy=Text(
            de="Lassen Sie rows: weg und wählen Sie in der Funktion aus.",
            en="Leave rows: out and select in the function.",
        ),
    )
