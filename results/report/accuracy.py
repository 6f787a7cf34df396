"""The table of what precision cases really have, and what that did to their answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from results.agreement import Agreement, agreement, gained, size_ratio
from results.relative import REFERENCE, References, is_judged
from results.report.accuracy_asides import accuracy_asides
from results.report.asides import Aside, state
from results.report.columns import Column, known, texts
from results.report.tables import Table, identified
from results.report.units import DECIBELS, MISSING, PERCENT, POINTS, TIMES_FP32, aligned
from results.report.wording import one_line

if TYPE_CHECKING:
    from results.effect import Effect
    from results.record import CaseResult
    from results.summary import Summary

_LISTED = 2
"""Types of a graph that its row names, those of most operations or weights."""
_NARROWEST = 12
NO_FP32 = "no measured case of this run is the same in fp32. Add fp32 to the precisions."
_MEANINGS = {
    "ran": "ran: what the engine computed in",
    "graph": "graph, weights: share of the prepared graph's operations, of its weights by type",
    "cosine": "agreement of the worst output with fp32",
    "F1": "F1 and recall are means over classes",
    "speed": "speed is p50 of the same case in fp32 over its own, no verdict",
    "Δ": "Δ right answers against fp32",
}
_METRICS = {
    "accuracy": ("accuracy", 0),
    "exact_match": ("exact", 0),
    "cer": ("CER", 4),
    "f1": ("F1", 5),
    "recall": ("recall", 10),
}
"""What metrics are called, and what a narrow terminal does without, the greatest number first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """The cases of the table, with their summaries and agreement where they have any."""

    cases: tuple[CaseResult, ...]
    summaries: tuple[Summary | None, ...]
    worst: tuple[Agreement | None, ...]

    def parity(self, read: Callable[[Agreement], float | None]) -> list[float | None]:
        return [None if worst is None else read(worst) for worst in self.worst]

    def metric(self, name: str) -> list[float | None]:
        tasks = [case.accuracy.task if case.accuracy else None for case in self.cases]
        found = [None if task is None else task.metrics.get(name) for task in tasks]
        return [None if value is None else 100 * value for value in found]

    def effect(self, read: Callable[[Effect], Mapping[str, float]]) -> list[str]:
        effects = [case.record.effect for case in self.cases]
        return [MISSING if effect is None else _spelt(read(effect)) for effect in effects]


def judged(
    cases: Sequence[CaseResult], summaries: Mapping[int, Summary], against: References
) -> Table | None:
    """Return the table of the cases of which it is known; None where there are none."""
    found = tuple(case for case in cases if is_judged(case))
    if not found:
        return None
    rows = _Judged(
        cases=found,
        summaries=tuple(summaries.get(case.record.position) for case in found),
        worst=tuple(agreement(case.accuracy) if case.accuracy else None for case in found),
    )
    identity, shared = identified(found)
    speed, change = _speed(rows, against), _change(rows)
    columns = (*_ran(rows), *_types(rows), *_parity(rows), *_task(rows), *speed, *change)
    return Table(
        title="precision and accuracy",
        subtitle="; ".join(filter(None, (shared, *_meanings(columns)))),
        columns=(*identity, *columns),
        states=tuple(map(state, found)),
        asides=(*accuracy_asides(found), *_without_fp32(rows, speed)),
    )


def _meanings(columns: Sequence[Column]) -> Iterator[str]:
    """Yield what the columns that are there mean, where their heads do not say it."""
    names = {column.name for column in columns}
    yield from (text for name, text in _MEANINGS.items() if name in names)


def _ran(rows: _Judged) -> tuple[Column, ...]:
    """Return the precisions that really ran, where one is another than was asked for."""
    asked = [case.record.case.precision for case in rows.cases]
    ran = [summary.precision if summary else None for summary in rows.summaries]
    if all(real in (None, name) for real, name in zip(ran, asked, strict=True)):
        return ()
    return (texts("ran", [one_line(real or MISSING) for real in ran]),)


