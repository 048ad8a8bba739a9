"""
Traps for the gate: notebooks that are good but for one hiding place, by the rule that must find it.

Everything is drawn from a seed: the people, the secrets, and what clean notebooks say. The people do not exist.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import gzip
import io
import json
import lzma
import random
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import geopandas as gpd
import pandas as pd

from stadtbuch.privacy import positions, values
from stadtbuch.privacy.outputs import ClosedFacts, Facts

KEY = b"a key of the traps"
COLUMNS = ("person_id", "full_name", "age", "sex", "district", "note")
FIRST = [
    "Annegret",
    "Bjarne",
    "Cordula",
    "Dietlind",
    "Eberhard",
    "Friederike",
    "Gundula",
    "Hartmut",
    "Ingeborg",
]
LAST = [
    "Zwetschgenmüller",
    "Quastenhuber",
    "Wiesengrün",
    "Öttinghaus",
    "Strömbäcker",
    "Kleinschmidt",
    "Yılmazer",
]
DISTRICTS = ["Nordstadt", "Südstadt", "Altstadt", "Hafen", "Bergfeld"]


@dataclass(frozen=True)
class Trap:
    """One hiding place: what it is, the rule that must find it, the notebook, and what goes out beside it."""

    what: str
    rule: str
    notebook: dict[str, Any]
    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)


class World:
    """A closed register with a few people, and what the gate knows about it."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.name = f"{self.rng.choice(FIRST)} {self.rng.choice(LAST)}"
        self.last = self.name.split()[1]
        self.canary = f"Kanarie-{self.rng.randrange(10**6, 10**7)}-Zaunkönig"
        self.pseudonym = "psn_" + "".join(self.rng.choices("abcdefghijklmnopqrstuvwxyz234567", k=20))
        self.east, self.north = round(self.rng.uniform(6, 14), 6), round(self.rng.uniform(48, 54), 6)
        nest = gpd.GeoDataFrame(geometry=gpd.points_from_xy([self.east], [self.north]), crs=4326)
        phrases = {values.phrase(self.name), *values.words(self.name)}
        self.closed = ClosedFacts(
            "demo.people", COLUMNS, values.digests(phrases, key=KEY), positions.index(nest, key=KEY)
        )
        self.table = "<table><tr><th>Nordstadt</th><td>1.204</td></tr></table>"
        self.picture = '<svg xmlns="http://www.w3.org/2000/svg"><title>Bild</title><rect width="3"/></svg>'

    def people(self, number: int = 4) -> pd.DataFrame:
        """Draw rows of the register."""
        return pd.DataFrame(
            {
                "age": [self.rng.randrange(100) for _ in range(number)],
                "sex": [self.rng.choice("mw") for _ in range(number)],
                "district": [self.rng.choice(DISTRICTS) for _ in range(number)],
            }
        )

    def facts(self, trap: Trap | None = None, *, records: dict[Any, set[str]] | None = None) -> Facts:
        """Give what the gate knows when it judges."""
        given = trap or Trap("", "", {})
        return Facts(
            restricted=True,
            key=KEY,
            closed=(self.closed,),
            records={("table", "t"): {self.table}, ("figure", "f"): {self.picture}, **(records or {})},
            texts=given.texts,
            files=given.files,
            parameters=given.parameters,
            canaries=values.digests([values.phrase(self.canary)], key=KEY),
            vocabulary=values.vocabulary(DISTRICTS),
            allowed_addresses=frozenset({"statistik@stadt.example"}),
            paths=("/data/city",),
            rules="2026.1",
            min_count=3,
        )


def notebook(*cells: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Make a notebook as it is after a run."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": list(cells)} | more


def code(*outputs: dict[str, Any], source: str = "x = 1", **more: Any) -> dict[str, Any]:
    """Make a code cell that ran."""
    cell = {"cell_type": "code", "id": "a1", "metadata": {}, "execution_count": 1, "source": source}
    return cell | {"outputs": list(outputs)} | more


