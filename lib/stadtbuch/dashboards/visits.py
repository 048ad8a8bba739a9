"""
What the kernel of one visitor gets where kernels are forked: one dashboard's inputs and modules, and what was chosen.

Inputs lie in memory once, sealed, for all visitors of a dashboard; a kernel gets descriptors of those of its own
dashboard, and no folder. It is forked when its visitor is known, so it never knows of another one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stadtbuch.runs import kernels, warm, worker

CPU_SECONDS = 900
"""Processor time of one visitor; a choice takes less than a second."""
FILE_BYTES = 4 << 20


@dataclass(frozen=True)
class Visit:
    """What one kernel gets; `run` is the content of its ``run.json``."""

    run: Mapping[str, Any]
    inputs: Mapping[str, int]
    modules: Mapping[str, bytes]
    memory_mb: int

    def asked(self, name: str, *, log: int, kernel: Path) -> warm.Asked:
        """Ask for the forked run that is this visitor's kernel."""
        environment = kernels.environment(Path(warm.RUNS) / name, self.run)
        del environment["STADTBUCH_LIBRARY"]  # the zygote has found it
        record = json.dumps(dict(self.run), ensure_ascii=False).encode()
        return warm.Asked(
            name=name,
            environment=environment,
            bounds=warm.Bounds(CPU_SECONDS, self.memory_mb << 20, FILE_BYTES),
            log=log,
            seed=self.run["seed"],
            files={worker.INFO: record, **self.modules},
            inputs=self.inputs,
            folders=worker.FOLDERS,
            kernel=kernel,
            quiet=True,
        )


@dataclass
class Offered:
    """The dashboards of a private copy (`prepared`), with their inputs in memory as soon as somebody came."""

    folder: Path
    memory_mb: int
    held: dict[str, Mapping[str, int]] = field(default_factory=dict)

    def visit(self, run: Mapping[str, Any]) -> Visit:
        """
        Say what a visitor's kernel gets.

        Parameters
        ----------
        run
            The content of ``run.json``: it names the dashboard and what was chosen.
        """
        name = run["dashboard"]["name"]
        if name not in self.held:
            self.held[name] = {path: warm.sealed(data) for path, data in self._files(name, "inputs").items()}
        return Visit(run, self.held[name], self._files(name, "modules"), self.memory_mb)

    def close(self) -> None:
        """Let go of the inputs."""
        for inputs in self.held.values():
            for one in inputs.values():
                os.close(one)
        self.held.clear()

    def _files(self, name: str, kind: str) -> dict[str, bytes]:
        """Read what lies below a dashboard's folder of one kind."""
        top = self.folder / name
        files = sorted(path for path in (top / kind).rglob("*") if path.is_file())
        return {path.relative_to(top).as_posix(): path.read_bytes() for path in files}
