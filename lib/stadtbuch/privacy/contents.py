"""
What is in a file: every text that somebody could find in its bytes, unpacked as deep as it is packed.

Read are text, JSON, Parquet, Arrow, ZIP with all that is built on it (Excel, OpenDocument), gzip, bzip2, xz, zlib,
and what PNG and JPEG carry beside the picture. What is none of these, or too large to be unpacked, is unread, and
what nobody could read is not published.
"""

from __future__ import annotations

import bz2
import io
import json
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from defusedxml import ElementTree

DEEPEST = 5
LARGEST = 64_000_000
"""Bytes of one unpacked thing. A small file that unpacks to more is a bomb, or nothing that people download."""
MOST = 2_000
"""Members of one archive."""

_CONTROL = frozenset(map(chr, range(32))) - frozenset("\t\n\r\f\x0b\x1b")


@dataclass(frozen=True)
class Part:
    """
    One text in a file.

    Parameters
    ----------
    within
        What had to be opened to get there: ``("zip", "png", "tEXt")``.
    text
        What stands there; None if it could not be read.
    """

    within: tuple[str, ...]
    text: str | None


class Unreadable(ValueError):
    """Bytes of no known form."""


def parts(data: bytes) -> Iterator[Part]:
    """
    Give every text in some bytes.

    Examples
    --------
    >>> import gzip
    >>> [(one.within, one.text) for one in parts(gzip.compress(b"Erika"))]
    [(('gzip',), 'Erika')]
    >>> [one.text is None for one in parts(bytes([7, 3, 255, 0, 200, 1]))]
    [True]
    """
    yield from _parts(data, ())


def _parts(data: bytes, within: tuple[str, ...]) -> Iterator[Part]:
    if len(within) > DEEPEST or len(data) > LARGEST:
        yield Part(within, None)
        return
    try:
        yield from _open(data, within)
    except Exception:  # noqa: BLE001 - fail closed: whatever a reader trips over was not read
        yield Part(within, None)


def _open(data: bytes, within: tuple[str, ...]) -> Iterator[Part]:
    """Look at the first bytes, which tell the form, and read."""
    for name, magic, opened in _FORMS:
        if data.startswith(magic):
            for step, content in opened(data):
                inner = (*within, name, *step)
                if isinstance(content, bytes):
                    yield from _parts(content, inner)
                else:
                    yield Part(inner, content)
            return
    yield Part(within, text_of(data))


def packed(data: bytes) -> bool:
    """Tell whether bytes begin like a file of one of the forms that are known here."""
    return data.startswith(_BEGINNINGS)


Found = Iterator[tuple[tuple[str, ...], Any]]


def text_of(data: bytes) -> str:
    r"""
    Decode text: UTF-8, UTF-16 with or without its mark, or the old encoding of Windows.

    Raises
    ------
    ValueError
        If it is none; its message quotes bytes and goes nowhere.

    Examples
    --------
    >>> text_of("Müller".encode("utf-16-le")), text_of("Müller".encode("cp1252"))
    ('Müller', 'Müller')
    """
    try:
        return unicode_of(data)
    except UnicodeDecodeError:
        return _printable(data.decode("cp1252"))


def unicode_of(data: bytes) -> str:
    """Decode text that is surely Unicode; ``ValueError`` (`UnicodeDecodeError`) if it is not."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _printable(data.decode("utf-16"))
    odd, even = data[1::2].count(0), data[::2].count(0)
    if len(data) >= 4 and max(odd, even) > len(data) // 5:
        return _printable(data.decode("utf-16-le" if odd > even else "utf-16-be"))
    return _printable(data.decode("utf-8-sig"))


def _printable(text: str) -> str:
    """Take for text what has no signs of control in it."""
    if _CONTROL.isdisjoint(text):
        return text
    raise Unreadable


# ---- packed -------------------------------------------------------------------------------------------


def _gzip(data: bytes) -> Found:
    yield (), _inflated(data, zlib.MAX_WBITS | 16)


def _zlib(data: bytes) -> Found:
    yield (), _inflated(data, zlib.MAX_WBITS)


def _inflated(data: bytes, bits: int) -> bytes:
    """Unpack, and what follows behind as well; never more than the largest size."""
    whole, rest = b"", data
    while rest:
        unpacking = zlib.decompressobj(bits)
        whole += unpacking.decompress(rest, LARGEST + 1 - len(whole))
        if len(whole) > LARGEST or not unpacking.eof:
            raise Unreadable
        rest = unpacking.unused_data
        if rest and not rest.startswith(b"\x1f\x8b"):
            return whole + b"\n" + rest
    return whole


def _bzip2(data: bytes) -> Found:
    yield (), _bounded(bz2.BZ2Decompressor(), data)


def _xz(data: bytes) -> Found:
    yield (), _bounded(lzma.LZMADecompressor(memlimit=LARGEST * 4), data)


def _bounded(unpacking: Any, data: bytes) -> bytes:
    whole: bytes = unpacking.decompress(data, LARGEST + 1)
    if len(whole) > LARGEST or not unpacking.eof or unpacking.unused_data:
        raise Unreadable
    return whole


def _zip(data: bytes) -> Found:
    """Read each member, its name and comment; documents of offices are archives of XML."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if len(members) > MOST or sum(one.file_size for one in members) > LARGEST:
            raise Unreadable
        yield (), "\n".join(one.filename for one in members)
        yield ("comment",), archive.comment or ""
        for one in members:
            yield ("comment",), one.comment or ""
            if not one.is_dir():
                yield (), _member(archive.read(one), one.filename)