def words(source: str, **more: Any) -> dict[str, Any]:
    """Make a cell of text."""
    return {"cell_type": "markdown", "id": "b2", "metadata": {}, "source": source} | more


def printed(text: str, name: str = "stdout") -> dict[str, Any]:
    """Print something."""
    return {"output_type": "stream", "name": name, "text": text}


def shown(mime: str, content: Any, claim: tuple[str, str] | None = None) -> dict[str, Any]:
    """Display something."""
    metadata = {"stadtbuch": {"kind": claim[0], "name": claim[1]}} if claim else {}
    return {"output_type": "display_data", "data": {mime: content}, "metadata": metadata}


# ---- files --------------------------------------------------------------------------------------------


def a_chunk(kind: bytes, body: bytes) -> bytes:
    """Make a chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def a_png(*chunks: bytes, behind: bytes = b"") -> bytes:
    """Make a picture of one pixel with more in it than the pixel."""
    head = a_chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    pixel = a_chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + pixel + a_chunk(b"IEND", b"") + behind


def a_jpeg(comment: bytes, *, marker: int = 0xFE) -> bytes:
    """Make the beginning of a JPEG with a comment."""
    segment = bytes([0xFF, marker]) + struct.pack(">H", len(comment) + 2) + comment
    return b"\xff\xd8" + segment + b"\xff\xda\0\2\xff\xd9"


def a_zip(members: dict[str, bytes], comment: bytes = b"") -> bytes:
    """Pack files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        archive.comment = comment
    return made.getvalue()


def a_workbook(text: str) -> bytes:
    """Make what Excel keeps its texts in; the word is cut by its marks of spelling."""
    half = len(text) // 2
    runs = f"<r><t>{text[:half]}</t></r><r><t>{text[half:]}</t></r>"
    return a_zip({"xl/sharedStrings.xml": f'<sst xmlns="urn:x"><si>{runs}</si></sst>'.encode()})


def a_parquet(frame: pd.DataFrame) -> bytes:
    """Write a table as Parquet."""
    made = io.BytesIO()
    frame.to_parquet(made)
    return made.getvalue()


# ---- traps --------------------------------------------------------------------------------------------


def traps(world: World) -> Iterator[Trap]:
    """Give every trap of a world."""
    yield from _names_in_outputs(world)
    yield from _names_in_writings(world)
    yield from _names_in_what_is_written(world)
    yield from _names_in_files(world)
    yield from _rows(world)
    yield from _other_secrets(world)
    yield from _identifiers(world)


