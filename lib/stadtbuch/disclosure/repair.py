"""
Repair of a new table that would tell too much beside earlier ones: more of it is withheld.

What was published stays; only the new table can change. The numbers that make a set known are those whose equations
bind in the linear program that bounds it: the least of them is withheld, and the test begins anew, until nothing is
exposed or nothing is left to withhold. Then whatever turned out not to be needed is published after all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from stadtbuch.disclosure import history
from stadtbuch.disclosure.history import Box, Release
from stadtbuch.disclosure.refinement import Together

ROUNDS = 40
"""How often more is withheld before a table counts as beyond repair."""


def repaired(
    new: Release,
    earlier: Sequence[Release],
    *,
    together: Together | None = None,
    kept: Collection[int] = (),
) -> Release | None:
    """
    Withhold more of a new release until it exposes nothing beside earlier ones; None if that does not help.

    Parameters
    ----------
    new, earlier, together
        As `history.exposure` takes them.
    kept
        Cells that are not withheld for this, such as the total of a table.

    Returns
    -------
    Release
        The same cells, some of them withheld; the same whenever the same is given.

    Examples
    --------
    >>> def ages(id, *bands):
    ...     told = [[{"column": "age", "from": low, "to": high}] for low, high, _ in bands]
    ...     return Release.stating(id, told, [count for _, _, count in bands], min_count=3)
    >>> repaired(ages("new", (0, 18, 21), (60, 99, 30)), [ages("old", (0, 17, 20))]).values
    (None, 30)
    """
    known = together or {}
    more: list[int] = []
    boxes = suspects = history.exposed(new, earlier, together=known)
    for _ in range(ROUNDS):
        if not boxes:
            return _thinned(new, more, earlier, known, suspects)
        now = replace(new, values=_without(new, more))
        chosen = history.binding(now, earlier, boxes, together=known, kept=kept)
        if not chosen:
            return None
        more += sorted(chosen)
        boxes = _left(replace(new, values=_without(new, more)), earlier, known, suspects)
        suspects = [*suspects, *boxes]
    return None


def _left(new: Release, earlier: Sequence[Release], together: Together, suspects: Sequence[Box]) -> list[Box]:
    """
    Give the sets that are still exposed: of those that were, and only when they are clear, of all.

    Withholding makes nothing known, so that is nearly always enough. It is not where a number had contradicted an
    earlier one: with the number gone the earlier one counts again.
    """
    return history.exposed(new, earlier, together=together, among=suspects) or history.exposed(
        new, earlier, together=together
    )


def _without(release: Release, cells: Sequence[int]) -> tuple[int | None, ...]:
    """Give the numbers of a release without those of some cells."""
    withheld = set(cells)
    return tuple(None if at in withheld else value for at, value in enumerate(release.values))


def _thinned(
    new: Release,
    more: Sequence[int],
    earlier: Sequence[Release],
    together: Together,
    suspects: Sequence[Box],
) -> Release:
    """Publish again what need not be withheld, the largest number first."""
    kept = list(more)
    for cell in sorted(more, key=lambda at: -(new.values[at] or 0)) if len(more) > 1 else ():
        fewer = replace(new, values=_without(new, [one for one in kept if one != cell]))
        if not history.exposed(fewer, earlier, together=together, among=suspects):
            kept.remove(cell)
    made = replace(new, values=_without(new, kept))
    if len(kept) < len(more) and history.exposed(made, earlier, together=together):
        return replace(new, values=_without(new, more))
    return made