def _types(rows: _Judged) -> tuple[Column, ...]:
    """Return the types of the graphs' operations, and what became of the weights."""
    effects = [case.record.effect for case in rows.cases]
    if not any(effects):
        return ()
    ratios = [
        None if effect is None else size_ratio(effect.bytes_before, effect.bytes_after)
        for effect in effects
    ]
    return (
        texts("graph", rows.effect(lambda e: e.flops), narrow=_NARROWEST),
        texts("weights", rows.effect(lambda e: e.weights), narrow=_NARROWEST, drop=8),
        *known("size", ratios, TIMES_FP32, drop=6, digits=2),
    )


def _parity(rows: _Judged) -> tuple[Column, ...]:
    top1 = [None if share is None else 100 * share for share in rows.parity(lambda w: w.top1)]
    return (
        *_told("cosine", [_cosine(value) for value in rows.parity(lambda w: w.cosine)]),
        *_told("max abs", [_magnitude(value) for value in rows.parity(lambda w: w.max_abs)], 11),
        *known("SNR", rows.parity(lambda w: w.snr_db), DECIBELS, drop=7),
        *known("top-1", top1, PERCENT, drop=9, digits=4),
    )


def _task(rows: _Judged) -> tuple[Column, ...]:
    return tuple(
        column
        for name, (head, drop) in _METRICS.items()
        for column in known(head, rows.metric(name), PERCENT, drop=drop, digits=4)
    )


def _speed(rows: _Judged, against: References) -> tuple[Column, ...]:
    speeds = [
        None if summary is None else against.speed(case, summary)
        for case, summary in zip(rows.cases, rows.summaries, strict=True)
    ]
    return known("speed", speeds, TIMES_FP32, drop=1)


def _without_fp32(rows: _Judged, speed: Sequence[Column]) -> Iterator[Aside]:
    precisions = {
        c.record.case.precision for c, s in zip(rows.cases, rows.summaries, strict=True) if s
    }
    if precisions - {REFERENCE} and not speed:
        yield Aside(state="measured", head="Speed:", text=NO_FP32)


def _change(rows: _Judged) -> tuple[Column, ...]:
    tasks = [case.accuracy.task if case.accuracy else None for case in rows.cases]
    changes = [None if task is None else gained(task) for task in tasks]
    points = [None if change is None else f"{100 * change:+.2f}" for change in changes]
    return _told("Δ", points, 2, unit=POINTS[0][0])


def _told(
    name: str, cells: Sequence[str | None], drop: int = 0, *, unit: str = ""
) -> tuple[Column, ...]:
    """Return a column of numbers that are spelt already, or none where no row has any."""
    if all(cell is None for cell in cells):
        return ()
    spelt = aligned([MISSING if cell is None else cell for cell in cells])
    return (Column(name=name, unit=unit, cells=spelt, drop=drop),)


def _cosine(value: float | None) -> str | None:
    """Return five decimals, rounded down: what reads 1 is 1."""
    if value is None:
        return None
    return "1" if value >= 1 else f"{math.floor(round(value * 1e5, 6)) / 1e5:.5f}"


def _magnitude(value: float | None) -> str | None:
    """Return two digits and the power of ten: errors of one table are orders of magnitude apart."""
    if value is None:
        return None
    return "0" if value == 0 else f"{value:.1e}"


def _spelt(fractions: Mapping[str, float]) -> str:
    """Return the types of most, such as `int8 97.4 %, fp32 2.6 %`; one that has all, alone."""
    found = [(name, round(1000 * share) / 10) for name, share in fractions.items()]
    named = [(one_line(name), percent) for name, percent in found if percent]
    if not named:
        return MISSING
    if len(named) == 1:
        return named[0][0]
    return ", ".join(f"{name} {percent:g} %" for name, percent in named[:_LISTED])
