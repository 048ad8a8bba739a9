"""
The keyed index of a closed dataset's values, built once per version and kept in the store.

It holds no value, only keyed hashes; without the key of the city it tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from pathlib import Path

from stadtbuch import atomic
from stadtbuch.errors import SourceError
from stadtbuch.model.dataset import FieldType
from stadtbuch.privacy import values
from stadtbuch.session.city import City
from stadtbuch.session.snapshots import min_count

KEY = "values"
FORMAT = 2
"""Raised when an index of an earlier version would miss something; the index is then made anew."""


def index(city: City, dataset: str) -> frozenset[bytes]:
    """
    Give the index of the whole source of a dataset, whatever columns and rows a run sees of it.

    Parameters
    ----------
    city
        The session; the source is read once in it.
    dataset
        Id of a dataset that is not open.

    Returns
    -------
    frozenset of bytes
        Keyed hashes, 16 bytes each.

    Raises
    ------
    SourceError
        If the source is missing, and was not replaced by snapshots whose indexes are all kept.
    """
    entry = city.dataset(dataset)
    least = min_count(entry, city.settings)
    return _kept(
        city,
        dataset,
        f"{FORMAT} {dataset} {{version}} {least}",
        lambda: values.index(city.source(dataset).frame, entry, min_count=least, key=city.state.key(KEY)),
    )


def positions(city: City, dataset: str) -> frozenset[bytes]:
    """Give the index of the places in the whole source of a dataset; empty if it has none."""
    from stadtbuch.privacy import positions as places  # noqa: PLC0415 - maps, for few datasets

    if all(column.type != FieldType.geometry for column in city.dataset(dataset).table.fields):
        return frozenset()
    return _kept(
        city,
        dataset,
        f"positions {FORMAT} {dataset} {{version}}",
        lambda: places.index(city.source(dataset).frame, key=city.state.key(KEY)),
    )


def _kept(city: City, dataset: str, name: str, make: Callable[[], frozenset[bytes]]) -> frozenset[bytes]:
    """Take an index from the session or the store, or make it and keep it there."""
    used = sorted(city.kept.get(dataset, ()))
    known: frozenset[bytes] = city.once(
        f"index {name} {used}", lambda: _of_all(city, dataset, name, make, used=used)
    )
    return known


def _of_all(
    city: City, dataset: str, name: str, make: Callable[[], frozenset[bytes]], *, used: Sequence[str]
) -> frozenset[bytes]:
    """Join the index of the source with those of the snapshots that were used in its place while it was missing."""
    pointers = [_pointer(city, name, version) for version in used]
    found = [_split(city.store.get(one.read_text("ascii").strip())) for one in pointers if one.exists()]
    try:
        found.append(_stored(city, dataset, name, make))
    except SourceError:
        if not used or len(found) < len(used):
            raise
    return frozenset().union(*found)


def _stored(city: City, dataset: str, name: str, make: Callable[[], frozenset[bytes]]) -> frozenset[bytes]:
    """Take an index from the store: then the source itself need not be read."""
    pointer = _pointer(city, name, city.version(dataset))
    if pointer.exists():
        return _split(city.store.get(pointer.read_text(encoding="ascii").strip()))
    made = make()
    pointer = _pointer(city, name, city.source(dataset).version)
    pointer.parent.mkdir(mode=0o700, exist_ok=True)
    atomic.write(pointer, city.store.put(b"".join(sorted(made))).encode(), mode=0o600)
    return made


def _pointer(city: City, name: str, version: str) -> Path:
    named = sha256(name.format(version=version).encode()).hexdigest()
    return city.state.folder("store") / "values" / named


def canaries(city: City) -> frozenset[bytes]:
    """Give the planted values that may stand nowhere, as keyed hashes; none where nobody planted any."""
    file = _planted(city)
    return _split(file.read_bytes()) if file.exists() else frozenset()


def plant(city: City, texts: Iterable[str]) -> None:
    """
    Remember planted values (canaries), so that the gate refuses them wherever they turn up.

    Only their keyed hashes are kept.

    Parameters
    ----------
    texts
        The values as they stand in the data.
    """
    made = values.digests(map(values.phrase, texts), key=city.state.key(KEY))
    atomic.write(_planted(city), b"".join(sorted(made)), mode=0o600)


def _planted(city: City) -> Path:
    return city.state.folder("store") / "canaries"


def _split(data: bytes) -> frozenset[bytes]:
    return frozenset(data[at : at + 16] for at in range(0, len(data), 16))
