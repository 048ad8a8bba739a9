"""`RunCity`: the door inside a run. It reads the run's ``inputs/`` and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from stadtbuch import atomic
from stadtbuch.errors import StateError
from stadtbuch.session import merging
from stadtbuch.session.city import not_declared
from stadtbuch.store import read_frame
from stadtbuch.texts import Text

# Only what looks like an id is repeated in an error: anything else could be a value of the data.
ID = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)+")


@dataclass(frozen=True, slots=True, repr=False)
class RunCity:
    """
    A city as a run sees it: its declared inputs, its parameters, its moment, its seed.

    Attributes
    ----------
    folder
        The run's folder (CONTRACTS: run input).
    info
        What ``run.json`` says.
    """

    folder: Path
    info: Mapping[str, Any]

    @classmethod
    def open(cls, folder: Path) -> RunCity:
        """
        Open the city of a run.

        Raises
        ------
        StateError
            ``run.no-folder`` if the folder is none of a run.
        """
        try:
            return cls(folder=folder, info=json.loads((folder / "run.json").read_text(encoding="utf-8")))
        except (OSError, ValueError):
            raise _no_run() from None

    def __repr__(self) -> str:
        return f"RunCity({self.info['city']['name']}, {len(self.info['inputs'])} inputs)"

    @property
    def parameters(self) -> dict[str, Any]:
        """Give the values of the run's parameters; dates as ISO text."""
        return dict(self.info["parameters"])

    @property
    def outputs(self) -> Path:
        """Give the folder for records of figures, tables and results."""
        return self.folder / "outputs"

    @property
    def now(self) -> datetime:
        """Give the moment of the run, UTC."""
        return datetime.fromisoformat(self.info["now"])

    @property
    def languages(self) -> tuple[str, ...]:
        """Give the languages in which the run's results are rendered."""
        return tuple(self.info["languages"])

    @property
    def seed(self) -> int:
        """Give the seed: ``numpy.random.default_rng(city.seed)``."""
        return int(self.info["seed"])

    def facts(self) -> dict[str, Any]:
        """Tell what the run knows: the content of ``run.json``."""
        return dict(self.info)

    def load(
        self,
        dataset: str,
        purpose: str | None = None,
        columns: Sequence[str] | None = None,
        rows: Mapping[str, Any] | None = None,
    ) -> Any:
        """
        Load a declared input; parameters and result as in `City.load`.

        What is stated here must agree with the manifest; columns may be fewer.

        Raises
        ------
        AccessDenied
            ``access.not-declared`` with what to write into the manifest.
        StateError
            ``run.input-damaged`` if the file is not the one that was planned.
        """
        declared = self.info["inputs"].get(dataset)
        if declared is None:
            raise _undeclared(dataset, known=list(self.info["inputs"]))
        if declared["kind"] == "table":
            return self._table(dataset, declared)
        _require_agreement(dataset, declared, purpose=purpose, rows=rows)
        wanted = _wanted(dataset, declared, columns)
        frame = read_frame(self._bytes(dataset, declared))[wanted]
        frame.attrs["stadtbuch"] = {"dataset": dataset, "class": declared["class"]}
        return frame

    def merge(
        self, left: Any, right: Any, on: str | Sequence[str] | None = None, how: merging.How = "inner"
    ) -> Any:
        """
        Join two tables; parameters and result as in `City.merge`.

        Raises
        ------
        Refused
            ``privacy.merge`` if the join tells people apart who were not told apart before. Where the run reads data
            that are not open, its rows do not leave and it goes on; the gate says so.
        UsageError
            ``merge.columns``.
        """
        made, finding = merging.merge(left, right, on=on, how=how, inputs=self.info["inputs"])
        if finding is not None and not self.info["restricted"]:
            raise merging.refused(finding)
        return made

    def _table(self, dataset: str, declared: Mapping[str, Any]) -> Any:
        from stadtbuch.disclosure import released  # noqa: PLC0415 - scipy, for released tables only

        return released.from_record(json.loads(self._bytes(dataset, declared)))

    def _bytes(self, dataset: str, declared: Mapping[str, Any]) -> bytes:
        """Read an input and make sure that it is the one that was planned."""
        try:
            data = (self.folder / declared["file"]).read_bytes()
        except OSError:
            raise _damaged(dataset) from None
        if atomic.digest(data) != declared["sha256"]:
            raise _damaged(dataset)
        return data


