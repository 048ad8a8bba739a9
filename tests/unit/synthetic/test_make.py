"""Making the city: same seed, same bytes; nothing is done twice; nothing real is overwritten."""

import json
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from stadtbuch import atomic, settings, synthetic
from stadtbuch.errors import StateError, UsageError
from stadtbuch.synthetic import seeds

MAKE = """
import sys
from pathlib import Path
from stadtbuch import settings, synthetic
synthetic.make(settings.read(Path(sys.argv[1])), size="mini", seed=2026)
"""


def hashes(city: Path) -> dict[str, str]:
    """Give the hash of every file that was made."""
    files = [
        path for folder in ("data", "truth") for path in sorted((city / folder).rglob("*")) if path.is_file()
    ]
    return {path.relative_to(city).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


def test_another_process_makes_the_same_bytes(made, empty):
    """Neither the hash seed nor the time zone of a process changes a byte."""
    library = str(Path(synthetic.__file__).parents[2])
    environment = os.environ | {"PYTHONHASHSEED": "4711", "TZ": "Pacific/Auckland", "PYTHONPATH": library}
    subprocess.run([sys.executable, "-c", MAKE, str(empty.root)], check=True, env=environment)
    assert hashes(empty.root) == hashes(made("mini").settings.root)


def test_another_seed_makes_another_city(made):
    """Every table differs, the traps stay."""
    one, other = hashes(made("small", 2026).settings.root), hashes(made("small", 7).settings.root)
    same = {path for path in one if one[path] == other[path]}
    assert same == set()


def test_a_second_time_nothing_is_written(made):
    """`demo` may call it every time."""
    city = made("mini")
    marker = city.settings.folder("data") / synthetic.MARKER
    before = marker.stat().st_mtime_ns
    told = synthetic.make(city.settings, size="mini", seed=2026)
    assert told == city.told | {"written": False}
    assert marker.stat().st_mtime_ns == before


def test_a_damaged_file_is_made_again(made, empty):
    """The marker does not vouch for what it has not seen."""
    shutil.copytree(made("mini").settings.root, empty.root, dirs_exist_ok=True)
    whole = hashes(empty.root)
    (empty.folder("data") / "mobility" / "bicycle_counts.csv").write_bytes(b"x")
    (empty.root / "truth" / "quality.json").unlink()
    assert synthetic.make(empty, size="mini")["written"] is True
    assert hashes(empty.root) == whole


@pytest.mark.parametrize("change", ["size", "seed", "pattern", "generator"])
def test_whatever_decides_the_data_makes_them_anew(made, empty, change, monkeypatch):
    """Size, seed, names or generator: the old data are not kept."""
    shutil.copytree(made("mini").settings.root, empty.root, dirs_exist_ok=True)
    assert synthetic.make(empty, size="mini")["written"] is False
    if change == "pattern":
        path = empty.root / "synthetic.yaml"
        path.write_text(
            path.read_text(encoding="utf-8").replace("name: Hafen", "name: Kontor"), encoding="utf-8"
        )
    if change == "generator":
        monkeypatch.setattr(synthetic, "generator", lambda: "another")
    size, seed = ("small" if change == "size" else "mini"), (2 if change == "seed" else synthetic.SEED)
    assert synthetic.make(empty, size=size, seed=seed)["written"] is True


def test_an_interrupted_making_is_not_taken_for_a_city(made, empty, monkeypatch):
    """After a crash between two files the next call makes everything again."""
    shutil.copytree(made("mini").settings.root, empty.root, dirs_exist_ok=True)
    written, original = [], atomic.write

    def crash(path, data, *, mode=0o644):
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(path)
        original(path, data, mode=mode)

    monkeypatch.setattr(atomic, "write", crash)
    with pytest.raises(KeyboardInterrupt):
        synthetic.make(empty, size="mini", seed=2)
    monkeypatch.undo()
    assert not (empty.folder("data") / synthetic.MARKER).exists()
    assert synthetic.make(empty, size="mini")["written"] is True


def test_a_real_city_is_never_filled_with_made_up_data(empty):
    """Without `synthetic = true` in its settings nothing is written."""
    path = empty.root / "stadtbuch.toml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("synthetic = true", "synthetic = false"), "utf-8"
    )
    with pytest.raises(UsageError) as refused:
        synthetic.make(settings.read(empty.root), size="mini", seed=1)
    assert refused.value.code == "synthetic.real-city"
    assert not empty.folder("data").exists()


def test_a_folder_that_cannot_be_written_is_named(empty):
    """A sentence instead of a traceback."""
    empty.folder("data").write_text("in the way", encoding="utf-8")
    with pytest.raises(StateError) as failed:
        synthetic.make(empty, size="mini", seed=1)
    assert failed.value.code == "synthetic.not-writable"


def test_closed_files_are_for_their_owner_only(made):
    """Even made-up registers are kept as real ones are."""
    city = made("mini").settings
    for path in (
        city.folder("data") / "population" / "residents.parquet",
        city.folder("data") / "population" / "households.parquet",
        city.folder("data") / "mobility" / "bicycle_counts_hourly.csv",
        city.folder("data") / "social" / "welfare_quarters.csv",
        city.folder("data") / "finance" / "trade_tax.csv",
        city.folder("data") / "environment" / "wells.geojson",
        city.folder("data") / "environment" / "breeding_birds.parquet",
        city.root / "truth" / "privacy.json",
    ):
        assert path.stat().st_mode & 0o077 == 0


def test_the_marker_says_what_the_data_are(made):
    """Size, seed, generator and the hash of every file."""
    city = made("mini").settings
    marker = json.loads((city.folder("data") / synthetic.MARKER).read_text(encoding="utf-8"))
    assert marker["synthetic"] is True
    assert (marker["size"], marker["seed"], marker["generator"]) == ("mini", 2026, synthetic.generator())
    for path, digest in marker["files"].items():
        place = city.root if path.startswith("truth/") else city.folder("data")
        assert sha256((place / path).read_bytes()).hexdigest() == digest


def test_streams_of_tables_do_not_depend_on_each_other():
    """A new table changes no other one: a stream is made from seed and name alone."""
    alone = seeds.stream(1, "residents").integers(10**9, size=5).tolist()
    seeds.stream(1, "a new table").integers(10**9, size=5)
    assert seeds.stream(1, "residents").integers(10**9, size=5).tolist() == alone
    assert seeds.stream(1, "areas").integers(10**9, size=5).tolist() != alone
    assert seeds.stream(2, "residents").integers(10**9, size=5).tolist() != alone
