"""Files are opened as deep as they are packed; what cannot be read is said to be unread, never skipped."""

import gzip
import io

import pandas as pd
import pyarrow as pa
import pytest
from builders import traps
from hypothesis import given
from hypothesis import strategies as st

from stadtbuch.privacy import contents
from stadtbuch.privacy.contents import parts, text_of


def all_text(data: bytes) -> str:
    """Join what was read."""
    return "\n".join(part.text for part in parts(data) if part.text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_text_is_read_in_the_encodings_of_offices(encoding: str) -> None:
    """Umlauts arrive whatever program wrote the file."""
    assert text_of("Müller;Straße\n".encode(encoding)) == "Müller;Straße\n"


def test_the_way_into_a_file_is_named() -> None:
    """A finding can say where in the file something stands."""
    packed = traps.a_zip({"a.gz": gzip.compress(b"Erika")})
    assert [part.within for part in parts(packed) if part.text == "Erika"] == [("zip", "gzip")]


def test_arrow_is_read_with_its_metadata() -> None:
    """The names of columns, values and notes of a schema are text as well."""
    table = pa.Table.from_pandas(pd.DataFrame({"a": ["Erika"]})).replace_schema_metadata({"by": "Max"})
    made = io.BytesIO()
    with pa.ipc.new_file(made, table.schema) as writer:
        writer.write_table(table)
    assert {"Erika", "Max"} <= set(all_text(made.getvalue()).split())


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would unpack to more than the largest size is unread, in an archive as by itself."""
    monkeypatch.setattr(contents, "LARGEST", 1000)
    for data in (gzip.compress(bytes(2000)), traps.a_zip({"a": b"x" * 2000})):
        assert [part.text for part in parts(data)] == [None]


def test_a_text_behind_an_archive_is_read() -> None:
    """What stands behind the end of a packed file is not lost."""
    assert "Erika" in all_text(gzip.compress(b"a") + b"Erika")


@given(st.binary(max_size=200))
def test_any_bytes_can_be_opened(data: bytes) -> None:
    """No bytes break the reading; each gives at least one part, read or unread."""
    assert list(parts(data))


@given(st.binary(max_size=60), st.sampled_from([one for _, one, _ in contents._FORMS]))
def test_a_damaged_file_of_a_known_form_is_unread(data: bytes, magic: bytes | tuple[bytes, ...]) -> None:
    """Bytes that only begin like a file never pass for a file that was read."""
    begun = (magic if isinstance(magic, bytes) else magic[0]) + data
    found = list(parts(begun))
    assert any(part.text is None for part in found) or found[-1].within
