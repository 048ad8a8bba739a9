"""What readers learn of a failure: since when, if the report wants it, and never why."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from builders import small_city
from builders.city import NOW, a_city
from builders.reports import HEADLINE, ROLES, START, write_open_report

from stadtbuch.model.report import Report
from stadtbuch.reports import accessibility, build, delays
from stadtbuch.reports.delays import Delay
from stadtbuch.site import pages

ZONE = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 1, 15, 23, 30, tzinfo=UTC)
REPORT: Report = next(iter(small_city.make_reports().values()))


def record(**changes: Any) -> dict[str, Any]:
    """Give the internal record of a failure."""
    told = {"report": "r", "cell": "", "since": AT.isoformat(), "status": "failed", "missing": []}
    return told | changes


def told(*records: dict[str, Any], on_failure: str = "notice", **more: Any) -> dict[tuple[str, str], Delay]:
    """Ask what readers are told."""
    reports = {"r": REPORT.model_copy(update={"on_failure": on_failure})}
    return delays.told(records, reports, **{"released": {}, "zone": ZONE, **more})


def test_a_failure_is_told_with_the_day_in_the_city_and_nothing_else() -> None:
    """Half past midnight in the city is the next day; code, cell and status stay inside."""
    assert told(record()) == {("r", ""): Delay(date(2026, 1, 16))}
    assert told(record(cell="mitte", status="refused")) == {("r", "mitte"): Delay(date(2026, 1, 16))}


def test_a_report_that_does_not_ask_tells_nothing() -> None:
    """Silence is the default, and so it is where the definition cannot be read."""
    assert told(record(), on_failure="silent") == {}
    assert told(record(report="gone")) == {}


def test_a_missing_delivery_is_told_in_any_case() -> None:
    """Whoever goes on with old data says so."""
    found = told(record(status="last-good", missing=["a.b"]), on_failure="silent")
    assert found == {("r", ""): Delay(date(2026, 1, 16), ("a.b",))}


def test_what_was_released_since_is_not_late() -> None:
    """An edition that was approved after the first failure ends the notice."""
    later = AT + timedelta(hours=1)
    assert told(record(), released={("r", ""): later}) == {}
    assert told(record(), released={("r", ""): AT}) != {}


def test_the_notice_comes_with_the_failure_and_goes_with_the_next_edition(tmp_path: Path) -> None:
    """Yesterday's edition says since when in both languages and names no cause; the next one says nothing."""
    city = a_city(tmp_path / "city", roles=ROLES)

    def built(day: int, *code: str) -> list[str]:
        write_open_report(city.root, "area", START, *code, on_failure="notice")
        opened = city.open(now=NOW + timedelta(days=day))
        build.build(opened)
        pages.write(opened, now=opened.now)
        folder = city.root / "public/reports/area"
        return [(folder / name).read_text(encoding="utf-8") for name in ("index.html", "index.en.html")]

    first = built(0, HEADLINE)
    german, english = built(1, HEADLINE, "raise RuntimeError('Quendel')")
    built(2, HEADLINE, "raise RuntimeError('Quendel')")
    after = built(3, HEADLINE, "sb.publish('one', 1.0, unit='km²')")

    assert "verzögert sich seit 16. Januar 2026." in german
    assert "The newest edition is delayed since 16 January 2026." in english
    assert re.sub(r'<p class="note warn" id="delayed">.*?</p>\n', "", german) == first[0]
    assert accessibility.check(german, subject="x") == []
    assert [one for one in (*first, *after) if 'id="delayed"' in one] == []
    permanent = (city.root / "public/reports/area/2026-01-15/index.html").read_text(encoding="utf-8")
    assert 'id="delayed"' not in permanent
