"""
Indicators: small functions of a frame and its description, each giving one `Measurement`.

They look at what the catalogue declares (required cells, keys, bounds, patterns, lists, words) and count; what is
not declared cannot be measured, and says so. Nothing here reads a file, knows the day, or keeps a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from stadtbuch.model.dataset import Column, Constraints, Dataset, FieldType
from stadtbuch.model.measure import Criterion, Gap, Grade, Measurement

TARGETS: Mapping[Criterion, float] = {
    Criterion.complete: 0.95,
    Criterion.unambiguous: 1.0,
    Criterion.correct: 0.99,
    Criterion.uniform: 0.99,
    Criterion.understandable: 1.0,
    Criterion.controlled: 0.5,
    Criterion.relevant: 1,
}
"""What holds where a catalogue entry states no target of its own (``quality: {targets: {complete: 0.99}}``)."""

MARGIN = 0.05
"""How far a share may lie below its target and still be a warning rather than bad."""

RECORDS = 5
"""How many records a measurement names; the rest follows the same cause."""


def complete(frame: pd.DataFrame, dataset: Dataset) -> Measurement:
    """Measure the share of required cells that are filled; key columns are required."""
    needed = [one.name for one in dataset.table.fields if _required(one, dataset)]
    missing = np.asarray(frame[needed].isna().to_numpy(dtype=bool), dtype=bool)
    return _share(dataset, Criterion.complete, missing, cells=True)


def unambiguous(frame: pd.DataFrame, dataset: Dataset) -> Measurement:
    """Measure the share of rows that no other row shares a key with: the primary key, and each unique column."""
    keys = [[one.name] for one in dataset.table.fields if one.constraints.unique]
    if dataset.table.primary_key:
        keys.append(list(dataset.table.primary_key))
    twice = [frame.duplicated(subset=key, keep=False).to_numpy() for key in keys]
    return _share(dataset, Criterion.unambiguous, _columns(twice, frame))


def correct(frame: pd.DataFrame, dataset: Dataset) -> Measurement:
    """Measure the share of rows whose values keep within the bounds and patterns that the catalogue declares."""
    wrong = [
        _out_of_bounds(frame[one.name], one.constraints) for one in dataset.table.fields if _is_bounded(one)
    ]
    return _share(dataset, Criterion.correct, _columns(wrong, frame))


def uniform(frame: pd.DataFrame, dataset: Dataset) -> Measurement:
    """Measure the share of rows that use only the codes of the declared lists."""
    lists = {one.name: _listed(one) for one in dataset.table.fields if _listed(one)}
    strange = [
        (frame[name].notna() & ~frame[name].astype("str").isin(known)).to_numpy()
        for name, known in lists.items()
    ]
    return _share(dataset, Criterion.uniform, _columns(strange, frame))


OF_ROWS: Mapping[Criterion, Callable[[pd.DataFrame, Dataset], Measurement]] = {
    Criterion.complete: complete,
    Criterion.unambiguous: unambiguous,
    Criterion.correct: correct,
    Criterion.uniform: uniform,
}
"""What needs the data themselves; the rest is measured on the description."""


def understandable(dataset: Dataset) -> Measurement:
    """
    Measure the share of describing texts that are there in both languages.

    Counted are title, description, keywords, benefit, misuse note, and every column's title.
    """
    keywords = [bool(dataset.keyword.get("de")), bool(dataset.keyword.get("en"))]
    texts = [dataset.title, dataset.description, dataset.benefit, dataset.misuse]
    texts += [one.title for one in dataset.table.fields]
    spoken = [bool(one and one.de.strip() and one.en.strip()) for one in texts] + [all(keywords)]
    return _share(dataset, Criterion.understandable, ~np.array(spoken)[:, None], of_records=False)


def controlled(dataset: Dataset) -> Measurement:
    """Measure the share of columns that are under a rule: required, key, bounds, pattern or list."""
    ruled = [
        _required(one, dataset) or _is_bounded(one) or bool(_listed(one)) or one.constraints.unique
        for one in dataset.table.fields
    ]
    return _share(dataset, Criterion.controlled, ~np.array(ruled)[:, None], of_records=False)


def relevant(dataset: Dataset, *, reports: int) -> Measurement:
    """Say how many reports read a dataset; nobody needs what nobody reads, or nobody knows of it yet."""
    target = target_of(dataset, Criterion.relevant)
    verdict = Grade.good if reports >= target else Grade.warning
    return Measurement(
        dataset=dataset.id,
        criterion=Criterion.relevant,
        value=reports,
        unit="reports",
        target=target,
        verdict=verdict,
    )


def not_measured(dataset: Dataset, criterion: Criterion, gap: Gap) -> Measurement:
    """Say that a criterion was not measured, and why; it stays visible."""
    return Measurement(dataset=dataset.id, criterion=criterion, gap=gap)


def target_of(dataset: Dataset, criterion: Criterion) -> float:
    """Give the target of a share: the catalogue's, else the usual one."""
    stated = (dataset.quality.get("targets") or {}).get(criterion.value)
    return float(stated) if isinstance(stated, (int, float)) else TARGETS[criterion]


