"""Plain kernels: their sockets do not pile up."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from stadtbuch.runs import kernels


def test_sockets_of_killed_workers_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of workers that are gone go, those of living ones and of others stay."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    names = [
        f"stadtbuch-kernel-{gone.pid}-a",
        f"stadtbuch-kernel-{os.getpid()}-b",
        "stadtbuch-kernel-x-c",
        "other",
    ]
    for name in names:
        (tmp_path / name).mkdir()

    kernels.sweep()

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])