def _names_in_outputs(world: World) -> Iterator[Trap]:
    name = world.name
    packed = base64.b64encode
    svg = '<svg xmlns="http://www.w3.org/2000/svg">{}</svg>'.format
    outputs = {
        "plain text": printed(f"Hallo {name}"),
        "text of stderr": printed(name, "stderr"),
        "plain text of a display": shown("text/plain", name),
        "Markdown": shown("text/markdown", f"**{name}**"),
        "LaTeX": shown("text/latex", f"\\textbf{{{name}}}"),
        "text of HTML": shown("text/html", f"<p>{name}</p>"),
        "comment in HTML": shown("text/html", f"<p>x</p><!-- {name} -->"),
        "attribute in HTML": shown("text/html", f'<p title="{name}">x</p>'),
        "data attribute in HTML": shown("text/html", f'<p data-who="{name}">x</p>'),
        "script in HTML": shown("text/html", f"<script>var who = '{name}'</script>"),
        "Base64 in HTML": shown("text/html", f'<img src="data:x;base64,{packed(name.encode()).decode()}">'),
        "entities in HTML": shown("text/html", "".join(f"&#{ord(one)};" for one in name)),
        "word cut by markup": shown("text/html", f"{world.last[:4]}<b>{world.last[4:]}</b>"),
        "text of SVG": shown("image/svg+xml", svg(f"<text>{name}</text>")),
        "title of SVG": shown("image/svg+xml", svg(f"<g><title>{name}</title></g>")),
        "description of SVG": shown("image/svg+xml", svg(f"<desc>{name}</desc>")),
        "metadata of SVG": shown("image/svg+xml", svg(f"<metadata>{name}</metadata>")),
        "label of SVG": shown("image/svg+xml", svg(f'<g aria-label="{name}"/>')),
        "name of a class in SVG": shown("image/svg+xml", svg(f'<g class="{world.last}"/>')),
        "text of a PNG": shown("image/png", packed(a_png(a_chunk(b"tEXt", b"Author\0" + name.encode()))).decode()),
        "packed text of a PNG": shown(
            "image/png", packed(a_png(a_chunk(b"zTXt", b"a\0\0" + zlib.compress(name.encode())))).decode()
        ),
        "international text of a PNG": shown(
            "image/png", packed(a_png(a_chunk(b"iTXt", b"a\0\0\0de\0\0" + name.encode()))).decode()
        ),
        "EXIF of a PNG": shown("image/png", packed(a_png(a_chunk(b"eXIf", b"MM\0*" + name.encode()))).decode()),
        "behind a PNG": shown("image/png", packed(a_png(behind=name.encode())).decode()),
        "comment of a JPEG": shown("image/jpeg", packed(a_jpeg(name.encode())).decode()),
        "EXIF of a JPEG": shown("image/jpeg", packed(a_jpeg(b"Exif\0\0" + name.encode(), marker=0xE1)).decode()),
        "chart of Vega-Lite": shown("application/vnd.vegalite.v5+json", {"data": {"values": [{"a": name}]}}),
        "chart of Vega": shown("application/vnd.vega.v5+json", {"data": [{"name": "s", "values": [name]}]}),
        "hover text of Plotly": shown("application/vnd.plotly.v1+json", {"data": [{"hovertext": [name]}]}),
        "properties of GeoJSON": shown("application/geo+json", {"features": [{"properties": {"n": name}}]}),
        "nested JSON": shown("application/json", {"a": [json.dumps({"b": json.dumps({"c": name})})]}),
        "state of a widget": shown("application/vnd.jupyter.widget-view+json", {"model": {"value": name}}),
        "script": shown("application/javascript", f"alert('{name}')"),
        "type of an output": shown(f"text/{name}", "x"),
        "text of an error": {"output_type": "error", "ename": "KeyError", "evalue": name, "traceback": []},
        "traceback": {"output_type": "error", "ename": "E", "evalue": "", "traceback": [f"\x1b[31m{name}\x1b[0m"]},
        "metadata of an output": shown("text/plain", "x") | {"metadata": {"who": name}},
    }  # fmt: skip
    for what, output in outputs.items():
        yield Trap(what, "privacy.value", notebook(words("# Titel"), code(output)))
    holders = {
        "metadata of a cell": code(metadata={"note": name}),
        "attachment": words("x", attachments={"a.txt": {"text/plain": packed(name.encode()).decode()}}),
        "id of a cell": code(id=world.last),
        "unknown field of a cell": code(history=[name]),
    }
    for what, cell in holders.items():
        yield Trap(what, "privacy.value", notebook(cell))
    state = {"widgets": {"application/vnd.jupyter.widget-state+json": {"state": {"m": {"value": name}}}}}
    yield Trap("metadata of the notebook", "privacy.value", notebook(code(), metadata=state))


