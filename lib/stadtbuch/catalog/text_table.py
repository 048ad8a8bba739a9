"""
From the bytes of a delimited text file to a frame in which every cell is text and every row knows its line.

Nothing is inferred here: which columns are numbers, and how they are written, the schema says later
(`stadtbuch.catalog.parsing`).
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence

import pandas as pd

from stadtbuch.errors import Problem, SourceError
from stadtbuch.texts import Text, same

csv.field_size_limit(10_000_000)


def decode(raw: bytes, *, encoding: str, name: str) -> str:
    """
    Decode a file strictly; also notice UTF-8 that is declared as something older.

    An eight-bit encoding accepts nearly every byte, so "KÃ¶nig" would go unseen. Bytes beyond ASCII that are
    valid UTF-8 are UTF-8: text in an eight-bit encoding practically never is by chance.

    Raises
    ------
    SourceError
        ``source.encoding``, with the encoding to write instead.

    Examples
    --------
    >>> decode("Größe".encode("cp1252"), encoding="cp1252", name="a.csv")
    'Größe'
    """
    if encoding not in ("utf-8", "utf-16") and not raw.isascii() and _is(raw, "utf-8"):
        raise _wrong_encoding(name, encoding, None, "utf-8")
    try:
        return raw.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        other = "cp1252" if encoding == "utf-8" and _is(raw, "cp1252") else ""
        raise _wrong_encoding(name, encoding, line, other) from None


def _is(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def parse(
    raw: bytes,
    *,
    name: str,
    columns: Sequence[str],
    encoding: str = "utf-8",
    sep: str = ",",
    quotechar: str = '"',
    skip_rows: int = 0,
    skip_footer: int = 0,
    header: bool = True,
) -> pd.DataFrame:
    r"""
    Read delimited text.

    Parameters
    ----------
    raw
        The whole file.
    name
        How messages call the file.
    columns
        Headings to expect, in order; they are used as they stand where `header` is false.
    encoding, sep, quotechar
        How the file is written.
    skip_rows, skip_footer
        Lines before the headings; filled lines after the last row (a source note).
    header
        Whether the first line that counts holds the headings.

    Returns
    -------
    pandas.DataFrame
        All cells text; the index holds the number of the line on which each row begins.

    Raises
    ------
    SourceError
        ``source.encoding``, ``source.format`` (quotation marks, rows of different length), ``source.columns``
        (headings that are empty or stand twice). Lines are named, contents are not.

    Examples
    --------
    >>> parse(b"code;count\n01;203.726\n", name="a.csv", columns=["code", "count"], sep=";")
      code    count
    2   01  203.726
    """
    text = decode(raw, encoding=encoding, name=name)
    lines, rows = _rows(text, name=name, sep=sep, quotechar=quotechar, skip_rows=skip_rows)
    if skip_footer:
        lines, rows = lines[:-skip_footer], rows[:-skip_footer]
    headings = list(columns)
    if header:
        if not rows:
            raise _nothing(name)
        headings, lines, rows = rows[0], lines[1:], rows[1:]
        _check_headings(headings, name)
    _check_width(lines, rows, len(headings), name)
    content = {
        heading: pd.array([row[place] for row in rows], dtype="str") for place, heading in enumerate(headings)
    }
    return pd.DataFrame(content, index=pd.Index(lines, dtype="int64"))


def _rows(
    text: str, *, name: str, sep: str, quotechar: str, skip_rows: int
) -> tuple[list[int], list[list[str]]]:
    """Split into rows with the line each begins on; lines without any content are left out."""
    source = io.StringIO(text, newline="")
    for _ in range(skip_rows):
        source.readline()
    reader = csv.reader(source, delimiter=sep, quotechar=quotechar, strict=True)
    lines: list[int] = []
    rows: list[list[str]] = []
    begin = 1
    try:
        for row in reader:
            if row and (len(row) > 1 or row[0].strip() or reader.line_num > begin):
                lines.append(begin + skip_rows)
                rows.append(row)
            begin = reader.line_num + 1
    except csv.Error:
        raise _broken_quotes(name, begin + skip_rows) from None
    return lines, rows


def _check_headings(headings: list[str], name: str) -> None:
    twice = [heading for heading, times in Counter(headings).items() if times > 1]
    if twice:
        raise _headings_twice(name, twice)


def _check_width(lines: list[int], rows: list[list[str]], width: int, name: str) -> None:
    odd = [line for line, row in zip(lines, rows, strict=True) if len(row) != width]
    if odd:
        raise _ragged(name, odd, width)


def _wrong_encoding(name: str, encoding: str, line: int | None, other: str) -> SourceError:
    write = Text(
        de=f"Schreiben Sie in den Katalog unter source.options: encoding: {other}" if other else
        "Fragen Sie, wie die Datei gespeichert ist, und schreiben Sie das unter source.options.encoding.",
        en=f"Write in the catalogue under source.options: encoding: {other}" if other else
        "Ask how the file was saved and write that under source.options.encoding.",
    )  # fmt: skip
    place = (Text(de=f", ab Zeile {line}", en=f", from line {line} on") if line else same("")).as_dict()
    return SourceError(
        "source.encoding",
        Text(
            de=f"{name} ist nicht in {encoding} gespeichert{place['de']}.",
            en=f"{name} is not stored in {encoding}{place['en']}.",
        ),
        remedy=write,
    )


def _nothing(name: str) -> SourceError:
    return SourceError(
        "source.format",
        Text(de=f"{name} enthält keine Kopfzeile.", en=f"{name} holds no line of headings."),
        remedy=Text(
            de="Prüfen Sie die Datei und source.options (skip_rows, header).",
            en="Check the file and source.options (skip_rows, header).",
        ),
    )


def _broken_quotes(name: str, line: int) -> SourceError:
    return SourceError(
        "source.format",
        Text(
            de=f"{name}, Zeile {line}: Die Anführungszeichen passen nicht zusammen.",
            en=f"{name}, line {line}: the quotation marks do not match.",
        ),
        remedy=Text(
            de="Berichtigen Sie die Zeile, oder nennen Sie das Zeichen unter source.options.quotechar.",
            en="Correct the line, or name the character under source.options.quotechar.",
        ),
        problems=[Problem(name, line, "", Text(de="Anführungszeichen", en="quotation marks"))],
    )


def _ragged(name: str, lines: list[int], width: int) -> SourceError:
    shown = ", ".join(str(line) for line in lines[:5]) + (" …" if len(lines) > 5 else "")
    return SourceError(
        "source.format",
        Text(
            de=f"{name}: {len(lines)} Zeilen haben nicht {width} Spalten (Zeile {shown}).",
            en=f"{name}: {len(lines)} lines do not have {width} columns (line {shown}).",
        ),
        remedy=Text(
            de="Berichtigen Sie die Zeilen. Gegen eine Fußzeile hilft source.options.skip_footer; "
            "stimmt die Trennung nicht, source.options.sep.",
            en="Correct the lines. Where a source note ends the file, source.options.skip_footer helps; "
            "where the separator is wrong, source.options.sep.",
        ),
    )


def _headings_twice(name: str, headings: list[str]) -> SourceError:
    named = ", ".join(repr(heading) if heading else "“”" for heading in headings)
    return SourceError(
        "source.columns",
        Text(
            de=f"{name}: Diese Überschriften stehen mehrfach: {named}.",
            en=f"{name}: these headings stand more than once: {named}.",
        ),
        remedy=Text(
            de="Benennen Sie die Spalten eindeutig, oder lesen Sie mit header: false und skip_rows.",
            en="Give the columns different names in the file, or read with header: false and skip_rows.",
        ),
    )
