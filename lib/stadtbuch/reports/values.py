"""
The keyed index of a closed dataset's values, built once per version and kept in the store.

It holds no value, only keyed hashes; without the key of the city it tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path

from stadtbuch import atomic
from stadtbuch.model.dataset import FieldType
from stadtbuch.privacy import values
from stadtbuch.session.city import City
from stadtbuch.session.snapshots import min_count

KEY = "values"
FORMAT = 1


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
    """
    source, entry = city.source(dataset), city.dataset(dataset)
    least = min_count(entry, city.settings)
    name = sha256(f"{FORMAT} {dataset} {source.version} {least}".encode()).hexdigest()
    return _kept(
        city, name, lambda: values.index(source.frame, entry, min_count=least, key=city.state.key(KEY))
    )


def positions(city: City, dataset: str) -> frozenset[bytes]:
    """Give the index of the places in the whole source of a dataset; empty if it has none."""
    from stadtbuch.privacy import positions as places  # noqa: PLC0415 - maps, for few datasets

    if all(column.type != FieldType.geometry for column in city.dataset(dataset).table.fields):
        return frozenset()
    source = city.source(dataset)
    name = sha256(f"positions {FORMAT} {dataset} {source.version}".encode()).hexdigest()
    return _kept(city, name, lambda: places.index(source.frame, key=city.state.key(KEY)))


def _kept(city: City, name: str, make: Callable[[], frozenset[bytes]]) -> frozenset[bytes]:
    """Take an index from the store, or make it and keep it there."""
    pointer = city.state.folder("store") / "values" / name
    if pointer.exists():
        return _split(city.store.get(pointer.read_text(encoding="ascii").strip()))
    made = make()
    pointer.parent.mkdir(mode=0o700, exist_ok=True)
    atomic.write(pointer, city.store.put(b"".join(sorted(made))).encode(), mode=0o600)
    return made


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