def disguised(name: str) -> dict[str, str]:
    """Write a name in the ways in which programs write text."""
    spelled = name.encode()
    return {
        "Base64": base64.b64encode(spelled).decode(),
        "Base64 for addresses": base64.urlsafe_b64encode(spelled).decode(),
        "Base64 of UTF-16": base64.b64encode(name.encode("utf-16")).decode(),
        "Base64 of gzip": base64.b64encode(gzip.compress(spelled, mtime=0)).decode(),
        "Base64 twice": base64.b64encode(base64.b64encode(spelled)).decode(),
        "Base64 in lines": base64.encodebytes(b"." * 70 + spelled + b"." * 70).decode(),
        "Base32": base64.b32encode(spelled).decode(),
        "hexadecimal": spelled.hex(),
        "hexadecimal in pairs": binascii.hexlify(spelled, " ").decode(),
        "percent signs": quote(name, safe=""),
        "every sign as percent": "".join(f"%{one:02X}" for one in spelled),
        "escapes of JSON": "".join(f"\\u{ord(one):04x}" for one in name),
        "escapes of bytes": "".join(f"\\x{one:02x}" for one in spelled),
        "entities": "".join(f"&#x{ord(one):x};" for one in name),
        "mail": "".join(f"={one:02X}" for one in spelled),
        "UTF-16 in text": "\0".join(name),
        "decomposed letters": unicodedata.normalize("NFD", name),
        "wide letters": "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in name),
        "capitals": name.upper(),
        "soft hyphens": "\u00ad".join(name),
        "zero width": "\u200b".join(name),
        "Cyrillic letters": name.translate(str.maketrans("aeopc", "аеорс")),
        "colours of a terminal": f"\x1b[1m{name}\x1b[0m",
        "JSON in JSON": json.dumps(json.dumps({"n": name})),
    }


def _names_in_writings(world: World) -> Iterator[Trap]:
    for what, text in disguised(world.name).items():
        yield Trap(f"printed as {what}", "privacy.value", notebook(code(printed(f"Siehe {text} dort"))))
        yield Trap(f"written as {what}", "privacy.source-literal", notebook(words(f"Siehe {text} dort")))


def _names_in_what_is_written(world: World) -> Iterator[Trap]:
    name, half = world.name, len(world.last) // 2
    first, second = world.last[:half], world.last[half:]
    sources = {
        "literal": f'rows[rows.full_name == "{name}"]',
        "comment": f"x = 1  # wie bei {name}",
        "name of a variable": f"{world.last.lower()} = 1",
        "sum of literals": f'"{first}" + "{second}"',
        "literals side by side": f'("{first}"\n "{second}")',
        "joined literals": f'"".join(["{first}", "{second}"])',
        "bytes": f"x = {name.encode()!r}",
        "key of a dictionary": f'counts = {{"{name}": 1}}',
    }
    for what, source in sources.items():
        yield Trap(f"source: {what}", "privacy.source-literal", notebook(code(source=source)))
    written = {
        "text": f"Wie bei {name}",
        "comment in Markdown": f"Text <!-- {name} -->",
        "target of a link": f"[hier](https://stadt.example/{quote(world.last)})",
        "alternative text": f"![{name}](bild.svg)",
        "footnote": f"Text[^1]\n\n[^1]: {name}",
        "table": f"| a |\n|---|\n| {name} |",
        "code block": f"```\n{name}\n```",
    }
    for what, text in written.items():
        yield Trap(f"Markdown: {what}", "privacy.source-literal", notebook(words(text)))
    yield Trap("tag", "privacy.source-literal", notebook(words("x", metadata={"tags": [world.last]})))
    good = notebook(words("# Titel"))
    yield Trap("parameter", "privacy.source-literal", good, parameters={"who": name})
    yield Trap("nested parameter", "privacy.source-literal", good, parameters={"a": [{"b": name}]})
    yield Trap("name of a parameter", "privacy.source-literal", good, parameters={world.last: 1})
    yield Trap("name of a file", "privacy.source-literal", good, texts={f"data/{world.last}.csv": "a\n1\n"})