def _member(data: bytes, name: str) -> bytes | str:
    return xml_words(data) if name.lower().endswith((".xml", ".rels", ".svg", ".kml", ".gml")) else data


def xml_words(data: bytes) -> str:
    """Give the words of XML: each text, each attribute, and texts that elements cut, as one."""
    root = ElementTree.fromstring(data, forbid_dtd=True)
    cut = ["".join(one.itertext()) for one in root.iter() if 0 < len(one) <= 50]
    attributes = [value for one in root.iter() for value in one.attrib.values()]
    return "\n".join([*root.itertext(), *cut, *attributes])


# ---- tables -------------------------------------------------------------------------------------------


def _parquet(data: bytes) -> Found:
    import pyarrow.parquet  # noqa: PLC0415 - heavy, for tables only

    yield from _table(pyarrow.parquet.read_table(io.BytesIO(data), partitioning=None))


def _arrow(data: bytes) -> Found:
    import pyarrow.ipc  # noqa: PLC0415 - heavy, for tables only

    yield from _table(pyarrow.ipc.open_file(io.BytesIO(data)).read_all())


def _table(table: Any) -> Found:
    """Read the rows as CSV, the names of columns, and what is noted beside them."""
    noted = [*(table.schema.metadata or {}).items()]
    for one in table.schema:
        noted += (one.metadata or {}).items()
    yield ("metadata",), b"\n".join(part for pair in noted for part in pair) or ""
    columns = [[_written(value) for value in column.to_pylist()] for column in table.columns]
    lines = [",".join(table.column_names), *(",".join(row) for row in zip(*columns, strict=True))]
    yield (), "\n".join(lines)


def _written(value: Any) -> str:
    """Write one value; a shape by its coordinates."""
    if isinstance(value, bytes):
        import shapely  # noqa: PLC0415 - only where there are shapes

        return " ".join(
            f"{east:.6f} {north:.6f}" for east, north in shapely.get_coordinates(shapely.from_wkb(value))
        )
    if isinstance(value, (Mapping, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return "" if value is None else str(value)


# ---- pictures -----------------------------------------------------------------------------------------


def _png(data: bytes) -> Found:
    """Read the chunks that hold words, and whatever stands behind the picture."""
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body, name = data[at + 8 : at + 8 + length], kind.decode("latin-1")
        if kind in (b"tEXt", b"zTXt", b"iTXt", b"eXIf"):
            yield (name,), _chunk(kind, body)
        elif not kind[:1].isupper() and kind not in _HARMLESS:
            yield ("chunk",), _strings(body)
        at += 12 + length
        if kind == b"IEND":
            break
    if data[at:]:
        yield ("behind",), data[at:]
    yield ("picture",), None


_HARMLESS = frozenset(
    (b"pHYs", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD", b"tRNS", b"hIST", b"tIME", b"iCCP")
)


def _chunk(kind: bytes, body: bytes) -> str:
    """Read the words of one chunk (PNG, 11.3.3): keyword and text, packed or not."""
    if kind == b"zTXt":
        keyword, _, rest = body.partition(b"\0")
        return keyword.decode("latin-1") + "\n" + _lenient(_inflated(rest[1:], zlib.MAX_WBITS))
    if kind == b"iTXt":
        keyword, _, rest = body.partition(b"\0")
        packed, (_, _, named) = rest[:1] == b"\1", rest[2:].partition(b"\0")
        title, _, words = named.partition(b"\0")
        words = _inflated(words, zlib.MAX_WBITS) if packed else words
        return "\n".join(map(_lenient, (keyword, title, words)))
    return _strings(body) if kind == b"eXIf" else _lenient(body.replace(b"\0", b"\n"))


def _jpeg(data: bytes) -> Found:
    """Read the segments before the picture: comments, EXIF, XMP; and whatever stands behind it."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xFE or 0xE0 <= marker <= 0xEF:
            yield ("comment" if marker == 0xFE else "exif",), _strings(data[at + 4 : at + 2 + length])
        at += 2 + length
    behind = data[data.rfind(b"\xff\xd9") + 2 :] if b"\xff\xd9" in data else b""
    if behind:
        yield ("behind",), behind
    yield ("picture",), None


def _lenient(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _strings(data: bytes) -> str:
    """Give what can be read in bytes that are no text: with one and with two bytes for a sign."""
    return "\n".join((_lenient(data), _lenient(data.replace(b"\0", b""))))


def _nothing(data: bytes) -> Found:
    yield (), None


_FORMS = (
    ("gzip", b"\x1f\x8b", _gzip),
    ("zlib", (b"\x78\x01", b"\x78\x9c", b"\x78\xda"), _zlib),
    ("bzip2", b"BZh", _bzip2),
    ("xz", b"\xfd7zXZ\0", _xz),
    ("zip", (b"PK\x03\x04", b"PK\x05\x06"), _zip),
    ("parquet", b"PAR1", _parquet),
    ("arrow", b"ARROW1", _arrow),
    ("png", b"\x89PNG\r\n\x1a\n", _png),
    ("jpeg", b"\xff\xd8\xff", _jpeg),
    ("gif", (b"GIF87a", b"GIF89a"), _nothing),
    ("pdf", b"%PDF-", _nothing),
)
"""Forms by their first bytes."""
_BEGINNINGS = tuple(
    one for _, magic, _ in _FORMS for one in ((magic,) if isinstance(magic, bytes) else magic)
)
