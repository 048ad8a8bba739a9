"""
What a notebook gets that papermill runs with our engine, outside of `stadtbuch build`.

In a city, with a manifest, that is what `stadtbuch run` lays out; anywhere else it is nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stadtbuch import settings
from stadtbuch.errors import ManifestError, SettingsError
from stadtbuch.runs import kernels, warm, worker
from stadtbuch.settings import Runs

if TYPE_CHECKING:
    from stadtbuch.runs.plan import Request

NOWHERE: dict[str, Any] = {"city": {"timezone": "UTC"}, "now": "1970-01-01T00:00:00+00:00", "seed": 0}
"""What a run is told that belongs to no city; always the same."""


@dataclass(frozen=True, slots=True)
class Laid:
    """What a notebook gets; `request` is None outside of a city."""

    limits: Runs = field(default_factory=Runs)
    request: Request | None = None
    facts: Mapping[str, Any] = field(default_factory=lambda: NOWHERE)

    def environment(self, folder: Path) -> dict[str, str]:
        """Give all variables."""
        return kernels.environment(folder, self.facts)

    def files(self) -> dict[str, bytes]:
        """Give modules and ``run.json``, by path."""
        record = {worker.INFO: json.dumps(dict(self.facts), ensure_ascii=False).encode()}
        return {**record, **({f"modules/{path}": one for path, one in self._modules().items()})}

    def _modules(self) -> Mapping[str, bytes]:
        return self.request.modules if self.request else {}

    def asked(self, name: str, *, log: int, kernel: Path | None = None) -> warm.Asked:
        """Ask for a forked run, which is a Jupyter kernel if it is given a connection file."""
        environment = self.environment(Path(warm.RUNS) / name)
        del environment["STADTBUCH_LIBRARY"]  # the zygote has found it
        if self.request is None:
            del environment["STADTBUCH_RUN"]
        return warm.Asked(
            name=name,
            environment=environment,
            bounds=warm.Bounds.of(self.limits.model_dump()),
            log=log,
            seed=self.facts["seed"],
            files=self.files(),
            inputs=self.request.inputs if self.request else {},
            folders=worker.FOLDERS,
            kernel=kernel,
        )

    def write(self, folder: Path) -> None:
        """Write all of it, for a plain kernel."""
        for name in worker.FOLDERS:
            (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, content in {**self.files(), **(self.request.inputs if self.request else {})}.items():
            (folder / path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            (folder / path).write_bytes(content)


def laid(path: Any, values: Mapping[str, Any]) -> Laid:
    """
    Plan what a notebook gets.

    Parameters
    ----------
    path
        As papermill was given it: a path of this machine, or something else (an address, a notebook).
    values
        The parameters that papermill was given.

    Raises
    ------
    StadtbuchError
        If the notebook lies in a city and declares what it may not have, or a parameter is wrong.
    """
    notebook = Path(path).absolute() if isinstance(path, str) and path.endswith(".ipynb") else None
    if notebook is None or not notebook.is_file():
        return Laid()
    from stadtbuch.runs import here, manifest, parameters, plan  # noqa: PLC0415 - only in a city

    try:
        root = settings.find(notebook.parent)
        analysis = manifest.read(notebook, root=root)
    except SettingsError:
        return Laid()
    except ManifestError as error:
        if error.code != "manifest.missing":
            raise
        return Laid()
    city = here.City.open(settings.read(root), now=here.moment())
    bound = parameters.bind(analysis.manifest, values, choices=city.choices, defaults=analysis.defaults)
    request = plan.plan(city, analysis, bound)
    return Laid(city.settings.runs, request, request.info)