def _names_in_files(world: World) -> Iterator[Trap]:
    name, good = world.name, notebook(words("# Titel"))
    table = f"name,n\n{name},1\n".encode()
    frame = pd.DataFrame({"who": [name], "n": [1]})
    noted = pd.DataFrame({"n": [1]})
    noted.attrs = {"who": name}
    yield Trap("CSV", "privacy.value", good, texts={"data/a.csv": table.decode()})
    yield Trap("JSON", "privacy.value", good, texts={"data/a.json": json.dumps({"n": name})})
    yield Trap("GeoJSON", "privacy.value", good, texts={"data/a.geojson": json.dumps({"features": [name]})})
    yield Trap("SVG file", "privacy.value", good, texts={"a.svg": world.picture.replace("Bild", name)})
    files = {
        "CSV of Windows": table.decode().encode("cp1252", "replace") if "ı" not in name else table,
        "CSV in UTF-16": table.decode().encode("utf-16"),
        "gzip": gzip.compress(table, mtime=0),
        "gzip behind gzip": gzip.compress(b"a", mtime=0) + gzip.compress(table, mtime=0),
        "bzip2": bz2.compress(table),
        "xz": lzma.compress(table),
        "zip": a_zip({"a.csv": table}),
        "zip in a zip": a_zip({"b.zip": a_zip({"c/a.csv": table})}),
        "name in a zip": a_zip({f"{world.last}.csv": b"a"}),
        "comment of a zip": a_zip({"a.csv": b"a"}, comment=name.encode()),
        "workbook": a_workbook(world.last),
        "Parquet": a_parquet(frame),
        "column of Parquet": a_parquet(pd.DataFrame({world.last: [1]})),
        "metadata of Parquet": a_parquet(noted),
        "Parquet in a zip": a_zip({"a.parquet": a_parquet(frame)}),
        "PNG file": a_png(a_chunk(b"tEXt", b"Comment\0" + name.encode())),
        "zip behind a PNG": a_png(behind=a_zip({"a.csv": table})),
    }
    for what, data in files.items():
        yield Trap(f"file: {what}", "privacy.value", good, files={"data/a": data})
    unreadable = {
        "picture": a_png(),
        "program": bytes(range(256)),
        "damaged zip": a_zip({"a.csv": table})[:-30],
        "damaged gzip": gzip.compress(table * 50)[:40],
        "damaged Parquet": b"PAR1" + bytes(40) + b"PAR1",
        "database": b"SQLite format 3\0" + bytes(100),
        "bomb": gzip.compress(bytes(65_000_000), 1),
    }
    for what, data in unreadable.items():
        yield Trap(f"unreadable: {what}", "privacy.file-form", good, files={"data/a": data})
    nested = b"x"
    for _ in range(8):
        nested = a_zip({"a": nested})
    yield Trap("unreadable: too deep", "privacy.file-form", good, files={"data/a": nested})


def _rows(world: World) -> Iterator[Trap]:
    people = world.people()
    records = people.to_dict("records")
    prints = {
        "frame": people.to_string(),
        "long frame": world.people(80).to_string(max_rows=10, show_dimensions=True),
        "CSV": people.to_csv(index=False),
        "CSV with semicolons": people.to_csv(index=False, sep=";"),
        "dictionaries": str(records),
        "JSON": people.to_json(orient="records"),
        "JSON lines": people.to_json(orient="records", lines=True),
        "series": str(people["age"]),
        "counts": str(people.groupby("district").size()),
        "Markdown": "| age | sex |\n|---|---|\n| 34 | w |\n| 41 | m |",
    }
    for what, text in prints.items():
        yield Trap(f"rows: {what}", "privacy.raw-rows", notebook(code(printed(text))))
    yield Trap(
        "rows: HTML of pandas", "privacy.raw-rows", notebook(code(shown("text/html", people.to_html())))
    )
    long = [world.rng.randrange(100) for _ in range(60)]
    behind = {
        "Vega-Lite": ("application/vnd.vegalite.v5+json", {"mark": "bar", "data": {"values": records}}),
        "Vega-Lite by name": ("application/vnd.vegalite.v5+json", {"datasets": {"d": records}}),
        "Vega": ("application/vnd.vega.v5+json", {"data": [{"name": "source", "values": records}]}),
        "Plotly": ("application/vnd.plotly.v1+json", {"data": [{"type": "scatter", "x": long, "y": long}]}),
        "hidden column of Plotly": (
            "application/vnd.plotly.v1+json",
            {"data": [{"customdata": [[1, "w"]] * 12}]},
        ),
        "columns": ("application/json", people.to_dict("list")),
        "table of JSON": ("application/vnd.dataresource+json", {"data": records}),
        "features": ("application/geo+json", {"features": [{"properties": one} for one in records]}),
        "widget": ("application/vnd.jupyter.widget-view+json", {"state": {"options": long}}),
        "script": ("text/html", f"<script>var d = {people.to_json(orient='records')}</script>"),
        "comment": ("text/html", f"<!--\n{people.to_string()}\n-->"),
        "attribute": ("text/html", f"<div data-rows='{people.to_json(orient='records')}'></div>"),
    }
    for what, (mime, content) in behind.items():
        yield Trap(f"behind: {what}", "privacy.hidden-rows", notebook(code(shown(mime, content))))
    state = {"widgets": {"state": {"m": {"rows": records}}}}
    yield Trap("behind: state", "privacy.hidden-rows", notebook(code(), metadata=state))
    yield Trap("behind: columns of a file", "privacy.hidden-rows", notebook(words("x")),
               texts={"a.json": json.dumps(people.to_dict("list"))})  # fmt: skip


