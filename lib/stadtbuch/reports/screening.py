"""What the privacy rules need to know about a run, gathered for them; they themselves read no file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import pandas as pd

from stadtbuch.disclosure import released
from stadtbuch.errors import SourceError
from stadtbuch.model.verdict import Finding
from stadtbuch.privacy import notebooks, positions
from stadtbuch.privacy import outputs as rules
from stadtbuch.privacy import values as scan
from stadtbuch.reports import markup, release, values
from stadtbuch.reports.evidence import Evidence
from stadtbuch.session.city import City
from stadtbuch.session.snapshots import min_count
from stadtbuch.store import read_frame
from stadtbuch.texts import LANGUAGES


@dataclass(frozen=True)
class Screen:
    """One run before the privacy rules: the evidence, and the facts that the rules ask for."""

    evidence: Evidence
    facts: rules.Facts
    uncompared: tuple[str, ...] = ()

    @classmethod
    def of(cls, city: City, evidence: Evidence) -> Screen:
        """
        Gather the facts about a run.

        Whatever it reads, no value of any dataset of the catalogue that is not open may occur: an analyst can
        write down a name without loading it. Those the run was made from must be readable for that; of the
        others, one whose source is not there is named in `uncompared`.
        """
        behind = _behind(evidence)
        found = {name: _index(city, name, needed=name in behind) for name in _not_open(city) | behind}
        indices = {name: index for name, index in sorted(found.items()) if index is not None}
        least = [min_count(city.dataset(name), city.settings) for name in sorted(behind)]
        public = _public(city)
        texts = {path: text for path, data in evidence.files.items() if (text := _text(data)) is not None}
        facts = rules.Facts(
            restricted=any(one["class"] != "open" for one in evidence.facts["inputs"].values()),
            key=city.state.key(values.KEY),
            closed=tuple(
                rules.ClosedFacts(
                    name,
                    city.dataset(name).table.names,
                    index,
                    values.positions(city, name),
                    city.dataset(name).binding,
                )
                for name, index in indices.items()
            ),
            records=_renderings(evidence),
            texts=texts,
            files={path: data for path, data in evidence.files.items() if path not in texts},
            parameters=evidence.facts["parameters"],
            open_places=lambda: _open_places(evidence),
            canaries=values.canaries(city),
            open_values=_open_values(evidence) | _released_words(evidence),
            vocabulary=public[0],
            allowed_addresses=public[1],
            paths=(str(city.settings.root), str(evidence.folder)),
            rules=city.settings.rules.version,
            min_count=max(least, default=None),
            binding=_binding(city, evidence),
        )
        return cls(evidence=evidence, facts=facts, uncompared=tuple(sorted(found.keys() - indices.keys())))

    def everything(self) -> list[Finding]:
        """Judge the executed notebook and everything that goes out with it."""
        return rules.judge(notebooks.strip(self.evidence.notebook), self.facts)

    def source_and_tables(self) -> list[Finding]:
        """Judge a preparing step: its source, and the tables it cleared; its other outputs stay inside."""
        tables = {path: text for path, text in self.facts.texts.items() if path.startswith("tables/")}
        source = release.source_only(self.evidence.notebook)
        return rules.judge(
            notebooks.strip(source), replace(self.facts, restricted=False, texts=tables, files={})
        )


def _binding(city: City, evidence: Evidence) -> bool:
    """Whether anything that the run reads is the city's, or held by it; a run without inputs is the city's own."""
    read = [name for name in evidence.facts["inputs"] if name in city.catalog.datasets]
    return (
        len(read) < len(evidence.facts["inputs"])
        or not read
        or any(city.dataset(name).binding for name in read)
    )


def _text(data: bytes) -> str | None:
    """Give a file as text, if it is plain text."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def get_ready(city: City) -> None:
    """Index the values and places of all datasets that are not open, and the public words; once in a session."""
    for name in sorted(_not_open(city)):
        _index(city, name, needed=False)
        values.positions(city, name)
    _public(city)


def _public(city: City) -> tuple[frozenset[str], frozenset[str]]:
    """Give the words and the mailboxes that are public."""
    words = city.once("public words", lambda: scan.vocabulary(public_words(city)))
    return words, city.once("public addresses", lambda: frozenset(addresses(city)))


