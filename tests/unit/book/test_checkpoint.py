"""Checkpoints: one form, one signature, and nothing that was changed passes."""

from datetime import UTC, datetime
from hashlib import sha256

import pytest

from stadtbuch.book import checkpoint
from stadtbuch.book.checkpoint import Checkpoint, PublicKey
from stadtbuch.errors import Refused

ORIGIN = "stadtbuch/990010000000"
SEED = sha256(b"a key for these tests").digest()
MADE = Checkpoint(ORIGIN, 1204, sha256(b"root").digest(), datetime(2026, 1, 15, 8, tzinfo=UTC), "ab" * 32)
FILE = checkpoint.issue(MADE, seed=SEED)
KEY = checkpoint.public_of(SEED, name=ORIGIN)


def accepted(file: bytes) -> bool:
    """Tell whether a file passes as a checkpoint of the city."""
    try:
        checkpoint.read(file).signed_by([KEY])
    except Refused:
        return False
    return True


def test_a_checkpoint_comes_back_as_it_was_signed():
    """Every field, and the key that signed it."""
    note = checkpoint.read(FILE)
    assert note.checkpoint == MADE
    assert note.signed_by([KEY]) == KEY


def test_the_file_is_readable_by_people_and_other_programs():
    """Origin, size and root stand in the first three lines, as transparency logs write them."""
    lines = FILE.decode().splitlines()
    assert lines[:2] == [ORIGIN, "1204"]
    assert lines[3:5] == ["time 2026-01-15T08:00:00Z", "head " + "ab" * 32]
    assert lines[5] == ""
    assert lines[6].startswith(f"— {ORIGIN} ")


def test_the_same_checkpoint_gives_the_same_bytes():
    """Ed25519 draws no random numbers."""
    assert checkpoint.issue(MADE, seed=SEED) == FILE


def test_every_flipped_byte_is_refused():
    """Every byte, in each of its bits, and replaced by every character of base64's borders."""
    for place in range(len(FILE)):
        for change in (1, 2, 4, 8, 16, 32, 64, 128):
            changed = bytearray(FILE)
            changed[place] ^= change
            assert not accepted(bytes(changed)), (place, change)


def test_every_truncation_is_refused():
    """From nothing to all but the last byte; and what was appended, too."""
    assert not any(accepted(FILE[:length]) for length in range(len(FILE)))
    assert not accepted(FILE + b"\n")
    assert not accepted(FILE + FILE)


def test_another_key_is_not_this_city():
    """Neither a stranger's key under the city's name nor the city's key under another name."""
    stranger = checkpoint.public_of(sha256(b"stranger").digest(), name=ORIGIN)
    for key in (stranger, PublicKey("stadtbuch/990020000000", KEY.key)):
        with pytest.raises(Refused) as caught:
            checkpoint.read(FILE).signed_by([key])
        assert caught.value.code == "checkpoint.unknown-key"


def test_a_signature_of_another_text_is_called_forged():
    """The key is named rightly, the text is another one."""
    changed = FILE.replace(b"\n1204\n", b"\n1205\n")
    with pytest.raises(Refused) as caught:
        checkpoint.read(changed).signed_by([KEY])
    assert caught.value.code == "checkpoint.forged"


def test_public_keys_are_one_line():
    """Name, four bytes that name it, the key; a changed character is refused."""
    assert PublicKey.parse(KEY.written) == KEY
    assert KEY.written.startswith(f"{ORIGIN}+{KEY.id.hex()}+A")
    for place in range(len(KEY.written)):
        wrong = KEY.written[:place] + ("x" if KEY.written[place] != "x" else "y") + KEY.written[place + 1 :]
        with pytest.raises(Refused, match="öffentlicher Schlüssel"):
            PublicKey.parse(wrong)