def _other_secrets(world: World) -> Iterator[Trap]:
    place = f"{world.east:.5f}, {world.north:.5f}"
    opaque = base64.b64encode(world.rng.randbytes(300)).decode()
    image = base64.b64encode(a_png()).decode()
    cases = {
        ("privacy.pseudonym", "pseudonym"): code(printed(world.pseudonym)),
        ("privacy.pseudonym", "pseudonym in Base64"): code(
            printed(base64.b64encode(world.pseudonym.encode()).decode())
        ),
        ("privacy.coordinates", "place"): code(printed(place)),
        ("privacy.coordinates", "place in the source"): code(source=f"nest = ({place})"),
        ("privacy.coordinates", "place in GeoJSON"): code(
            shown("application/geo+json", {"coordinates": [world.east, world.north]})
        ),
        ("privacy.canary", "canary"): code(printed(world.canary.upper())),
        ("privacy.canary", "canary in hexadecimal"): code(printed(world.canary.encode().hex())),
        ("privacy.mime", "bitmap"): code(shown("image/png", image)),
        ("privacy.mime", "unknown form"): code(shown("application/x-unknown", "x")),
        ("privacy.mime", "form without a name"): code(shown("", "x")),
        ("privacy.attachment", "attachment"): words("![]()", attachments={"a.png": {"image/png": image}}),
        ("privacy.attachment", "embedded picture"): words(f"![](data:image/png;base64,{image})"),
        ("privacy.metadata", "metadata"): code(metadata={"note": "x"}),
        ("privacy.unrecorded", "HTML of one's own"): code(shown("text/html", "<b>12</b>")),
        ("privacy.unrecorded", "changed number"): code(
            shown("text/html", world.table.replace("1.204", "1.205"), ("table", "t"))
        ),
        ("privacy.unrecorded", "picture of one's own"): code(shown("image/svg+xml", world.picture, ("figure", "g"))),
        ("privacy.svg", "handler in a picture"): code(
            shown("image/svg+xml", world.picture.replace("<rect", '<rect onclick="f()"'))
        ),
        ("privacy.svg", "picture in a picture"): code(
            shown("image/svg+xml", world.picture.replace("<rect", '<image href="x.png"/><rect'))
        ),
        ("privacy.traceback", "printed error"): code(printed("Traceback (most recent call last):\n  x")),
        ("privacy.stderr", "warning"): code(printed("UserWarning: odd", "stderr")),
        ("privacy.path", "folder"): code(printed("/home/erna/daten.csv")),
        ("privacy.path", "folder in a comment"): code(source="# aus C:\\Users\\erna\\daten.csv"),
        ("privacy.secret", "password"): code(source='password = "q8Zr4tLmPw"'),
        ("privacy.secret", "token in Base64"): code(
            printed(base64.b64encode(b"ghp_" + b"a1B2c3D4e5F6g7H8i9J0").decode())
        ),
        ("privacy.opaque", "enciphered"): code(printed(opaque)),
        ("privacy.opaque", "enciphered in the source"): code(source=f"data = '{opaque}'"),
        ("privacy.form", "raw cell"): {"cell_type": "raw", "metadata": {}, "source": "x"},
    }  # fmt: skip
    for (rule, what), cell in cases.items():
        yield Trap(what, rule, notebook(words("# Titel"), cell))


