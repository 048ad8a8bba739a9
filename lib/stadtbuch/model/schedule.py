"""Schedule: when a report is due; Occurrence: one time at which it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from stadtbuch.model.frozen import Frozen

CatchUp = Literal["all", "latest", "skip"]
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
Span = Annotated[str, Field(json_schema_extra={"pattern": "^[1-9][0-9]{0,3}[mhd]$"})]


def _listed(value: Any) -> Any:
    """Let one dataset stand without brackets."""
    return (value,) if isinstance(value, str) else value


class Schedule(Frozen):
    """
    When a report is due: at the times of a cron expression, or when a dataset has a new version.

    `cron` has five fields and is meant in `time_zone`, else in the city's. `on: new-version` watches the datasets
    `of`. `catch_up` says what happens with times that passed while nothing ran: build them `all`, the `latest`, or
    `skip` them. `deadline`, such as ``6h``, is how long after its time a report must be there. `holidays` says what
    happens on Saturdays, Sundays and the public holidays of `region`: the time is left out, or moved to the working
    day before or after.
    """

    cron: str | None = None
    on: Literal["new-version"] | None = None
    of: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    time_zone: str | None = None
    catch_up: CatchUp = "latest"
    deadline: Span | None = None
    holidays: Literal["skip", "before", "after"] | None = None
    region: str | None = None

    @property
    def allowance(self) -> timedelta | None:
        """Give the time within which a report must be there."""
        return None if self.deadline is None else span(self.deadline)


def span(written: str) -> timedelta:
    """
    Read a span of time.

    Examples
    --------
    >>> span("90m"), span("2d")
    (datetime.timedelta(seconds=5400), datetime.timedelta(days=2))
    """
    return timedelta(**{UNITS[written[-1]]: int(written[:-1])})


class Occurrence(Frozen):
    """
    One time at which a report is due, with the reason.

    `nominal` is the time that the schedule names and `due` the one at which it is built: they differ where a day off
    moved it. Where new versions are watched, `versions` names them, and both are the time at which they were first
    seen. `skipped` counts earlier times that this one stands for. `action` says what is to be done now: `build`,
    `skip`, or `wait` until another try.
    """

    report: str
    nominal: datetime
    due: datetime
    versions: Mapping[str, str] = {}
    skipped: int = 0
    action: Literal["build", "skip", "wait"] = "build"

    @property
    def id(self) -> str:
        """Name it: the report with all its cells, and the time or the versions."""
        if not self.versions:
            return f"{self.report}@{self.nominal:%Y-%m-%dT%H:%MZ}"
        told = "+".join(f"{dataset}:{version[:12]}" for dataset, version in sorted(self.versions.items()))
        return f"{self.report}@{told}"