def _wanted(dataset: str, declared: Mapping[str, Any], columns: Sequence[str] | None) -> list[str]:
    """Give the columns to hand out, in the catalogue's order; those of the manifest if none are stated."""
    there = [column["name"] for column in declared["columns"]]
    missing = [name for name in columns or () if name not in there]
    if missing:
        named = ", ".join(name for name in missing if name.isidentifier()) or "…"
        raise not_declared(
            Text(
                de=f"Diese Spalten von {dataset} sind nicht erklärt: {named}.",
                en=f"These columns of {dataset} are not declared: {named}.",
            ),
            remedy=Text(
                de=f"Ergänzen Sie sie unter inputs: {dataset}: columns:.",
                en=f"Add them under inputs: {dataset}: columns:.",
            ),
        )
    return there if columns is None else [name for name in there if name in columns]


def _require_agreement(
    dataset: str, declared: Mapping[str, Any], *, purpose: str | None, rows: Mapping[str, Any] | None
) -> None:
    """Refuse a purpose or row filter other than the declared one."""
    if purpose is not None and purpose != declared["purpose"]:
        raise not_declared(
            Text(
                de=f"{dataset} wird zu einem anderen Zweck geladen, als die erste Zelle erklärt.",
                en=f"{dataset} is loaded for another purpose than the first cell declares.",
            ),
            remedy=Text(
                de="Lassen Sie purpose= weg oder ändern Sie purpose: im Manifest.",
                en="Leave purpose= out, or change purpose: in the manifest.",
            ),
        )
    if rows is not None and json.loads(json.dumps(rows, default=str)) != declared["rows"]:
        raise not_declared(
            Text(
                de=f"{dataset} wird mit einem anderen Zeilenfilter geladen, als die erste Zelle erklärt.",
                en=f"{dataset} is loaded with another row filter than the first cell declares.",
            ),
            remedy=Text(
                de=f"Lassen Sie rows= weg oder schreiben Sie den Filter unter inputs: {dataset}: rows:.",
                en=f"Leave rows= out, or write the filter under inputs: {dataset}: rows:.",
            ),
        )


def _undeclared(dataset: str, *, known: list[str]) -> Exception:
    """Say what to write so that a run sees a dataset."""
    if not ID.fullmatch(dataset):
        return not_declared(
            Text(
                de="city.load wurde nicht mit der Kennung eines Datensatzes aufgerufen.",
                en="city.load was not called with the id of a dataset.",
            ),
            remedy=Text(
                de="Eine Kennung sieht so aus: population.residents.",
                en="An id looks like this: population.residents.",
            ),
        )
    near = get_close_matches(dataset, known, n=1)
    guess = (
        Text(de=f" Oder meinten Sie {near[0]}?", en=f" Or did you mean {near[0]}?")
        if near
        else Text(de="", en="")
    )
    return not_declared(
        Text(
            de=f"{dataset} ist in diesem Lauf nicht da: Die erste Zelle nennt den Datensatz nicht.",
            en=f"{dataset} is not there in this run: the first cell does not name the dataset.",
        ),
        remedy=Text(
            de=f"Schreiben Sie unter inputs: eine Zeile {dataset}: {{columns: [...]}}.{guess.de}",
            en=f"Add a line {dataset}: {{columns: [...]}} under inputs:.{guess.en}",
        ),
    )


def _damaged(dataset: str) -> StateError:
    return StateError(
        "run.input-damaged",
        Text(
            de=f"Die Eingabe {dataset} fehlt oder ist nicht die geplante.",
            en=f"The input {dataset} is missing, or not the planned one.",
        ),
        remedy=Text(de="Starten Sie den Lauf noch einmal.", en="Start the run again."),
    )


def _no_run() -> StateError:
    return StateError(
        "run.no-folder",
        Text(
            de="STADTBUCH_RUN nennt keinen Ordner eines Laufs.", en="STADTBUCH_RUN names no folder of a run."
        ),
        remedy=Text(
            de="Die Variable setzt nur Stadtbuch selbst. Löschen Sie sie aus Ihrer Umgebung.",
            en="Only Stadtbuch itself sets this variable. Remove it from your environment.",
        ),
    )
