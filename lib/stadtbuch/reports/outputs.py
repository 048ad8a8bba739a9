"""
Where the outputs of a notebook go: into the run's own folder, or, in the lab, only onto the screen.

Also what is known about the inputs: titles of columns, licences, attribution, the thresholds that hold.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from stadtbuch import atomic
from stadtbuch.errors import UsageError
from stadtbuch.model.verdict import Finding
from stadtbuch.session.city import City
from stadtbuch.settings import environment
from stadtbuch.texts import LANGUAGES, Text

RESULTS = "results.json"


@dataclass(frozen=True)
class Outputs:
    """
    The place and the facts of the running notebook.

    `folder` is the run's folder, or ``None`` in the lab; `facts` has the shape of ``run.json`` (CONTRACTS:
    run input), as far as it is known. `prefix` stands before every name: the views of a dashboard show the same
    things for other values.
    """

    folder: Path | None
    facts: Mapping[str, Any] = field(default_factory=dict)
    prefix: str = ""

    @property
    def languages(self) -> tuple[str, ...]:
        """Give the languages in which pictures are drawn."""
        return LANGUAGES

    @property
    def inputs(self) -> Mapping[str, Any]:
        """Give what is known about each input, by dataset id."""
        return self.facts.get("inputs", {})

    @property
    def synthetic(self) -> bool:
        """Whether the data belong to a city that does not exist."""
        return bool(self.facts.get("city", {}).get("synthetic"))

    @property
    def columns(self) -> dict[str, Mapping[str, Any]]:
        """Give the columns of all inputs by name; the first input that has a name describes it."""
        found: dict[str, Mapping[str, Any]] = {}
        for one in self.inputs.values():
            for column in one.get("columns", []):
                found.setdefault(column["name"], column)
        return found

    def write(self, path: str, data: bytes) -> None:
        """Write one file of the run's outputs; nothing in the lab."""
        if self.folder is not None:
            target = self.folder / "outputs" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            atomic.write(target, data, mode=0o600)

    def write_record(self, path: str, record: Mapping[str, Any]) -> None:
        """Write one record as JSON with a stable order."""
        self.write(path, encode(record))

    def next_name(self, kind: str) -> str:
        """Count the headlines or points so far and name the next one."""
        own = [one for one in self.results() if one["kind"] == kind and one["name"].startswith(self.prefix)]
        return f"{self.prefix}{kind}-{len(own) + 1}"

    def show(self, bundle: Mapping[str, str], *, kind: str, name: str) -> None:
        """Display an output in the notebook, with the name of its record."""
        _display(bundle, kind=kind, name=name)

    def claim(self, kind: str, name: str) -> None:
        """
        Refuse a name that an earlier output of the same kind already has.

        Raises
        ------
        UsageError
            ``output.name-twice``.
        """
        if self.folder is not None and (self.folder / "outputs" / kind / f"{name}.json").exists():
            raise twice(name)

    def results(self) -> list[dict[str, Any]]:
        """Give the headlines and named results so far."""
        if self.folder is None or not (self.folder / "outputs" / RESULTS).exists():
            return []
        return json.loads((self.folder / "outputs" / RESULTS).read_text(encoding="utf-8"))


def encode(value: Any) -> bytes:
    """Write JSON in one stable form: the order of keys as given, UTF-8, one trailing newline."""
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


@lru_cache(maxsize=256)  # a record stands on four pages, and the cells of a report share their tables
def decode(data: bytes) -> Any:
    """Read a record of an edition; what this gives is shared and never changed."""
    return json.loads(data)


def twice(name: str) -> UsageError:
    """Say that two outputs have one name."""
    return UsageError(
        "output.name-twice",
        Text(de=f"Der Name {name} ist schon vergeben.", en=f"The name {name} is taken already."),
        why=Text(
            de="Über den Namen werden Ausgaben zitiert und zwischen Ausgaben verglichen.",
            en="Outputs are cited and compared between editions by their names.",
        ),
        remedy=Text(de="Geben Sie name= mit einem anderen Namen an.", en="Add name= with another name."),
    )


def current() -> Outputs:
    """Give the outputs of the running notebook: its run's folder, or the lab."""
    diverted = _diverted.get()
    if diverted is not None:
        return diverted
    run = environment().run
    if run is None:
        return Outputs(folder=None, facts=_lab())
    return Outputs(folder=run, facts=json.loads((run / "run.json").read_text(encoding="utf-8")))


_diverted: ContextVar[Outputs | None] = ContextVar("diverted", default=None)


@contextmanager
def into(out: Outputs) -> Iterator[Outputs]:
    """Let everything that is shown meanwhile go to `out`: the views of a dashboard have outputs of their own."""
    before = _diverted.set(out)
    try:
        yield out
    finally:
        _diverted.reset(before)


def _lab() -> Mapping[str, Any]:
    """Give what the lab knows: the facts of the city that the notebook opened last, or nothing."""
    if "IPython" not in sys.modules:
        return {}
    shell = sys.modules["IPython"].get_ipython()
    opened = [one for one in shell.user_ns.values() if isinstance(one, City)] if shell is not None else []
    return opened[-1].facts() if opened else {}


LISTENERS: list[Callable[[Sequence[Finding]], None]] = []
"""Who shows findings in the lab instead of Python's warnings: its extension, where it is loaded."""


def warn(findings: Iterable[Finding]) -> None:
    """Say in the lab what the gate would see, without stopping anything: experiments stay free."""
    found = list(findings)
    for tell in LISTENERS:
        tell(found)
    language = environment().language
    for finding in () if LISTENERS else found:
        said = f"{finding.text.pick(language)} {finding.remedy.pick(language)} ({finding.rule})"
        warnings.warn(said, stacklevel=3)


def show(bundle: Mapping[str, str], *, kind: str, name: str) -> None:
    """
    Display an output in a notebook, with the name of its record; silent outside of one.

    Parameters
    ----------
    bundle
        MIME type -> content.
    kind, name
        Which record the output must equal (``output.metadata["stadtbuch"]``).
    """
    current().show(bundle, kind=kind, name=name)


def _display(bundle: Mapping[str, str], *, kind: str, name: str) -> None:
    from IPython import get_ipython  # noqa: PLC0415 - only inside a notebook
    from IPython.display import display  # noqa: PLC0415 - as above

    if get_ipython() is not None:  # type: ignore[no-untyped-call]
        display(dict(bundle), raw=True, metadata={"stadtbuch": {"kind": kind, "name": name}})  # type: ignore[no-untyped-call]