def grade(value: float, target: float) -> Grade:
    """
    Judge a share by its target.

    Examples
    --------
    >>> [grade(share, 0.99).value for share in (0.99, 0.95, 0.9)]
    ['good', 'warning', 'bad']
    """
    if value >= target:
        return Grade.good
    return Grade.warning if value >= target - MARGIN else Grade.bad


def _share(
    dataset: Dataset,
    criterion: Criterion,
    failed: np.ndarray,
    *,
    cells: bool = False,
    of_records: bool = True,
) -> Measurement:
    """
    Turn a table of failures (one line per record, one column per rule) into a share.

    A record fails if one of its cells does; with `cells` every cell counts on its own.
    """
    if failed.shape[1] == 0:
        return not_measured(dataset, criterion, Gap.no_rule)
    if failed.shape[0] == 0:
        return not_measured(dataset, criterion, Gap.no_rows)
    lines = failed.any(axis=1)
    wrong, total = (
        (int(failed.sum()), int(failed.size)) if cells else (int(lines.sum()), int(failed.shape[0]))
    )
    value, target = (total - wrong) / total, target_of(dataset, criterion)
    return Measurement(
        dataset=dataset.id,
        criterion=criterion,
        value=value,
        unit="share",
        target=target,
        verdict=grade(value, target),
        of=total,
        failed=wrong,
        records=tuple(int(at) + 1 for at in np.flatnonzero(lines)[:RECORDS]) if of_records else (),
    )


def _columns(found: list[Any], frame: pd.DataFrame) -> np.ndarray:
    """Put the failures of several rules side by side."""
    return np.column_stack(found).astype(bool) if found else np.zeros((len(frame), 0), dtype=bool)


def _required(column: Column, dataset: Dataset) -> bool:
    return column.constraints.required or column.name in dataset.table.primary_key


def _is_bounded(column: Column) -> bool:
    rules = column.constraints
    numeric = column.type in (FieldType.integer, FieldType.number)
    bounded = numeric and (rules.minimum is not None or rules.maximum is not None)
    return bounded or (_is_text(column) and rules.pattern is not None)


def _is_text(column: Column) -> bool:
    return column.type in (FieldType.string, FieldType.code)


def _out_of_bounds(values: pd.Series, rules: Constraints) -> np.ndarray:
    """Mark the cells that break a bound or the pattern; an empty cell breaks none."""
    if rules.pattern is not None and not pd.api.types.is_numeric_dtype(values.dtype):
        return _misshapen(values, re.compile(rules.pattern))
    wrong = pd.Series(data=False, index=values.index)
    if rules.minimum is not None:
        wrong |= (values < rules.minimum).fillna(value=False).astype(bool)
    if rules.maximum is not None:
        wrong |= (values > rules.maximum).fillna(value=False).astype(bool)
    return wrong.to_numpy()


def _misshapen(values: pd.Series, pattern: re.Pattern[str]) -> np.ndarray:
    """Hold each different value against a pattern once."""
    present = values.dropna()
    unfit = {one for one in present.unique() if not pattern.fullmatch(str(one))}
    return values.isin(unfit).to_numpy()


def _listed(column: Column) -> frozenset[str]:
    """Give the codes that a column may hold; nothing if the catalogue lists none."""
    if not _is_text(column):
        return frozenset()
    return frozenset(column.constraints.enum or column.labels)


def measured_of_rows(frame: pd.DataFrame, dataset: Dataset) -> Iterator[Measurement]:
    """Give every measurement that needs the data themselves."""
    for measure in OF_ROWS.values():
        yield measure(frame, dataset)
