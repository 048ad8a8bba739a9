"""
The Merkle tree over the entries of the book, as RFC 6962 (section 2.1) and RFC 9162 (section 2.1) describe it.

One hash stands for any number of leaves. A few more hashes prove to somebody who knows that one hash that a leaf is
among them, or that a longer tree begins with all the leaves of a shorter one.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

EMPTY = sha256(b"").digest()
"""The root of a tree without leaves."""

_LEAF, _NODE = b"\x00", b"\x01"  # so that no inner node can be passed off as a leaf


def leaf(content: bytes) -> bytes:
    """
    Give the hash of a leaf, 32 bytes.

    Examples
    --------
    >>> leaf(b"").hex()[:16]
    '6e340b9cffb37a98'
    """
    return sha256(_LEAF + content).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Give the hash of an inner node, 32 bytes."""
    return sha256(_NODE + left + right).digest()


@dataclass(slots=True)
class Tree:
    """
    A tree that grows at its end and keeps only what its root needs: one hash per complete part.

    Attributes
    ----------
    size
        The number of leaves.

    Examples
    --------
    >>> tree = Tree()
    >>> for one in (b"a", b"b", b"c"):
    ...     tree.grow(leaf(one))
    >>> tree.root() == node(node(leaf(b"a"), leaf(b"b")), leaf(b"c"))
    True
    """

    size: int = 0
    _peaks: list[tuple[int, bytes]] = field(default_factory=list)

    def grow(self, hashed: bytes) -> None:
        """Add a leaf, given by its hash."""
        height = 0
        while self._peaks and self._peaks[-1][0] == height:
            hashed = node(self._peaks.pop()[1], hashed)
            height += 1
        self._peaks.append((height, hashed))
        self.size += 1

    def root(self) -> bytes:
        """Give the hash that stands for all leaves."""
        if not self._peaks:
            return EMPTY
        *others, (_, found) = self._peaks
        for _, left in reversed(others):
            found = node(left, found)
        return found


def root(hashed: Iterable[bytes]) -> bytes:
    """
    Give the root of the tree over leaves, given by their hashes.

    Examples
    --------
    >>> root([]) == EMPTY
    True
    """
    tree = Tree()
    for one in hashed:
        tree.grow(one)
    return tree.root()


def inclusion(hashed: Sequence[bytes], index: int) -> list[bytes]:
    """
    Prove that a leaf stands at its place in the tree (RFC 9162, 2.1.3.1).

    Parameters
    ----------
    hashed
        The hashes of all leaves.
    index
        Which leaf, from 0.

    Raises
    ------
    IndexError
        If there is no such leaf.
    """
    if not 0 <= index < len(hashed):
        raise IndexError(index)
    if len(hashed) == 1:
        return []
    half = _half(len(hashed))
    if index < half:
        return [*inclusion(hashed[:half], index), root(hashed[half:])]
    return [*inclusion(hashed[half:], index - half), root(hashed[:half])]


def consistency(hashed: Sequence[bytes], first: int) -> list[bytes]:
    """
    Prove that the tree begins with the leaves of an earlier one (RFC 9162, 2.1.4.1).

    Parameters
    ----------
    hashed
        The hashes of all leaves of the later tree.
    first
        How many leaves the earlier one had.

    Raises
    ------
    IndexError
        If the earlier one had more leaves than there are.
    """
    if not 0 <= first <= len(hashed):
        raise IndexError(first)
    return [] if first in (0, len(hashed)) else _subproof(hashed, first, whole=True)


def _subproof(hashed: Sequence[bytes], first: int, *, whole: bool) -> list[bytes]:
    if first == len(hashed):
        return [] if whole else [root(hashed)]
    half = _half(len(hashed))
    if first <= half:
        return [*_subproof(hashed[:half], first, whole=whole), root(hashed[half:])]
    return [*_subproof(hashed[half:], first - half, whole=False), root(hashed[:half])]


def _half(size: int) -> int:
    """Give the largest power of two below a size."""
    return 1 << ((size - 1).bit_length() - 1)


def includes(root: bytes, *, size: int, index: int, hashed: bytes, proof: Sequence[bytes]) -> bool:
    """
    Check a proof of `inclusion` against a root (RFC 9162, 2.1.3.2).

    Parameters
    ----------
    root, size
        The tree that is trusted.
    index, hashed
        The leaf: its place from 0, and its hash.
    """
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, hashed
    for one in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node(one, found)
            place, last = _up_to_left(place, last)
        else:
            found = node(found, one)
        place, last = place >> 1, last >> 1
    return last == 0 and hmac.compare_digest(found, root)


def extends(first: tuple[int, bytes], second: tuple[int, bytes], proof: Sequence[bytes]) -> bool:
    """
    Check a proof of `consistency` between two trees (RFC 9162, 2.1.4.2).

    Parameters
    ----------
    first, second
        Size and root of the earlier and of the later tree.
    """
    (early, early_root), (late, late_root) = first, second
    if early == late:
        return not proof and hmac.compare_digest(early_root, late_root)
    if early == 0:
        return not proof and hmac.compare_digest(early_root, EMPTY)
    path = [early_root, *proof] if early & (early - 1) == 0 else list(proof)
    if early > late or not proof:
        return False
    before, after, rest = _climb(early - 1, late - 1, path)
    return rest == 0 and hmac.compare_digest(before, early_root) and hmac.compare_digest(after, late_root)


def _climb(place: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes, int]:
    """Compute both roots from a proof; the third number is 0 if the proof was long enough."""
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = path[0]
    for one in path[1:]:
        if last == 0:
            return before, after, 1
        if place & 1 or place == last:
            before, after = node(one, before), node(one, after)
            place, last = _up_to_left(place, last)
        else:
            after = node(after, one)
        place, last = place >> 1, last >> 1
    return before, after, last


def _up_to_left(place: int, last: int) -> tuple[int, int]:
    """Climb as long as there is nobody to the right."""
    while not place & 1 and place != 0:
        place, last = place >> 1, last >> 1
    return place, last
