"""
Pages of editions that an earlier build made from the same: they are taken from the public folder, not made again.

A page is made from the edition, which never changes, and from what surrounds it. What it was made from and what came
out is remembered as two digests; the page in the folder must still be what came out, to the last byte.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from stadtbuch import atomic
from stadtbuch.model.verdict import Finding
from stadtbuch.reports import accessibility, packages
from stadtbuch.reports.editions import EDITION, Archived
from stadtbuch.reports.render import Context
from stadtbuch.stamps import Memory


@dataclass(frozen=True, slots=True)
class Earlier:
    """
    The pages of earlier builds.

    Attributes
    ----------
    public
        The folder of the site.
    memory
        Where digests are remembered.
    maker
        Digest of everything that makes pages: the library with its templates, what is installed, the catalogue.
    """

    public: Path
    memory: Memory
    maker: str

    def page(
        self, path: str, archived: Archived, context: Context, *, language: str, make: Callable[[], bytes]
    ) -> bytes:
        """
        Give the page of an edition, made now only if it was not made from the same before.

        Parameters
        ----------
        path
            Below the site's root.
        make
            Makes it.
        """
        name, mark = f"page {path}", self._mark(archived, context, language)
        known = self.memory.kept(name, mark)
        if known is not None:
            data = _read(self.public / path)
            if atomic.digest(data) == known:
                return data
        made = make()
        self.memory.keep(name, mark, atomic.digest(made))
        return made

    def findings(self, path: str, data: bytes) -> list[Finding]:
        """Check the accessibility of a page, unless exactly this page was checked before."""
        name, mark = f"accessible {path}", f"{self.maker} {atomic.digest(data)}"
        known = self.memory.kept(name, mark)
        if known is not None:
            return [Finding.model_validate(one) for one in json.loads(known)]
        found = accessibility.check(data.decode(), subject=path)
        self.memory.keep(name, mark, json.dumps([one.model_dump(mode="json") for one in found]))
        return found

    def _mark(self, archived: Archived, context: Context, language: str) -> str:
        surrounding = repr(replace(context, datasets={}))  # the catalogue is part of the maker
        own = [_read(archived.folder / name) for name in (EDITION, packages.INDEX)]
        return _digest([self.maker.encode(), language.encode(), surrounding.encode(), *own])


def maker(*parts: str) -> str:
    """Join what makes pages into one digest."""
    return _digest([part.encode() for part in parts])


def _digest(parts: Sequence[bytes]) -> str:
    total = sha256()
    for part in parts:
        total.update(sha256(part).digest())
    return total.hexdigest()


def _read(path: Path) -> bytes:
    """Read a file; nothing where there is none."""
    return path.read_bytes() if path.is_file() else b""
