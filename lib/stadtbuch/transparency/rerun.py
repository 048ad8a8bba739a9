"""Running the public step of an edition again, from its package alone, and writing its files once more."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stadtbuch.disclosure import released
from stadtbuch.errors import StadtbuchError
from stadtbuch.model.report import Edition, Report
from stadtbuch.reports import packages, release
from stadtbuch.reports.definitions import Cell
from stadtbuch.reports.evidence import Evidence
from stadtbuch.runs import execute
from stadtbuch.runs.plan import Request
from stadtbuch.texts import Text

SECONDS = 600.0
"""Limit of a run that is done again, whoever made the edition."""


class Stopped(Exception):
    """The run did not come to its end; `why` says where."""

    def __init__(self, why: Text) -> None:
        super().__init__(why.en)
        self.why = why


def again(folder: Path, edition: Edition, work: Path, *, seconds: float = SECONDS) -> dict[str, bytes]:
    """
    Run the public step again and give the files of the edition as they come out.

    Parameters
    ----------
    folder
        The edition, every byte checked (`unpacking.unpack`).
    work
        An empty folder of our own, for the run.

    Returns
    -------
    dict
        Path -> content, without what says how the edition was made.

    Raises
    ------
    Stopped
        If the notebook fails, or takes too long.
    """
    told = json.loads((folder / packages.INDEX).read_bytes())
    (done,) = execute.execute([request(folder, told, work)], seconds=seconds)
    if not done.ok:
        raise Stopped(_said(done.failure()))
    evidence = Evidence.read(done.folder)
    files = release.files(
        release.Material(
            report=Report.model_validate(told["report"]),
            cell=Cell(told["cell"]["slug"], told["cell"]["parameters"]),
            evidence=evidence,
            source=None,
            cleared=cleared(folder, edition),
            inputs=edition.inputs,
            publisher=Text(de=told["publisher"]["de"], en=told["publisher"]["en"]),
        )
    )
    return files | prepared(folder, edition, told)


def request(folder: Path, told: Mapping[str, Any], work: Path) -> Request:
    """Plan the run as its package says; nothing else is in reach of it."""
    run = json.loads((folder / told["run"]).read_bytes())
    modules = folder / "package" / "modules"
    found = sorted(path for path in modules.rglob("*") if path.is_file()) if modules.is_dir() else []
    return Request(
        key=run["key"],
        key_parts=run["key_parts"],
        folder=work / "run",
        info={"engine": "plain"} | run,
        restricted=False,
        notebook=(folder / told["notebook"]).read_text(encoding="utf-8"),
        inputs={
            one["file"]: (folder / packages.FOLDER / one["file"]).read_bytes()
            for one in run["inputs"].values()
        },
        modules={path.relative_to(modules).as_posix(): path.read_bytes() for path in found},
    )


def cleared(folder: Path, edition: Edition) -> dict[str, Any]:
    """Give the records of the protected tables that the edition released."""
    found = {}
    for file in edition.files:
        if (
            file.path.startswith("data/")
            and file.path.endswith(".json")
            and not file.path.endswith(release.PACKAGE)
        ):
            record = json.loads((folder / file.path).read_bytes())
            if record.get("kind") in released.KINDS:
                found[record["name"]] = record
    return found


def prepared(folder: Path, edition: Edition, told: Mapping[str, Any]) -> dict[str, bytes]:
    """Give the source of the preparing step as it was published: a stranger has nothing to run it with."""
    code = [file.path for file in edition.files if file.path.startswith("notebooks/")]
    own = f"notebooks/{told['report']['name']}.ipynb"
    return {path: (folder / path).read_bytes() for path in code if path != own}


def _said(error: StadtbuchError) -> Text:
    """Say why a run stopped in one sentence; its inputs are open, so the message may stand here."""
    why = error.why or Text(de="", en="")
    return Text(de=f"{error.what.de} {why.de}".strip(), en=f"{error.what.en} {why.en}".strip())
