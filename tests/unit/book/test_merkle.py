"""The Merkle tree: proofs hold for what is so, and for nothing else."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.book import merkle

SIZES = range(65)
LEAVES = [merkle.leaf(bytes([number])) for number in range(64)]
ROOTS = [merkle.root(LEAVES[:size]) for size in SIZES]


def by_definition(leaves: list[bytes]) -> bytes:
    """Compute a root as RFC 6962 defines it: split at the largest power of two below the size."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return sha256(b"\x01" + by_definition(leaves[:half]) + by_definition(leaves[half:])).digest()


def test_the_growing_tree_has_the_root_of_the_definition():
    """For every size, although it keeps only a handful of hashes."""
    assert [by_definition(LEAVES[:size]) for size in SIZES] == ROOTS


def test_known_answers():
    """The roots of the test vectors of Certificate Transparency, which other programs use."""
    inputs = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    leaves = [merkle.leaf(bytes.fromhex(one)) for one in inputs]
    assert merkle.root(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert merkle.root(leaves[:3]).hex() == "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"


def test_every_leaf_of_every_tree_is_proved():
    """All sizes up to 64, all leaves."""
    for size in SIZES:
        for index in range(size):
            proof = merkle.inclusion(LEAVES[:size], index)
            assert merkle.includes(ROOTS[size], size=size, index=index, hashed=LEAVES[index], proof=proof)


def test_every_earlier_tree_is_proved():
    """All pairs of sizes up to 64."""
    for late in SIZES:
        for early in range(late + 1):
            proof = merkle.consistency(LEAVES[:late], early)
            assert merkle.extends((early, ROOTS[early]), (late, ROOTS[late]), proof)


def test_no_tree_extends_another_one():
    """A history that was changed in one leaf has no proof: not its own, and not that of the true one."""
    for late in range(2, 33):
        for early in range(1, late):
            other = merkle.root([*LEAVES[: early - 1], merkle.leaf(b"changed")])
            proof = merkle.consistency(LEAVES[:late], early)
            assert not merkle.extends((early, other), (late, ROOTS[late]), proof)
            assert not merkle.extends((early, ROOTS[early]), (late, ROOTS[late - 1]), proof)
            assert not merkle.extends((late, ROOTS[late]), (early, ROOTS[early]), proof)


@given(st.integers(2, 64), st.data())
def test_one_changed_byte_breaks_a_proof(late, data):
    """Whichever bit of whichever hash of a proof of consistency or inclusion is flipped, or hashes left out."""
    early = data.draw(st.integers(1, late - 1))
    index = data.draw(st.integers(0, late - 1))
    consistent = merkle.consistency(LEAVES[:late], early)
    included = merkle.inclusion(LEAVES[:late], index)
    assert not merkle.extends((early, ROOTS[early]), (late, ROOTS[late]), spoiled(consistent, data))
    assert not merkle.includes(
        ROOTS[late], size=late, index=index, hashed=LEAVES[index], proof=spoiled(included, data)
    )


def spoiled(proof: list[bytes], data) -> list[bytes]:
    """Flip one bit of a proof, or leave one hash out, or add one."""
    how = data.draw(st.sampled_from(("flip", "leave-out", "add")))
    place = data.draw(st.integers(0, len(proof) - 1))
    if how == "leave-out":
        return [*proof[:place], *proof[place + 1 :]]
    if how == "add":
        return [*proof[:place], merkle.leaf(b"more"), *proof[place:]]
    bit = data.draw(st.integers(0, 255))
    changed = bytearray(proof[place])
    changed[bit // 8] ^= 1 << bit % 8
    return [*proof[:place], bytes(changed), *proof[place + 1 :]]


def test_an_inner_node_is_no_leaf():
    """The prefixes keep somebody from presenting two leaves as one."""
    assert merkle.leaf(LEAVES[0] + LEAVES[1]) != merkle.node(LEAVES[0], LEAVES[1])


@pytest.mark.parametrize(
    "ask", [lambda: merkle.inclusion(LEAVES, 64), lambda: merkle.consistency(LEAVES, 65)]
)
def test_what_is_not_there_cannot_be_proved(ask):
    """A leaf or an earlier tree beyond the end is a mistake in the program."""
    with pytest.raises(IndexError):
        ask()
