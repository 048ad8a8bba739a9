"""
What the server of live dashboards gets to see: a private copy of the listed dashboards, and nothing of the city.

The copy lies outside of the city's folders. ``live/`` holds what kernels read, ``shown/`` what the server itself
shows when all seats are taken; both are read-only, and every file was checked against its hash when it was copied.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stadtbuch import scratch
from stadtbuch.dashboards import shelf
from stadtbuch.dashboards.shelf import Kept
from stadtbuch.reports import look
from stadtbuch.settings import Settings

KIND = "dashboards"
ABOUT = "about.json"
READ, ENTER = 0o444, 0o555


@dataclass(frozen=True)
class Prepared:
    """
    The copy of the listed dashboards.

    Attributes
    ----------
    root
        Its folder.
    about
        What the server must know of the city: its settings, and which datasets have pages.
    """

    root: Path
    about: Mapping[str, Any]

    @property
    def live(self) -> Path:
        """Give the folder that kernels may read."""
        return self.root / "live"

    def dashboards(self) -> list[Kept]:
        """Give the dashboards, by name."""
        folders = sorted(path for path in (self.root / "shown").iterdir() if path.is_dir())
        return [kept for kept in map(shelf.read, folders) if kept is not None]


def lay_out(found: Sequence[Kept], settings: Settings, *, datasets: Sequence[str], tokens: str) -> Path:
    """
    Copy the listed dashboards into a new private folder.

    Parameters
    ----------
    found
        From `shelf.listed`.
    settings
        The city's.
    datasets
        Ids that have a page of their own.
    tokens
        The city's own style tokens.
    """
    root = scratch.made(KIND)
    for name in ("shown", "live", "kernels"):
        (root / name).mkdir(mode=0o700)
    for kept in found:
        _copy(kept, root)
    about = {
        "settings": settings.model_dump(mode="json"),
        "root": str(settings.root),
        "datasets": list(datasets),
        "style": look.style(tokens),
    }
    (root / ABOUT).write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")
    return root


def read(root: Path) -> Prepared:
    """Read what `lay_out` wrote."""
    return Prepared(root, json.loads((root / ABOUT).read_text(encoding="utf-8")))


def clear(root: Path) -> None:
    """Remove the copy."""
    scratch.remove(root)


def _copy(kept: Kept, root: Path) -> None:
    """Copy one dashboard twice: what the server shows, and what kernels read; both without a way to write."""
    for path in [shelf.DESCRIPTION, *kept.told["files"]]:
        _write(root / "shown" / kept.name / path, kept.bytes(path))
        part = path.removeprefix("live/")
        if part != path and part.startswith(("inputs/", "modules/")):
            _write(root / "live" / kept.name / part, kept.bytes(path))
    (root / "live" / kept.name / "modules").mkdir(exist_ok=True, parents=True)
    for folder in sorted(path for path in (root / "live").rglob("*") if path.is_dir()):
        folder.chmod(ENTER)
    (root / "live").chmod(0o755)


def _write(path: Path, data: bytes) -> None:
    for folder in reversed([one for one in path.parents if not one.exists()]):
        folder.mkdir(mode=0o755)
    path.write_bytes(data)
    path.chmod(READ)
