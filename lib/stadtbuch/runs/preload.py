"""
What a worker of a cluster loads first: ``dask worker --preload stadtbuch.runs.preload``.

It works without, more slowly: an import that no schema of notebooks needs costs a second in each process.
"""

from __future__ import annotations

from typing import Any

from stadtbuch import startup


def dask_setup(server: Any) -> None:
    """Prepare a worker before it takes its first order (Dask's name for it)."""
    startup.spare()
    from stadtbuch.runs import unit  # noqa: F401, PLC0415 - only after what is spared