def _identifiers(world: World) -> Iterator[Trap]:
    rng = world.rng
    for what, text in {
        "IBAN": an_iban(rng),
        "tax id": "86095742719",
        "pension": "65 170839 J 003",
        "health": "A000500015",
        "identity": "L01X00T471",
        "plate": f"B-XY {rng.randrange(100, 9999)}",
        "mail": f"{rng.choice(FIRST).lower()}@post.example",
        "spelled mail": f"{rng.choice(FIRST).lower()} (at) post (punkt) example",
        "telephone": f"+49 221 {rng.randrange(10**6, 10**7)}",
        "mobile": f"0176 {rng.randrange(10**7, 10**8)}",
        "card": "4111 1111 1111 1111",
        "address": f"Lindenallee {rng.randrange(1, 200)}, 50667 Musterstadt",
        "device": "00:1a:2b:3c:4d:5e",
    }.items():
        yield Trap(f"{what}, printed", "privacy.identifier", notebook(code(printed(f"Kontakt: {text}."))))
        yield Trap(f"{what}, in a file", "privacy.identifier", notebook(words("x")),
                   files={"a": gzip.compress(f"x;{text};y".encode(), mtime=0)})  # fmt: skip
        hidden = "\u200b".join(text)
        yield Trap(f"{what}, with signs of no width", "privacy.identifier", notebook(words(hidden)))


def an_iban(rng: random.Random) -> str:
    """Make an account number with right check digits."""
    body = "".join(rng.choices("0123456789", k=18))
    return f"DE{98 - int(body + '131400') % 97:02d}{body}"


# ---- what looks like one, and clean notebooks ---------------------------------------------------------


def lookalikes(world: World) -> dict[str, str]:
    """Give texts that look like something personal and are not."""
    rng = world.rng
    return {
        "order": f"Bestellung {rng.randrange(10**9, 10**10)}",
        "order with letters": f"Auftrag BX-2026-{rng.randrange(10**4, 10**5)}",
        "ISBN": "ISBN 978-3-16-148410-0",
        "article": "EAN 4006381333931",
        "postal codes": "50667 bis 50999",
        "coordinates": f"{world.east + 0.01:.5f}, {world.north + 0.01:.5f}",
        "date": "15.01.2026, 07:20 Uhr",
        "time": "2026-01-15T07:20:00+01:00",
        "hash": f"sha256:{rng.randbytes(32).hex()}",
        "long hash": rng.randbytes(64).hex(),
        "hash in Base64": f"sha256-{base64.b64encode(rng.randbytes(32)).decode()}",
        "commit": rng.randbytes(20).hex(),
        "UUID": "550e8400-e29b-41d4-a716-446655440000",
        "products of a budget": "Produkt 11.01.05, Konto 4312000, Kostenstelle 0815-4711",
        "key of municipalities": "05 3 15 000 und 05315000",
        "large numbers": "1 234 567 890 Euro, 12.345.678,90 Euro",
        "standards": "DIN EN 1090, DIN-A4, ISO 3166-1, EN-ISO 9001",
        "laws": "§ 16 BStatG, Art. 5 DSGVO, SGB X",
        "roads": "A 45, B 236, L-AN 3",
        "trains": "RE 16 und S-BA 5, IC 2013",
        "protein": "H2O, CO2, PM10, NO2",
        "version": "3.11.7 und 10.0.0.1",
        "street": "In der Lindenallee stehen 214 Bäume.",
        "street with a number": "Haltestelle Lindenallee 12 ist umgebaut.",
        "office": "Fragen an statistik@stadt.example",
        "web": "https://stadt.example/daten/2026-01-15/index.html?page=2&size=10",
        "share of": "15/16 und 2025/2026",
        "formula": "$a_1 = 0{,}12345678$",
        "reference": "Az. 12-345/2026, Drs. 20/12345",
        "word of other letters": "Москва и Αθήνα",
        "long word": "Grundstücksverkehrsgenehmigungszuständigkeitsübertragungsverordnung",
        "similar name": f"{world.last}straße und {world.last}brücke",
        "grid": "CRS3035RES1000mN3470000E4130000",
        "row of numbers": " ".join(str(rng.randrange(10**5)) for _ in range(80)),
        "CAMEL": "HTMLParserErrorHandlerFactoryBean",
        "statement": "age und sex wurden zusammengefasst; district bleibt.",
    }