def _behind(evidence: Evidence) -> set[str]:
    """Name the datasets that are not open and that a run was made from, directly or through a released table."""
    inputs = evidence.facts["inputs"]
    own = {name for name, one in inputs.items() if one["class"] != "open"}
    return own | {one["derived_from"] for one in inputs.values() if one.get("derived_from")}


def _not_open(city: City) -> set[str]:
    return {name for name, one in city.catalog.datasets.items() if not one.is_open}


def _index(city: City, dataset: str, *, needed: bool) -> frozenset[bytes] | None:
    """Give the index of a dataset's values; None if its source is not there and no run was made from it."""
    try:
        return values.index(city, dataset)
    except SourceError:
        if needed:
            raise
        return None


def _renderings(evidence: Evidence) -> dict[tuple[str, str], frozenset[str]]:
    """Give for every record the texts that an output may show of it."""
    named = [("figure", evidence.figures), ("table", evidence.shown), ("protected", evidence.tables)]
    pairs = [(kind, name) for kind, records in named for name in records]
    pairs += [(str(one["kind"]), str(one["name"])) for one in evidence.results]
    return {pair: frozenset((evidence.rendered(*pair) or {}).values()) for pair in pairs}


def _open_values(evidence: Evidence) -> frozenset[str]:
    """Give the words of the run's open inputs: what is public anyhow is no finding."""
    inputs = evidence.facts["inputs"].values()
    told = (one for one in inputs if one["class"] == "open" and one["kind"] == "frame")
    return frozenset().union(*(_open_words((evidence.folder / one["file"]).read_bytes()) for one in told))


@lru_cache(maxsize=32)  # the cells of a report read the same open data
def _open_words(data: bytes) -> frozenset[str]:
    """Collect the texts of a snapshot."""
    frame = read_frame(data)
    named = [
        name
        for name in frame.columns
        if not pd.api.types.is_numeric_dtype(frame[name].dtype) and str(frame[name].dtype) != "geometry"
    ]
    return scan.vocabulary(text for name in named for text in frame[name].dropna().astype("str").unique())


def _open_places(evidence: Evidence) -> frozenset[str]:
    """Give the places of the run's open inputs."""
    frames = (
        read_frame((evidence.folder / one["file"]).read_bytes())
        for one in evidence.facts["inputs"].values()
        if one["class"] == "open" and one["kind"] == "frame"
    )
    drawn = [positions.words(frame) for frame in frames if getattr(frame, "crs", None) is not None]
    return frozenset().union(*drawn)


def _released_words(evidence: Evidence) -> frozenset[str]:
    """Give the words of protected places, which are judged by their rules (`regrid`), not word by word."""
    own = scan.vocabulary(word for record in evidence.tables.values() for word in released.labels(record))
    read = (
        _words_of_record((evidence.folder / one["file"]).read_bytes())
        for one in evidence.facts["inputs"].values()
        if one["kind"] == "table"
    )
    return own.union(*read)


@lru_cache(maxsize=32)  # the cells of a report read the same table
def _words_of_record(data: bytes) -> frozenset[str]:
    return scan.vocabulary(released.labels(json.loads(data)))


def public_words(city: City) -> Iterator[str]:
    """Give the texts of the catalogue and of the city's own settings."""
    settings = city.settings.city
    yield from (settings.name, *settings.publisher.as_dict().values(), *settings.claim.as_dict().values())
    for dataset in city.catalog.datasets.values():
        yield from _texts(dataset.model_dump(mode="json", exclude={"source"}))
    for word in (markup.MISSING, markup.TOTAL, markup.AS_OF):
        yield from (word.pick(language) for language in LANGUAGES)


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, Mapping):
        for one in content.values():
            yield from _texts(one)
    elif isinstance(content, (list, tuple)):
        for one in content:
            yield from _texts(one)
    elif isinstance(content, str):
        yield content


def addresses(city: City) -> Iterator[str]:
    """Give the mailboxes that are public: the city's and those of the catalogue."""
    yield city.settings.city.contact.lower()
    for dataset in city.catalog.datasets.values():
        yield dataset.contact_point.lower()
