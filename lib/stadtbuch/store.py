"""
The store: snapshots and artefacts by content, one copy each (CONTRACTS: state).

Whatever is read is hashed again, so that a damaged disk is an error and not a wrong number.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stadtbuch import atomic
from stadtbuch.errors import StateError
from stadtbuch.texts import Text

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Store:
    """
    A content-addressed store in a folder; the name of bytes is their SHA-256.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     store = Store(Path(folder) / "store")
    ...     store.get(store.put(b"content"))
    b'content'
    """

    root: Path

    def put(self, data: bytes) -> str:
        """
        Keep bytes and give their digest; the same bytes again change nothing, and repair a damaged copy.

        Raises
        ------
        StateError
            If the store cannot be written.
        """
        digest = atomic.digest(data)
        path = self.path(digest)
        with atomic.telling(self.root.name):
            if not (path.exists() and path.read_bytes() == data):
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                atomic.sync_folder(self.root)
                atomic.write(path, data, mode=0o600)
        return digest

    def get(self, digest: str) -> bytes:
        """
        Give the bytes of a digest.

        Raises
        ------
        StateError
            ``store.missing`` or ``store.damaged``.
        """
        if not self.has(digest):
            raise _missing(digest)
        with atomic.telling(self.root.name):
            data = self.path(digest).read_bytes()
        if atomic.digest(data) != digest:
            raise _damaged(digest)
        return data

    def has(self, digest: str) -> bool:
        """Whether there is a copy; whether it is sound shows when it is read."""
        return self.path(digest).is_file()

    def path(self, digest: str) -> Path:
        """Give the place of a digest, ``ab/cdef...``; `ValueError` if it is no SHA-256."""
        if not _DIGEST.fullmatch(digest):
            raise ValueError("a digest is 64 hexadecimal digits in lower case")
        return self.root / digest[:2] / digest[2:]


def frame_bytes(frame: pd.DataFrame) -> bytes:
    """
    Write a frame as Parquet: the same table gives the same bytes, in every process.

    The index and ``attrs`` are left out: the one is position, the other a display hint. A GeoDataFrame
    becomes GeoParquet.

    Parameters
    ----------
    frame
        A table whose columns are strings; any number of rows.
    """
    import pyarrow.parquet as parquet  # noqa: PLC0415 - start-up time of the command line

    sink = BytesIO()
    geographic = any(str(kind) == "geometry" for kind in frame.dtypes)
    table = _geographic(frame) if geographic else _plain(frame)
    parquet.write_table(_stable(table), sink, compression="zstd")
    return sink.getvalue()


def read_frame(data: bytes) -> pd.DataFrame:
    """
    Read what `frame_bytes` wrote: a DataFrame, or a GeoDataFrame where the bytes say so.

    Raises
    ------
    StateError
        ``store.not-a-table`` if the bytes are no Parquet.
    """
    import pyarrow  # noqa: PLC0415 - start-up time of the command line
    import pyarrow.parquet as parquet  # noqa: PLC0415 - start-up time of the command line

    try:
        table = parquet.read_table(BytesIO(data))
    except (pyarrow.ArrowInvalid, OSError):
        raise _not_a_table() from None
    return _read_geographic(data) if b"geo" in (table.schema.metadata or {}) else table.to_pandas()


def _plain(frame: pd.DataFrame) -> pa.Table:
    import pyarrow  # noqa: PLC0415 - start-up time of the command line

    return pyarrow.Table.from_pandas(frame, preserve_index=False)


def _geographic(frame: Any) -> pa.Table:
    """Let geopandas write GeoParquet; it has no public way to an Arrow table with the same metadata."""
    import pyarrow.parquet as parquet  # noqa: PLC0415 - start-up time of the command line

    sink = BytesIO()
    frame.to_parquet(sink, index=False)
    return parquet.read_table(BytesIO(sink.getvalue()))


def _read_geographic(data: bytes) -> pd.DataFrame:
    import geopandas  # noqa: PLC0415 - start-up time of the command line

    return geopandas.read_parquet(BytesIO(data))  # noqa: TID251 - the store lies behind the door, not before it


def _stable(table: pa.Table) -> pa.Table:
    """Take out what is not the table: attrs, and the versions of the libraries that made it."""
    kept = {}
    for key, value in sorted((table.schema.metadata or {}).items()):
        said = json.loads(value)
        for name in ("attributes", "creator", "pandas_version"):
            said.pop(name, None)
        kept[key] = json.dumps(said, sort_keys=True, ensure_ascii=False).encode()
    return table.replace_schema_metadata(kept)


def _missing(digest: str) -> StateError:
    return StateError(
        "store.missing",
        Text(
            de=f"Im Speicher fehlt das Stück {digest[:12]}.",
            en=f"The piece {digest[:12]} is missing from the store.",
        ),
        remedy=Text(
            de="Bauen Sie den Bericht neu oder stellen Sie var/ aus der Sicherung her.",
            en="Build the report again or restore var/ from the backup.",
        ),
    )


def _damaged(digest: str) -> StateError:
    return StateError(
        "store.damaged",
        Text(
            de=f"Das Stück {digest[:12]} im Speicher ist beschädigt.",
            en=f"The piece {digest[:12]} in the store is damaged.",
        ),
        why=Text(
            de="Sein Inhalt passt nicht mehr zu seiner Prüfsumme.",
            en="Its content no longer fits its checksum.",
        ),
        remedy=Text(
            de="Prüfen Sie den Datenträger und bauen Sie den Bericht neu.",
            en="Check the disk and build the report again.",
        ),
    )


def _not_a_table() -> StateError:
    return StateError(
        "store.not-a-table",
        Text(de="Das Stück im Speicher ist keine Tabelle.", en="The piece in the store is not a table."),
        remedy=Text(de="Bauen Sie den Bericht neu.", en="Build the report again."),
    )