def clean(world: World, number: int) -> Iterator[tuple[dict[str, Any], Facts]]:
    """Give ordinary notebooks with tables, charts, text and code, and what is recorded about each."""
    for _ in range(number):
        yield _clean(world)


def _clean(world: World) -> tuple[dict[str, Any], Facts]:
    rng, records = world.rng, {}
    cells = [
        words("# Bericht\n\n" + _paragraph(rng)),
        code(source="import stadtbuch as sb\ncity = sb.city()"),
    ]
    for at in range(rng.randrange(2, 6)):
        rows = "".join(
            f"<tr><th>{one}</th><td>{rng.randrange(10**5):,}</td><td>{rng.random() * 100:.1f} %</td></tr>"
            for one in DISTRICTS
        )
        table = f'<table class="sb"><caption>Tabelle {at}</caption>{rows}</table>'
        bars = "".join(
            f'<path d="M0,{rng.randrange(900)}h9" aria-label="{one}: {rng.randrange(999)}"/>'
            for one in DISTRICTS
        )
        chart = f'<svg xmlns="http://www.w3.org/2000/svg"><title>Bild {at}</title>{bars}</svg>'
        records |= {("table", f"t{at}"): {table}, ("figure", f"f{at}"): {chart}}
        cells += [
            words(f"## Abschnitt {at}\n\n{_paragraph(rng)}"),
            code(shown("text/html", table, ("table", f"t{at}")), source=f'sb.table(counts, name="t{at}")'),
            code(shown("image/svg+xml", chart, ("figure", f"f{at}")), printed(_paragraph(rng))),
        ]
    texts = {
        "data/counts.csv": "district,value\n" + "".join(f"{one},{rng.randrange(9999)}\n" for one in DISTRICTS)
    }
    trap = Trap(
        "", "", {}, texts=texts, files={"data/counts.csv.gz": gzip.compress(b"district,value\nHafen,3\n")}
    )
    return notebook(*cells), world.facts(trap, records=records)


def _paragraph(rng: random.Random) -> str:
    many, digits, share = rng.randrange(10**6), rng.randrange(100, 999), rng.random() * 9
    said = [
        f"Im Jahr {rng.randrange(1990, 2030)} waren es {many} Menschen, {share:.2f} % mehr.",
        f"Der Bezirk {rng.choice(DISTRICTS)} umfasst {digits} Hektar (Schlüssel 05315{digits}).",
        f"Quelle: Statistik, Tabelle {digits}-{rng.randrange(99)}, Stand {rng.randrange(1, 28)}.01.2026.",
        f"Berechnet mit `np.round(x, {rng.randrange(5)})`, siehe [Methode](https://stadt.example/m/{digits}).",
        f"Produkt {rng.randrange(10, 17)}.{rng.randrange(10):02d}.{rng.randrange(99):02d} kostet {many:,} Euro.",
        f"Prüfsumme {rng.randbytes(32).hex()}.",
    ]
    rng.shuffle(said)
    return " ".join(said[: rng.randrange(2, 6)])
