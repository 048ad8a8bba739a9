"""Notebooks in git: a valid manifest, no outputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from stadtbuch.runs import manifest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted(
    path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts
)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_ready_for_git(path: Path) -> None:
    """Its manifest is valid and no cell holds an output: outputs belong to runs."""
    analysis = manifest.read(path, root=ROOT)

    assert analysis.stored_outputs == ()
