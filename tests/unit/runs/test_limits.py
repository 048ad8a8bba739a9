"""Each limit ends a run with an error of its own that names the setting."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders.city import TOML, Made, a_city, a_notebook

from stadtbuch.runs import execute, manifest, plan

LIMITS = '[runs]\ncpu_seconds = 3\nmemory_mb = 256\noutput_mb = 1\nwall = "{wall}"\n'
NOTEBOOKS = {
    "cpu": ("while True: pass", "run.cpu", "cpu_seconds"),
    "memory": ("held = bytearray(3 << 30)", "run.memory", "memory_mb"),
    "flood": ("while True: print('x' * 10_000)", "run.output", "output_mb"),
    "files": (
        "import stadtbuch as sb\nfor n in range(3):\n"
        "    (sb.city().outputs / str(n)).write_bytes(b'x' * 500_000)",
        "run.output",
        "output_mb",
    ),
}


def requests(made: Made) -> list[plan.Request]:
    """Plan a notebook for each limit."""
    paths = [a_notebook(made.root, code, name=name) for name, (code, _, _) in NOTEBOOKS.items()]
    city = made.open()
    return [plan.plan(city, manifest.read(path, root=made.root), {}) for path in paths]


@pytest.mark.parametrize("wall", ["where-possible", "none"])
def test_each_limit_has_an_error_of_its_own(tmp_path: Path, wall: str) -> None:
    """Behind a wall and in a plain kernel: processor time, memory, what is shown, what is written."""
    made = a_city(tmp_path / "city", toml=TOML + LIMITS.format(wall=wall))

    results = execute.execute(requests(made), jobs=2, city=made.open())

    for result, (_, code, setting) in zip(results, NOTEBOOKS.values(), strict=True):
        assert result.error is not None
        assert (result.error["code"], result.error["exit_code"]) == (code, 1), result.error
        assert setting in result.error["en"]["why"]
