"""
How long it takes to test a new table with up to fifty earlier ones, and what tables that are safe alone tell together.

Run ``python benchmarks/differencing.py``. A city of 60,000 people: first a table by 72 districts, 18 age bands and sex,
then tables with other districts put together and other age bands, each protected for itself only, as if nobody compared
them. Nothing fails: numbers of a machine are no promise.
"""

import resource
import time

import numpy as np

from stadtbuch.disclosure import history
from stadtbuch.disclosure.hierarchies import Cube, Hierarchy
from stadtbuch.disclosure.history import Release
from stadtbuch.disclosure.primary import few, room_of_counts
from stadtbuch.disclosure.protection import Judged, protect

SHAPE, LEAST, EARLIER = (72, 18, 2), 3, 50
COLUMNS = ("district", "age", "sex")
SHOWN = (1, 2, 5, 10, 25, 50)
Groups = tuple[list[list[int]], ...]


def a_city(chance: np.random.Generator) -> np.ndarray:
    """Give people by district, age band and sex; old people are few."""
    ages = np.r_[np.ones(12), np.linspace(0.9, 0.08, 6)]
    expected = np.multiply.outer(np.multiply.outer(chance.lognormal(0, 0.8, SHAPE[0]), ages), [1, 0.9])
    return chance.poisson(expected * 60_000 / expected.sum())


def cut(chance: np.random.Generator, size: int, fewest: int, most: int) -> list[list[int]]:
    """Cut a range into runs."""
    number = int(chance.integers(fewest, most))
    edges = sorted(chance.choice(np.arange(1, size), number, replace=False).tolist())
    return [list(range(low, high)) for low, high in zip([0, *edges], [*edges, size], strict=True)]


def released(id: str, people: np.ndarray, groups: Groups) -> Release:
    """Protect a table with all its margins for itself, and state what it makes public."""
    sums = people
    for axis, own in enumerate(groups):
        sums = np.stack([sums.take(part, axis=axis).sum(axis=axis) for part in own], axis=axis)
    names = [tuple(map(str, range(len(own)))) for own in groups]
    levels = tuple(Hierarchy(column, own, {"all": own}) for column, own in zip(COLUMNS, names, strict=True))
    cube = Cube(levels, sums.ravel())
    judged = Judged(cube, few(cube.values, minimum=LEAST), room_of_counts(cube.values, minimum=LEAST))
    hidden = protect([judged], node_limit=0).hidden(0)
    told = [
        [
            stated(column, own[int(label)])
            for column, own, label in zip(COLUMNS, groups, labels, strict=True)
            if label != "all"
        ]
        for labels in cube.labels
    ]
    values = [None if one else int(value) for one, value in zip(hidden, cube.values, strict=True)]
    return Release.stating(id, told, values, min_count=LEAST)


def stated(column: str, inside: list[int]) -> dict[str, object]:
    """Write a group as a condition: a band of ages, a list of codes."""
    if column == "age":
        return {"column": column, "from": inside[0], "to": inside[-1]}
    return {"column": column, "in": [f"{one:02}" for one in inside]}


def main() -> None:
    """Release tables one after another."""
    chance = np.random.default_rng(5)
    people = a_city(chance)
    told = [released("0", people, tuple([[one] for one in range(size)] for size in SHAPE))]
    print(f"first table: {len(told[0].values)} cells, {told[0].hidden} withheld")
    for number in range(1, EARLIER + 1):
        sexes = [[0], [1]] if chance.random() < 0.6 else [[0, 1]]
        new = released(str(number), people, (cut(chance, 72, 5, 15), cut(chance, 18, 2, 8), sexes))
        if number in SHOWN:
            begun = time.perf_counter()
            found = history.exposure(new, told)
            seconds = time.perf_counter() - begun
            print(
                f"{number:>3} earlier tables, {len(new.values)} cells: {seconds:.2f} s, {found.checked} sets tested, "
                f"{found.atoms} exposed by this table, {found.exact} exactly"
            )
        told.append(new)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"memory {memory:.0f} MB")


if __name__ == "__main__":
    main()
