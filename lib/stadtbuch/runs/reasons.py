"""
Why something runs: which part of the run key is another one than at the latest run.

Pure: two sets of key parts in, sentences out. Names of datasets, parameters and modules are told, values never.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stadtbuch.texts import Text

WORDS: dict[str, Text] = {
    "first": Text(de="läuft zum ersten Mal", en="runs for the first time"),
    "failed": Text(de="ist beim letzten Mal gescheitert", en="failed the last time"),
    "interrupted": Text(de="wurde beim letzten Mal unterbrochen", en="was interrupted the last time"),
    "gone": Text(de="das Ergebnis ist nicht mehr da", en="the result is no longer there"),
    "prepare": Text(
        de="hängt davon ab, was die Vorbereitung ergibt", en="depends on what the preparation gives"
    ),
    "format": Text(de="der Laufschlüssel ist anders aufgebaut", en="the run key is composed differently"),
    "code": Text(de="der Code des Notebooks ist ein anderer", en="the notebook's code is another one"),
    "manifest": Text(
        de="das Manifest erklärt etwas anderes (Zweck oder Tabellen)",
        en="the manifest declares something else (purpose or tables)",
    ),
    "modules": Text(de="das Modul {name} ist ein anderes", en="the module {name} is another one"),
    "inputs": Text(de="die Daten von {name} sind andere", en="the data of {name} are others"),
    "catalogue": Text(
        de="die Beschreibung, Auswahl oder Lizenz von {name} ist eine andere",
        en="the description, selection or licence of {name} is another one",
    ),
    "parameters": Text(de="der Parameter {name} ist ein anderer", en="the parameter {name} is another one"),
    "environment": Text(
        de="die Umgebung ist eine andere ({name})", en="the environment is another one ({name})"
    ),
    "library": Text(de="Stadtbuch selbst ist ein anderes", en="Stadtbuch itself is another one"),
    "rules": Text(de="das Regelwerk ist ein anderes ({name})", en="the set of rules is another one ({name})"),
    "confidential": Text(de="die Regeln für Summen sind andere", en="the rules for sums are others"),
    "city": Text(de="die Angaben zur Stadt sind andere", en="what the settings say of the city is different"),
    "seed": Text(de="der Startwert des Zufalls ist ein anderer", en="the seed of chance is another one"),
    "languages": Text(de="die Sprachen sind andere", en="the languages are others"),
    "dashboard": Text(
        de="die Auswahl des Dashboards ist eine andere", en="the dashboard's choices are others"
    ),
    "other": Text(de="der Teil {name} ist ein anderer", en="the part {name} is another one"),
}
"""Part of the key, or what else makes something run -> the sentence, to go on from a report's name."""


@dataclass(frozen=True, slots=True)
class Reason:
    """
    One reason why a step runs.

    `part` is the part of the key (or ``first``, ``failed``, ``interrupted``, ``gone``, ``prepare``), `name` what of
    it: a dataset, a module, a parameter.
    """

    part: str
    name: str | None = None
    step: str = "report"

    @property
    def text(self) -> Text:
        """Say it, to go on from a name: "die Daten von population.residents sind andere"."""
        words = WORDS.get(self.part, WORDS["other"])
        name = self.name or self.part
        return Text(de=words.de.format(name=name), en=words.en.format(name=name))

    def as_dict(self, language: str) -> dict[str, str | None]:
        """Give it as JSON in one language."""
        return {"step": self.step, "part": self.part, "name": self.name, "text": self.text.pick(language)}


def between(before: Mapping[str, Any], now: Mapping[str, Any], *, step: str = "report") -> list[Reason]:
    """
    Name every part in which two keys differ.

    Parameters
    ----------
    before, now
        ``key_parts`` of two runs.
    step
        ``"prepare"`` or ``"report"``.

    Examples
    --------
    >>> before, now = {"inputs": {"a.b": "1", "a.c": "1"}, "seed": 1}, {"inputs": {"a.b": "2", "a.c": "1"}, "seed": 1}
    >>> [one.text.en for one in between(before, now)]
    ['the data of a.b are others']
    """
    return list(_between(before, now, step))


def _between(before: Mapping[str, Any], now: Mapping[str, Any], step: str) -> Iterator[Reason]:
    for part in {**now, **before}:
        one, other = before.get(part), now.get(part)
        if one == other:
            continue
        if part != "library" and isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from (Reason(part, name, step) for name in _different(one, other))
        else:
            yield Reason(part, None, step)


def _different(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Name the keys of two mappings whose values differ; of a mapping in a mapping, those within."""
    found = []
    for name in sorted({*one, *other}):
        here, there = one.get(name), other.get(name)
        if here == there:
            continue
        if isinstance(here, Mapping) and isinstance(there, Mapping):
            found += _different(here, there)
        else:
            found.append(name)
    return found


def recorded(folder: Path) -> dict[str, Any] | None:
    """Give the key parts that a run's folder has on record; None if there are none to be read."""
    try:
        return dict(json.loads((folder / "run.json").read_text(encoding="utf-8"))["key_parts"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
