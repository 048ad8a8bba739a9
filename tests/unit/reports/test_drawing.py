"""Drawing: from an Altair chart to an SVG that may stand in a page."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from subprocess import PIPE, Popen

import altair as alt
import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import Polygon, box

from stadtbuch.errors import UsageError
from stadtbuch.privacy import svg as rules
from stadtbuch.reports import drawing, palette

FRAME = pd.DataFrame(
    {"day": pd.to_datetime(["2025-03-01", "2025-05-01"]), "n": [1200.5, 3000.0], "k": ["a", "b"]}
)


def drawn(chart, *, language="de", name="demo", synthetic=False) -> str:
    """Draw a chart as `sb.figure` does."""
    written = drawing.convert(drawing.spec(chart), language=language)
    return drawing.tidy(
        written,
        name=name,
        language=language,
        title="Titel",
        alt="Beschreibung",
        credit=["Quelle"],
        synthetic=synthetic,
    )


def bars(**more):
    """Give a small bar chart."""
    return alt.Chart(FRAME).mark_bar().encode(x=alt.X("n:Q"), y="k:N", **more)


def test_numbers_and_months_follow_the_language():
    """German readers see 3.000 and Mai, English ones 3,000 and May."""
    months = alt.Chart(FRAME).mark_bar().encode(x="month(day):O", y="n:Q")
    german, english = drawn(months), drawn(months, language="en")
    assert ">3.000<" in german
    assert ">Mai<" in german
    assert ">3,000<" in english
    assert ">May<" in english


def test_the_picture_passes_the_gate_s_own_rule():
    """No script, style, handler or foreign address, not even in a legend with a gradient."""
    heat = alt.Chart(FRAME).mark_rect().encode(x="day:O", y="k:N", color="n:Q", tooltip=["k"])
    assert rules.faults(drawn(heat)) == ()
    assert "style=" not in drawn(heat)


def test_the_picture_has_a_name_and_a_description():
    """Screen readers get title and description, and nothing of the single marks."""
    svg = drawn(bars())
    assert 'role="img"' in svg
    assert '<title id="demo-de-title">Titel</title><desc id="demo-de-desc">Beschreibung</desc>' in svg
    assert "<metadata>Quelle</metadata>" in svg
    assert svg.count("aria-") == 2


def test_ids_of_two_pictures_never_meet():
    """Ids carry name and language, and count from zero in every picture."""
    heat = alt.Chart(FRAME).mark_rect().encode(x="day:O", y="k:N", color="n:Q")
    found = [set(re.findall(r' id="([^"]+)"', drawn(heat, name=name))) for name in ("a", "b")]
    assert found[0] & found[1] == set()
    assert "a-de-0" in found[0]
    assert set(re.findall(r"url\(#([^)]+)\)", drawn(heat, name="a"))) <= found[0]


def test_the_same_chart_gives_the_same_bytes():
    """Drawing twice, with another chart in between, changes nothing."""
    heat = alt.Chart(FRAME).mark_rect().encode(x="day:O", y="k:N", color="n:Q")
    first = drawn(heat)
    drawn(bars())
    assert drawn(heat) == first


def test_text_and_axes_take_the_colour_of_the_page():
    """Ink is currentColor, near-black too; white edges say so in a class."""
    marked = bars() + alt.Chart(FRAME).mark_text(color="#222222").encode(x="n:Q", y="k:N", text="k:N")
    svg = drawn(marked)
    assert "#222222" not in svg
    assert 'fill="currentColor"' in svg
    assert 'class="sb-paper-stroke"' in drawn(
        alt.Chart(FRAME).mark_bar(stroke="white").encode(x="n:Q", y="k:N")
    )


def test_a_synthetic_city_says_so_in_the_picture():
    """The line is part of the SVG, in its language."""
    assert ">Synthetische Daten</text>" in drawn(bars(), synthetic=True)
    assert ">Synthetic data</text>" in drawn(bars(), language="en", synthetic=True)
    assert "sb-ribbon" not in drawn(bars())


@pytest.mark.parametrize("frame", [FRAME.head(0), FRAME.rename(columns={"n": "other"})])
def test_an_empty_picture_is_refused(frame):
    """No rows, or a column of another name: axes alone are no figure."""
    with pytest.raises(UsageError) as caught:
        drawn(alt.Chart(frame).mark_line().encode(x="day:T", y="n:Q"))
    assert caught.value.code == "figure.empty"


def test_hover_text_is_only_there_where_the_author_asked():
    """A tooltip becomes a title of its mark, where the gate can read it; other marks carry no values."""
    assert "<title>a</title>" in drawn(bars(tooltip=["k"]))
    assert drawn(bars()).count("<title") == 1


@pytest.mark.parametrize("projection", [{"type": "identity", "reflectY": True}, {"type": "mercator"}])
def test_maps_show_areas_and_not_the_globe(projection):
    """Rings of either direction work, holes stay holes."""
    ring = Polygon(box(8.0, 51.0, 8.1, 51.1).exterior, [box(8.04, 51.04, 8.06, 51.06).exterior])
    areas = [ring, Polygon(list(box(8.1, 51.0, 8.2, 51.1).exterior.coords)[::-1])]
    frame = gpd.GeoDataFrame({"n": [1, 2]}, geometry=areas, crs=4326)
    chart = (
        alt.Chart(frame)
        .mark_geoshape()
        .encode(color="n:O")
        .project(**projection)
        .properties(width=300, height=150)
    )
    paths = re.findall(r'<path d="(M[^"]*)"[^>]*sb-paper-stroke', drawn(chart))
    assert [path.count("M") for path in paths] == [2, 1]
    assert 0 < right(paths[0]) < right(paths[1]) <= 300


def right(path: str) -> float:
    """Give the rightmost place of a path of steps."""
    found = []
    for start, steps in re.findall(r"M([-\d.]+),[-\d.]+l([-\d.,]+)z", path):
        found.append(at := float(start))
        for step in steps.split(",")[::2]:
            found.append(at := at + float(step))
    return max(found)


def test_a_map_of_many_areas_stays_small():
    """72 areas of 120 corners each weigh less than 100 kB."""
    from shapely.geometry import Point

    shapes = [
        Point(8 + number % 9 / 10, 51 + number // 9 / 10).buffer(0.05, quad_segs=30) for number in range(72)
    ]
    frame = gpd.GeoDataFrame({"n": range(72)}, geometry=shapes, crs=4326)
    chart = alt.Chart(frame).mark_geoshape().encode(color="n:Q").project(type="mercator")
    assert len(drawn(chart).encode()) < 100_000


@pytest.fixture
def asked(tmp_path) -> Iterator[tuple[str, Callable[[], str]]]:
    """Serve a small file on loopback, in a process of its own: its address, and what was asked for."""
    (tmp_path / "a.json").write_text('[{"n": 1, "k": "a"}]', encoding="utf-8")
    log = tmp_path / "log"
    command = [
        sys.executable,
        "-u",
        "-m",
        "http.server",
        "0",
        "--bind",
        "127.0.0.1",
        "--directory",
        str(tmp_path),
    ]
    with log.open("wb") as heard, Popen(command, stdout=PIPE, stderr=heard) as server:
        assert server.stdout is not None
        port = re.search(rb"port (\d+)", server.stdout.readline())
        assert port
        yield f"http://127.0.0.1:{port[1].decode()}/a.json", lambda: log.read_text(encoding="utf-8")
        server.terminate()


def test_nothing_is_fetched(asked):
    """Data by address would leave the machine: nobody is asked, and there is no figure."""
    address, heard = asked
    with pytest.raises((UsageError, ValueError)):
        drawn(alt.Chart(address).mark_bar().encode(x="n:Q", y="k:N"))
    assert "a.json" not in heard()


def test_no_file_is_read(tmp_path):
    """Neither is a file of this machine."""
    file = tmp_path / "a.json"
    file.write_text('[{"n": 1, "k": "a"}]', encoding="utf-8")
    for address in (str(file), file.as_uri()):
        with pytest.raises((UsageError, ValueError)):
            drawn(alt.Chart(address).mark_bar().encode(x="n:Q", y="k:N"))


def luminance(colour: str) -> float:
    """Give the relative luminance of a colour (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", palette.CATEGORIES)
def test_colours_of_data_stand_out_on_light_and_dark(colour):
    """At least 3 to 1 against white and against a nearly black page."""
    own = luminance(colour)
    assert 1.05 / (own + 0.05) >= 3
    assert (own + 0.05) / (luminance("#12181e") + 0.05) >= 3


def test_the_chart_s_own_configuration_wins():
    """The theme is a start, not a cage."""
    chart = bars().configure_axis(labelFontSize=20).properties(width=200)
    written = drawing.spec(chart)
    assert written["config"]["axis"]["labelFontSize"] == 20
    assert written["config"]["axis"]["ticks"] is False
    assert written["width"] == 200
    assert json.dumps(written)
