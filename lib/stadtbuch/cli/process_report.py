"""The report about the process in sentences: ``stadtbuch quality --process``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from stadtbuch.cli.context import language, said
from stadtbuch.transparency.levels import CRITERIA, NAMES, SOURCE

if TYPE_CHECKING:
    from rich.console import Console


def tell(console: Console, told: Mapping[str, Any]) -> None:
    """Print the figures line by line, then the level of each report with what is missing."""
    for line in (*_lines(told), *_levels(told["levels"])):
        console.print(line, soft_wrap=True)


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    due, runs, took = told["schedule"], told["runs"], told["durations"]
    yield (
        said("Zeitplan: keiner", "Schedule: none")
        if due is None
        else said(
            f"Zeitplan: {due['on_time']} von {due['due']} pünktlich, {due['late']} zu spät, "
            f"{due['skipped']} ausgelassen, {due['retried']} vergebliche Versuche",
            f"Schedule: {due['on_time']} of {due['due']} on time, {due['late']} late, "
            f"{due['skipped']} skipped, {due['retried']} tries in vain",
        )
    )
    spared = said("nicht gezählt", "not counted") if told["spared"] is None else str(told["spared"]["runs"])
    yield said(
        f"Läufe: {runs['ran']} gelungen, {runs['failed']} gescheitert, {spared} gespart; "
        f"{runs['refused']} Ablehnungen, {runs['released']} veröffentlichte Ausgaben",
        f"Runs: {runs['ran']} went well, {runs['failed']} failed, {spared} spared; {runs['refused']} refusals, "
        f"{runs['released']} editions released",
    )
    yield said(
        f"Dauer ({took['runs']} Läufe): Median {_shown(took['median_seconds'])} s, "
        f"neun von zehn bis {_shown(took['p90_seconds'])} s",
        f"Duration ({took['runs']} runs): median {_shown(took['median_seconds'])} s, "
        f"nine in ten up to {_shown(took['p90_seconds'])} s",
    )
    yield from _energy(told["energy"], took)
    yield from _pages(told["pages"], told["corrections"])
    yield from _people(told["reviews"], told["submissions"])


def _energy(energy: Mapping[str, Any], took: Mapping[str, Any]) -> Iterator[str]:
    used, hours = _shown(took["cpu_seconds"]), _shown(energy["estimated_watt_hours"])
    yield said(
        f"Rechenzeit ({took['measured']} gemessene Läufe): {used} s; geschätzt {hours} Wh",
        f"Processor time ({took['measured']} measured runs): {used} s; estimated {hours} Wh",
    )
    yield f"  {energy['watts_per_core']} W x {energy['overhead']}: {energy['source']}"


def _pages(pages: Mapping[str, Any], fixed: Mapping[str, Any]) -> Iterator[str]:
    typical, largest = (_size(pages[name]) for name in ("median_bytes", "largest_bytes"))
    yield said(
        f"Gewicht einer Seite ({pages['pages']} Seiten neuester Ausgaben): Median {typical}, größte {largest}",
        f"Weight of a page ({pages['pages']} pages of newest editions): median {typical}, largest {largest}",
    )
    days = _shown(fixed["median_days"])
    yield said(
        f"Berichtigungen: {fixed['withdrawn']} Ausgaben zurückgezogen, {fixed['corrected']} ersetzt "
        f"(Median {days} Tage), {fixed['waiting']} offen",
        f"Corrections: {fixed['withdrawn']} editions withdrawn, {fixed['corrected']} replaced "
        f"(median {days} days), {fixed['waiting']} open",
    )


def _people(reviews: Mapping[str, Any], answers: Mapping[str, Any]) -> Iterator[str]:
    named = ", ".join(reviews["subjects"]) or "–"
    yield said(
        f"Überfällige Überprüfungen: {reviews['overdue']} von {reviews['known']} ({named})",
        f"Overdue reviews: {reviews['overdue']} of {reviews['known']} ({named})",
    )
    days = _shown(answers["median_days"])
    yield said(
        f"Einsendungen: {answers['received']}, entschieden {answers['decided']} (Median {days} Tage), "
        f"offen {answers['waiting']}",
        f"Submissions: {answers['received']}, decided {answers['decided']} (median {days} days), "
        f"waiting {answers['waiting']}",
    )


def _levels(found: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Name each report's level, and in words what stands against the next one."""
    words = {one.name: one.text.pick(language()) for one in CRITERIA}
    yield said(f"Nachrechenbarkeit ({SOURCE}):", f"Reproducibility ({SOURCE}):")
    for name, one in found.items():
        yield f"  {name}: {NAMES[one['level']].pick(language())}"
        yield from (f"    – {words[each]}" for each in one["unmet"])
        yield from (f"    ? {words[each]}" for each in one["not_checked"])


def _shown(number: float | None) -> str:
    return "–" if number is None else f"{number:g}"


def _size(number: int | None) -> str:
    from stadtbuch.reports.look import size  # noqa: PLC0415 - start-up time

    return "–" if number is None else size(number, language())
